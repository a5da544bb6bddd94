package pipes

import (
	"encoding/json"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
)

// check refuses a pipe that could not work.
func (s *Service) check(p *pipe, account string) error {
	spec := &p.Spec
	if spec.KmsKeyIdentifier != nil {
		return errAbsent("encryption of pipes with keys of KMS")
	}
	if err := checkLog(spec.LogConfiguration, account); err != nil {
		return err
	}
	if err := checkSource(spec); err != nil {
		return err
	}
	if _, err := p.filters(); err != nil {
		return err
	}
	if e := aws.Value(spec.Enrichment); e != "" {
		if err := s.checkCall(e, "enrichment", enrichments); err != nil {
			return err
		}
	}
	if to, err := aws.ParseARN(spec.Target); err == nil && event.ToRecord(to) != nil {
		return nil
	}
	if err := s.checkCall(spec.Target, "target", targets); err != nil {
		return err
	}
	params := aws.Value(spec.TargetParameters)
	if params.EcsTaskParameters != nil || params.BatchJobParameters != nil || params.RedshiftDataParameters != nil ||
		params.SageMakerPipelineParameters != nil || params.TimestreamParameters != nil {
		return invalid("The target parameters are not those of target %s.", spec.Target)
	}
	if strings.Contains(spec.Target, ":kinesis:") && params.KinesisStreamParameters == nil {
		return invalid("KinesisStreamParameters.PartitionKey must be specified for a Kinesis stream.")
	}
	return nil
}

func checkSource(spec *api.CreatePipeInput) error {
	from, err := aws.ParseARN(spec.Source)
	if err != nil {
		return errAbsent("self-managed brokers as sources of pipes")
	}
	params := aws.Value(spec.SourceParameters)
	switch {
	case from.Service == "sqs":
	case from.Service == "kinesis" && params.KinesisStreamParameters == nil:
		return invalid("KinesisStreamParameters.StartingPosition must be specified for a Kinesis stream.")
	case from.Service == "kinesis":
	case from.Service == "dynamodb" && params.DynamoDBStreamParameters == nil:
		return invalid("DynamoDBStreamParameters.StartingPosition must be specified for a DynamoDB stream.")
	case from.Service == "dynamodb" && strings.Contains(from.Resource, "/stream/"):
	default:
		return errAbsent("sources of " + from.Service + " for pipes")
	}
	return nil
}

// A needed operation is what a target or an enrichment is called by.
type needed struct{ service, operation string }

var (
	enrichments = map[string]needed{
		"lambda": {"lambda", "Invoke"}, "events": {"events", "InvokeApiDestination"}, "states": {"states", "StartSyncExecution"},
	}
	targets = map[string]needed{
		"lambda": {"lambda", "Invoke"}, "events": {"events", "PutEvents"}, "sqs": {"sqs", "SendMessage"}, "sns": {"sns", "Publish"},
		"kinesis": {"kinesis", "PutRecords"}, "firehose": {"firehose", "PutRecordBatch"}, "states": {"states", "StartExecution"},
		"logs": {"logs", "PutLogEvents"},
	}
)

// checkCall refuses what cannot be called yet.
func (s *Service) checkCall(text, what string, known map[string]needed) error {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return invalid("%s is not a valid ARN.", text)
	}
	n, ok := known[arn.Service]
	if !ok {
		return errAbsent(what + "s of " + arn.Service + " for pipes")
	}
	_, err = s.Table.Find(n.service, n.operation)
	return err
}

// list reads what an enrichment answered: events, or one event.
func list(answer []byte) ([]json.RawMessage, error) {
	text := strings.TrimSpace(string(answer))
	if slices.Contains([]string{"", "null", `""`, "{}", "[]"}, text) {
		return nil, nil
	}
	if text[0] != '[' {
		if !json.Valid(answer) {
			return nil, invalid("The enrichment answered what is no JSON.")
		}
		return []json.RawMessage{json.RawMessage(text)}, nil
	}
	var all []json.RawMessage
	err := json.Unmarshal(answer, &all)
	return all, err
}
