package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// What a function says of a record.
const (
	resultOk      = "Ok"
	resultDropped = "Dropped"
)

// A transformEvent is what a function gets.
type transformEvent struct {
	Invocation string            `json:"invocationId"`
	Source     string            `json:"sourceKinesisStreamArn,omitempty"`
	Stream     string            `json:"deliveryStreamArn"`
	Region     string            `json:"region"`
	Records    []transformRecord `json:"records"`
}

type transformRecord struct {
	ID      string          `json:"recordId"`
	Arrival int64           `json:"approximateArrivalTimestamp"`
	Data    []byte          `json:"data"`
	Kinesis json.RawMessage `json:"kinesisRecordMetadata,omitempty"`
}

// A transformAnswer is what it answers.
type transformAnswer struct {
	Records []transformed `json:"records"`
}

type transformed struct {
	ID       string `json:"recordId"`
	Result   string `json:"result"`
	Data     []byte `json:"data"`
	Metadata struct {
		PartitionKeys map[string]any `json:"partitionKeys"`
	} `json:"metadata"`
}

// transform has a function make of items what it likes. A failure of the
// function itself is an error until it was tried often enough.
func (s *Service) transform(ctx context.Context, row *stream, b *batch, p *api.Processor, items []item) ([]item, error) {
	function := parameter(p, api.ProcessorParameterNameLambdaArn, "")
	in := &transformEvent{Invocation: aws.NewRequestID(), Stream: b.key.Stream.String(), Region: b.key.Stream.Region}
	if row.Source != nil {
		in.Source = row.Source.KinesisStreamARN
	}
	for i, it := range items {
		if it.why == nil {
			in.Records = append(in.Records, transformRecord{ID: b.recordID(i), Arrival: it.At.UnixMilli(), Data: it.Data, Kinesis: json.RawMessage(it.Meta)})
		}
	}
	if len(in.Records) == 0 {
		return items, nil
	}
	role := parameter(p, api.ProcessorParameterNameRoleArn, s.role(row))
	answers, why, err := s.invoke(ctx, b.key.Stream, role, function, in)
	if err != nil {
		return nil, err
	}
	if why != nil {
		retries, err := strconv.Atoi(parameter(p, api.ProcessorParameterNameNumberOfRetries, "3"))
		if err != nil {
			retries = 3
		}
		failures, _ := s.failures(b.key)
		why.Function, why.Attempts = function, failures+1
		s.report(ctx, row, b.key, why.Code, why.Message)
		if failures < retries {
			return nil, fmt.Errorf("%s: %s", why.Code, why.Message)
		}
	}
	out := items[:0:0]
	for i, it := range items {
		if it.why == nil && why != nil {
			it.why = why
		} else if it.why == nil && !it.become(answers[b.recordID(i)], function) {
			continue
		}
		out = append(out, it)
	}
	return out, nil
}

// recordID names the i-th record of a batch to a function: by its place in the
// line, which stays when it is tried again.
func (b *batch) recordID(i int) string { return fmt.Sprintf("%s%06d", b.first, i) }

// become makes an item what the function answered for it, and returns false if
// it is no more.
func (it *item) become(a *transformed, function string) bool {
	fail := func(code, message string) bool {
		it.why = &failure{Code: code, Message: message, Attempts: 1, Function: function}
		return true
	}
	switch {
	case a == nil:
		return fail("Lambda.MissingRecordId", "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.")
	case a.Result == resultDropped:
		return false
	case a.Result != resultOk:
		return fail("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
	}
	it.Data = a.Data
	for name, value := range a.Metadata.PartitionKeys {
		if it.keys == nil {
			it.keys = make(map[string]string)
		}
		it.keys[fromLambda+":"+name] = keyText(value)
	}
	return true
}

// invoke calls a function, and returns what it answered by the ids of records;
// or why it did not.
func (s *Service) invoke(ctx context.Context, arn aws.ARN, role, function string, in *transformEvent) (map[string]*transformed, *failure, error) {
	payload, err := json.Marshal(in)
	if err != nil {
		return nil, nil, err
	}
	call, err := s.as(ctx, arn, role)
	if err == nil {
		call.RequestID = aws.NewRequestID()
		var out *lambda.InvokeOutput
		out, err = dispatch.CallChecked(ctx, s.Table, call, lambda.Invoke, &lambda.InvokeInput{FunctionName: function, Payload: payload})
		if err == nil {
			answers, why := readAnswer(out)
			return answers, why, nil
		}
	}
	refusal, refused := errors.AsType[*aws.Error](err)
	switch {
	case !refused:
		return nil, nil, err
	case refusal.Code == aws.AccessDenied.Code:
		return nil, &failure{Code: "Lambda.InvokeAccessDenied", Message: "Access was denied. Ensure that the access policy allows access to the Lambda function."}, nil
	case errors.Is(err, lambda.ResourceNotFoundException):
		return nil, &failure{Code: "Lambda.ResourceNotFound", Message: "The specified Lambda function does not exist. Use a different function that does exist."}, nil
	case errors.Is(err, lambda.TooManyRequestsException):
		return nil, &failure{Code: "Lambda.InvokeLimitExceeded", Message: "The Lambda concurrent execution limit is exceeded. Increase the concurrent execution limit."}, nil
	}
	return nil, &failure{Code: "Lambda." + refusal.Code, Message: refusal.Message}, nil
}

func readAnswer(out *lambda.InvokeOutput) (map[string]*transformed, *failure) {
	if out.FunctionError != nil {
		return nil, &failure{Code: "Lambda.FunctionError", Message: "The Lambda function was successfully invoked but it returned an error result."}
	}
	var doc transformAnswer
	if err := json.Unmarshal(out.Payload, &doc); err != nil {
		return nil, &failure{Code: "Lambda.JsonProcessingException", Message: "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model required by Amazon Data Firehose."}
	}
	answers := make(map[string]*transformed, len(doc.Records))
	for i := range doc.Records {
		a := &doc.Records[i]
		if answers[a.ID] != nil {
			return nil, &failure{Code: "Lambda.DuplicatedRecordId", Message: "Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record IDs for each record."}
		}
		answers[a.ID] = a
	}
	return answers, nil
}
