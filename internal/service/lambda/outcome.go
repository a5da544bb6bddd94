package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/poll"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// zeroReserved is the condition of events to functions that nothing may run.
const zeroReserved = "ZeroReservedConcurrency"

// An outcome is what became of an event that nobody waits for.
type outcome struct {
	arn       ref
	row       queuedEvent
	condition string
	invokes   int
	function  *sandbox.Function // nil if it was not run at last
	result    sandbox.Result
}

// finish takes an event out of the queue, and tells those who are to hear of
// its outcome: a destination, and of failures the function's dead-letter queue.
func (s *Service) finish(ctx context.Context, at queuedRef, t *target, o *outcome) error {
	destination := t.config.OnSuccess
	var send []event.Delivery
	if o.condition != "Success" {
		destination = t.config.OnFailure
		if t.deadLetter != "" {
			send = append(send, o.deadLetter(t))
		}
	}
	if destination != "" {
		send = append(send, o.tell(t, destination))
	}
	return s.settle(ctx, at, nil, send)
}

// tell is the message to a destination, sent as the role of the function.
func (o *outcome) tell(t *target, destination string) event.Delivery {
	now := time.Now().UTC()
	d := message(o.arn.function, t.role, destination, o.document(now), nil)
	switch d.Target.Service {
	case "events":
		result := "Failure"
		if o.condition == "Success" {
			result = "Success"
		}
		d.Operation = "events.PutEvents"
		d.Body = []byte(toJSON(map[string]any{"Entries": []any{map[string]any{
			"Source": "lambda", "DetailType": "Lambda Function Invocation Result - " + result, "Time": now.Unix(),
			"Resources": []string{destination, o.arn.latest().String()}, "Detail": o.document(now), "EventBusName": destination,
		}}}))
	case "s3":
		d = object(d, fmt.Sprintf("aws/lambda/async/%s/%s-%s", name(o.arn.function), now.Format("2006/01/02/2006-01-02T15.04.05"), aws.NewRequestID()))
	}
	return d
}

// deadLetter is the event as the function's dead-letter queue, or topic, gets it.
func (o *outcome) deadLetter(t *target) event.Delivery {
	code, text := "200", ""
	var failure struct {
		Message string `json:"errorMessage"`
	}
	switch {
	case o.condition == zeroReserved: // as AWS has it
		code, text = "429", "Function not invoked. Function isconfigured with zero reserved concurrent executions"
	case o.function == nil:
		code, text = "429", "Rate Exceeded."
	case json.Unmarshal(o.result.Payload, &failure) == nil:
		text = failure.Message
	}
	return message(o.arn.function, t.role, t.deadLetter, string(o.row.Payload), map[string]messageAttribute{
		"RequestID":    {"String", o.row.RequestID},
		"ErrorCode":    {"Number", code},
		"ErrorMessage": {"String", orElse(text[:cut(text, maxErrorMessage)], "Unknown")},
	})
}

// maxErrorMessage is how much a dead letter says of an error.
const maxErrorMessage = 1 << 10

type messageAttribute struct{ DataType, StringValue string }

// message is a delivery of text from a function to a resource, sent as a role.
func message(fn aws.ARN, role, target, text string, attributes map[string]messageAttribute) event.Delivery {
	to, err := aws.ParseARN(target)
	if err != nil {
		panic(err) // it was checked when it was configured
	}
	d := event.Delivery{Source: fn, Role: role, Target: to, Body: []byte(text)}
	body := map[string]any{}
	if attributes != nil {
		body["MessageAttributes"] = attributes
	}
	switch to.Service {
	case "sqs":
		body["QueueUrl"], body["MessageBody"] = poll.QueueURL(to), text
		d.Operation, d.Body = "sqs.SendMessage", []byte(toJSON(body))
	case "sns":
		body["TopicArn"], body["Message"] = target, text
		d.Operation, d.Body = "sns.Publish", []byte(toJSON(body))
	}
	return d
}

// object is a delivery that puts an object of what d says.
func object(d event.Delivery, key string) event.Delivery {
	d.Operation = "s3.PutObject"
	d.Body = []byte(toJSON(map[string]any{"Bucket": d.Target.Resource, "Key": key, "ContentType": "application/json", "Body": d.Body}))
	return d
}

// receive says that an event which is delivered to a function is put in its queue.
func receive(d *event.Delivery) (operation string, in any, err error) {
	return api.Invoke.Name, &api.InvokeInput{FunctionName: d.Target.String(), InvocationType: new(api.InvocationTypeEvent), Payload: d.Body}, nil
}

// document is an outcome as destinations get it.
func (o *outcome) document(now time.Time) string {
	doc := outcomeDocument{Version: "1.0", Timestamp: now.Format("2006-01-02T15:04:05.000Z"), RequestPayload: o.row.Payload}
	doc.RequestContext.RequestID = o.row.RequestID
	doc.RequestContext.FunctionARN = o.arn.latest().String()
	doc.RequestContext.Condition = o.condition
	doc.RequestContext.ApproximateInvokeCount = o.invokes
	if o.function != nil {
		doc.ResponseContext = &responseContext{200, o.function.Version, o.result.FunctionError}
		if doc.ResponsePayload = o.result.Payload; !json.Valid(doc.ResponsePayload) {
			doc.ResponsePayload = nil
		}
	}
	return toJSON(doc)
}

type outcomeDocument struct {
	Version        string `json:"version"`
	Timestamp      string `json:"timestamp"`
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}
