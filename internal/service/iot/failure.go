package iot

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/iot/query"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A failure is an action that failed, with the message that it was done for. It
// is the dead letter of the action's delivery.
type failure struct {
	Message  message
	Action   string
	Resource string
	Why      string `json:",omitempty"`
}

// A failureText is what an error action is given.
type failureText struct {
	RuleName string       `json:"ruleName"`
	Topic    string       `json:"topic"`
	TraceID  string       `json:"cloudwatchTraceId"`
	ClientID string       `json:"clientId"`
	SourceIP string       `json:"sourceIp,omitempty"`
	Payload  []byte       `json:"base64OriginalPayload"`
	Failures []failedText `json:"failures"`
}

type failedText struct {
	Action   string `json:"failedAction"`
	Resource string `json:"failedResource"`
	Message  string `json:"errorMessage"`
}

// deliver returns what an action of r does with out, which r made of m. A
// message that the action cannot be done for goes to the error action.
func (r *compiledRule) deliver(a *action, m *message, seen *query.Message, out []byte) (event.Delivery, bool, error) {
	d, err := a.make(seen, out)
	f := &failure{Message: *m, Action: a.name, Resource: a.resource}
	if refusal, ok := errors.AsType[*aws.Error](err); ok {
		if f.Why = refusal.Message; r.failed == nil {
			return d, false, nil
		}
		return r.fail(f)
	}
	if err != nil {
		return d, false, err
	}
	d.Source, d.Role, d.Trace = r.arn, a.role, m.Trace
	if r.failed != nil {
		d.DeadLetter, d.Original = r.arn, encode(f)
	}
	return d, true, nil
}

// fail returns what the error action of r does about a failure. Nobody hears of
// it if that fails, too.
func (r *compiledRule) fail(f *failure) (event.Delivery, bool, error) {
	m := &f.Message
	text := encode(failureText{
		r.arn.Resource[len(ruleKind):], m.Topic, m.TraceID, m.ClientID, m.SourceIP, m.Payload, []failedText{{f.Action, f.Resource, f.Why}},
	})
	d, err := r.failed.make(m.query(), text)
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return d, false, nil
	}
	d.Source, d.Role, d.Trace = r.arn, r.failed.role, m.Trace
	return d, true, err
}

// runErrorAction gives a failure to the error action of its rule. AWS has no
// such operation.
var runErrorAction = smithy.Operation[errorActionInput, errorActionOutput]{Service: "iot", Name: "RunErrorAction"}

type errorActionInput struct {
	rule    aws.ARN
	failure failure
}

type errorActionOutput struct{}

// mayRunErrorAction lets IoT alone, for the rule.
func mayRunErrorAction(call *aws.Call, in *errorActionInput, check func(service.Access) error) error {
	if p := call.Principal; p.Kind == aws.Service && p.ARN == "iot.amazonaws.com" && p.Source == in.rule {
		return nil
	}
	return check(service.Access{Action: "iot:RunErrorAction", Resource: in.rule})
}

// Attributes of the dead letter of an action.
const (
	errorCode    = "ERROR_CODE"
	errorMessage = "ERROR_MESSAGE"
)

// dead returns why an action failed, for receive.
func dead(_ *event.Delivery, why event.Failure) map[string]event.Attribute {
	return map[string]event.Attribute{
		errorCode: {DataType: "String", StringValue: why.Code}, errorMessage: {DataType: "String", StringValue: why.Message},
	}
}

// receive takes dead letters of actions, which come to their rule.
func receive(d *event.Delivery) (operation string, in any, err error) {
	e := &errorActionInput{rule: d.Target}
	var why map[string]event.Attribute
	if json.Unmarshal(d.Body, &e.failure) != nil || json.Unmarshal([]byte(d.Params[event.MessageAttributes]), &why) != nil || e.failure.Action == "" {
		return "", nil, invalid("The delivery is no failure of an action.")
	}
	e.failure.Why = "Failed to perform " + e.failure.Action + " on " + e.failure.Resource + ". The error received was " +
		why[errorMessage].StringValue + " (Error Code: " + why[errorCode].StringValue + "). Message arrived on: " + e.failure.Message.Topic
	return runErrorAction.Name, e, nil
}

func (s *Service) runErrorAction(ctx context.Context, _ *aws.Call, in *errorActionInput) (*errorActionOutput, error) {
	return &errorActionOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := rules.Get(tx, in.rule)
		if errors.Is(err, store.ErrNotFound) {
			return nil // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		r, err := compile(in.rule, &row)
		if err != nil || r.failed == nil {
			return err
		}
		d, ok, err := r.fail(&in.failure)
		if err != nil || !ok {
			return err
		}
		return s.Router.Send(tx, d)
	})
}
