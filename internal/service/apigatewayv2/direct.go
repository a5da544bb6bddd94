package apigatewayv2

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// A direct integration is an operation of another service that a route leads
// to by itself, without a function.
type direct struct {
	service, operation string
	required           []string
	json               []string // parameters that are JSON, not text
	blobs              []string // that travel in base64
	lower              bool     // members of the answer begin with a small letter
	entry              bool     // the parameters are those of the one entry of a list
}

// directs are those there are, by subtype. The parameters are the members of
// the operation's input.
var directs = map[string]direct{
	"SQS-SendMessage": {service: "sqs", operation: "SendMessage", required: []string{"QueueUrl", "MessageBody"},
		json: []string{"DelaySeconds", "MessageAttributes", "MessageSystemAttributes"}},
	"SQS-ReceiveMessage": {service: "sqs", operation: "ReceiveMessage", required: []string{"QueueUrl"},
		json: []string{"AttributeNames", "MaxNumberOfMessages", "MessageAttributeNames", "VisibilityTimeout", "WaitTimeSeconds"}},
	"SQS-DeleteMessage": {service: "sqs", operation: "DeleteMessage", required: []string{"QueueUrl", "ReceiptHandle"}},
	"SQS-PurgeQueue":    {service: "sqs", operation: "PurgeQueue", required: []string{"QueueUrl"}},
	"EventBridge-PutEvents": {service: "events", operation: "PutEvents", required: []string{"Detail", "DetailType", "Source"},
		json: []string{"Resources"}, entry: true},
	"Kinesis-PutRecord":                {service: "kinesis", operation: "PutRecord", required: []string{"StreamName", "Data", "PartitionKey"}, blobs: []string{"Data"}},
	"StepFunctions-StartExecution":     {service: "states", operation: "StartExecution", required: []string{"StateMachineArn"}, lower: true},
	"StepFunctions-StartSyncExecution": {service: "states", operation: "StartSyncExecution", required: []string{"StateMachineArn"}, lower: true},
	"StepFunctions-StopExecution":      {service: "states", operation: "StopExecution", required: []string{"ExecutionArn"}, lower: true},
}

// checkDirect refuses an integration that names no operation, or not all it needs.
func (s *Service) checkDirect(subtype string, parameters map[string]string, credentials *string) error {
	d, ok := directs[subtype]
	if !ok {
		if strings.Contains(subtype, "AppConfig") {
			return errNotYet("integrations with " + subtype)
		}
		return errBad("Invalid integration subtype: %s", subtype)
	}
	if _, err := s.cfg.Table.Find(d.service, d.operation); err != nil {
		return errNotYet("integrations with " + subtype)
	}
	if aws.Value(credentials) == "" {
		return errBad("Credentials ARN must be specified for AWS_PROXY integrations with an integration subtype")
	}
	for _, name := range d.required {
		if parameters[name] == "" {
			return errBad("Parameter: %s is required for integration subtype %s", name, subtype)
		}
	}
	return nil
}

// callService runs the operation that x's route leads to, as the integration's role.
func (x *exchange) callService(a *served, p *proxy.Request) (*proxy.Reply, error) {
	d := directs[x.route.subtype]
	in := make(map[string]json.RawMessage)
	region := a.api.Region
	for name, text := range x.route.parameters {
		value := x.value(text, p, nil)
		if name == "Region" {
			region = value
			continue
		}
		raw := json.RawMessage(value)
		if slices.Contains(d.blobs, name) {
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
		if !slices.Contains(d.json, name) || !json.Valid(raw) {
			raw, _ = json.Marshal(value) // a text
		}
		in[name] = raw
	}
	input, err := json.Marshal(in)
	if d.entry && err == nil {
		input, err = json.Marshal(map[string]any{"Entries": []any{json.RawMessage(input)}})
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), x.route.timeout)
	defer cancel()
	by := aws.ServiceCall("apigateway", executeARN(a, x.stage.name+"/"+x.route.resource))
	session, err := x.cfg.Sessions.Assume(ctx, by, x.route.role)
	if err != nil {
		return nil, err
	}
	call := session.Call(by)
	call.Region = region
	ask := x.cfg.Table.CallJSON
	if d.lower {
		ask = x.cfg.Table.CallLower
	}
	out, err := ask(ctx, call, d.service, d.operation, input)
	if refusal, ok := errors.AsType[*aws.Error](err); ok && refusal.Status < 500 {
		body, _ := json.Marshal(map[string]string{"__type": refusal.Code, "message": refusal.Message})
		return &proxy.Reply{Status: refusal.Status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, nil
	}
	if err != nil {
		return nil, err
	}
	return &proxy.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: out}, nil
}
