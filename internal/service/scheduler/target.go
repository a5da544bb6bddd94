package scheduler

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
)

// universal begins the resource of targets that are any operation.
const universal = "aws-sdk:"

// readOnly begin the names of operations that schedules may not call.
var readOnly = []string{
	"get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "discover", "validate",
	"batchGet", "batchDescribe", "batchRead", "transactGet", "retrieve", "testConnection", "isAuthorized", "invokeModel",
}

// operation returns the operation that a universal target calls:
// "sqs.SendMessage". Services have the names that SDKs give them.
func (s *Service) operation(arn aws.ARN) (string, error) {
	name, action, ok := strings.Cut(strings.TrimPrefix(arn.Resource, universal), ":")
	if !ok || action == "" {
		return "", invalid("%s is not a valid target.", arn)
	}
	if slices.ContainsFunc(readOnly, func(prefix string) bool { return strings.HasPrefix(action, prefix) }) {
		return "", invalid("Read-only operations are not supported as targets: %s.", action)
	}
	if op, ok := s.Table.FindSDK(name, action); ok {
		return op.Service + "." + op.Name, nil
	}
	name, action = strings.ToLower(name), strings.ToUpper(action[:1])+action[1:]
	if isOfOthers(name, action) {
		return name + "." + action, nil
	}
	return "", aws.NotImplemented.Errorf("Aloft does not answer %s:%s yet.", name, action)
}

// isOfOthers reports whether an operation is one of a service that Aloft does
// not have: a schedule may call it, and is refused by its name.
func isOfOthers(name, action string) bool {
	for _, other := range catalog.Services {
		if strings.ReplaceAll(other.Name, "-", "") == name {
			return slices.ContainsFunc(other.Operations, func(op catalog.Operation) bool { return op.Name == action })
		}
	}
	return event.ToRecord(aws.ARN{Service: name}) != nil
}

// checkTarget refuses a target that could not be called.
func (s *Service) checkTarget(t *api.Target) error {
	arn, err := aws.ParseARN(t.Arn)
	if err != nil {
		return invalid("%s is not a valid ARN.", t.Arn)
	}
	if (t.EcsParameters != nil) != (arn.Service == "ecs") || t.SageMakerPipelineParameters != nil && arn.Service != "sagemaker" {
		return invalid("The parameters are not those of target %s.", t.Arn)
	}
	if arn.Service == "scheduler" && strings.HasPrefix(arn.Resource, universal) {
		if t.Input == nil || !json.Valid([]byte(*t.Input)) {
			return invalid("Input of a universal target must be JSON.")
		}
		_, err := s.operation(arn)
		return err
	}
	if event.ToRecord(arn) != nil {
		return nil
	}
	if !slices.ContainsFunc(s.Table.Services(), func(def service.Definition) bool { return def.API.ARNName == arn.Service && def.Receive != nil }) {
		return aws.NotImplemented.Errorf("Aloft does not have targets of %s for schedules yet.", arn.Service)
	}
	switch {
	case arn.Service == "events" && t.EventBridgeParameters == nil:
		return invalid("EventBridgeParameters must be specified for target %s.", t.Arn)
	case arn.Service == "events" && t.Input != nil && !json.Valid([]byte(*t.Input)):
		return invalid("Input must be valid JSON for target %s.", t.Arn)
	case arn.Service == "kinesis" && t.KinesisParameters == nil:
		return invalid("KinesisParameters must be specified for target %s.", t.Arn)
	case arn.Service == "sqs" && strings.HasSuffix(arn.Resource, ".fifo") && (t.SqsParameters == nil || t.SqsParameters.MessageGroupId == nil):
		return invalid("MessageGroupId must be specified for a FIFO queue.")
	}
	return nil
}

// newDelivery is what a schedule does for a time.
func (s *Service) newDelivery(arn aws.ARN, row *schedule, at time.Time) (event.Delivery, error) {
	t := &row.Target
	target, err := aws.ParseARN(t.Arn)
	if err != nil {
		return event.Delivery{}, err // it was parsed when the schedule was put
	}
	execution := aws.NewRequestID()
	d := event.Delivery{
		Source: arn, Role: t.RoleArn, Target: target, Params: make(map[string]string),
		Context: map[string]string{"SCHEDULED_TIME": at.Format(time.RFC3339), "EXECUTION_ID": execution},
	}
	if d.Body, err = inputOf(arn, t, at, execution); err != nil {
		return d, err
	}
	switch {
	case strings.HasPrefix(target.Resource, universal):
		if d.Operation, err = s.operation(target); err != nil {
			return d, err
		}
	case target.Service == "events":
		d.Operation = "events.PutEvents"
		d.Body, err = json.Marshal(map[string]any{"Entries": []map[string]any{{
			"Source": t.EventBridgeParameters.Source, "DetailType": t.EventBridgeParameters.DetailType, "Detail": string(d.Body), "EventBusName": t.Arn,
			"Resources": []string{arn.String()},
		}}})
		if err != nil {
			return d, err
		}
	case t.KinesisParameters != nil:
		d.Params[event.PartitionKey] = t.KinesisParameters.PartitionKey
	case t.SqsParameters != nil:
		d.Params[event.GroupID] = aws.Value(t.SqsParameters.MessageGroupId)
		d.Params[event.DeduplicationID] = execution
	}
	if p := t.RetryPolicy; p != nil {
		d.Retry.MaxAge = time.Duration(aws.Value(p.MaximumEventAgeInSeconds)) * time.Second
		if p.MaximumRetryAttempts != nil {
			d.Retry.Attempts = 1 + int(*p.MaximumRetryAttempts)
		}
	}
	if c := t.DeadLetterConfig; c != nil && c.Arn != nil {
		if d.DeadLetter, err = aws.ParseARN(*c.Arn); err != nil {
			return d, err
		}
	}
	return d, nil
}

// inputOf is the input of a target, with what stands for its circumstances
// filled in.
func inputOf(arn aws.ARN, t *api.Target, at time.Time, execution string) ([]byte, error) {
	when := at.Format(time.RFC3339)
	if t.Input == nil {
		return json.Marshal(struct {
			Version    string   `json:"version"`
			ID         string   `json:"id"`
			DetailType string   `json:"detail-type"`
			Source     string   `json:"source"`
			Account    string   `json:"account"`
			Time       string   `json:"time"`
			Region     string   `json:"region"`
			Resources  []string `json:"resources"`
			Detail     string   `json:"detail"`
		}{"0", execution, "Scheduled Event", "aws.scheduler", arn.Account, when, arn.Region, []string{arn.String()}, "{}"})
	}
	return []byte(strings.NewReplacer(
		"<aws.scheduler.schedule-arn>", arn.String(), "<aws.scheduler.scheduled-time>", when,
		"<aws.scheduler.execution-id>", execution, "<aws.scheduler.attempt-number>", "1",
	).Replace(*t.Input)), nil
}

// dead returns the attributes of a dead letter of a schedule.
func dead(d *event.Delivery, why event.Failure) map[string]event.Attribute {
	text := func(s string) event.Attribute { return event.Attribute{DataType: "String", StringValue: s} }
	attributes := map[string]event.Attribute{
		"ERROR_CODE": text(why.Code), "EXECUTION_ID": text(d.Context["EXECUTION_ID"]), "SCHEDULED_TIME": text(d.Context["SCHEDULED_TIME"]),
		"SCHEDULE_ARN": text(d.Source.String()), "TARGET_ARN": text(d.Target.String()),
		"RETRY_ATTEMPTS": {DataType: "Number", StringValue: strconv.Itoa(max(why.Attempts-1, 0))},
	}
	if why.Message != "" {
		attributes["ERROR_MESSAGE"] = text(why.Message)
	}
	if why.Exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = text(why.Exhausted)
	}
	return attributes
}
