package events

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/event/transform"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A happening is an event as a rule saw it.
type happening struct {
	text     []byte
	event    *envelope
	ingested time.Time
	trace    string
}

// deliver sends what happened to each target of a rule.
func (s *Service) deliver(tx *store.Tx, key ruleKey, r *rule, h *happening) error {
	tx.AfterCommit(func() { s.matched(key.ARN()) })
	for i := range r.Targets {
		d, err := newDelivery(key, &r.Targets[i], h)
		if err != nil {
			return err
		}
		if err := s.router.Send(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// newDelivery is what a target of a rule is to receive.
func newDelivery(key ruleKey, t *api.Target, h *happening) (event.Delivery, error) {
	arn, err := aws.ParseARN(t.Arn)
	if err != nil {
		return event.Delivery{}, err // it was parsed when the target was put
	}
	d := event.Delivery{
		Source: key.ARN(), Role: aws.Value(t.RoleArn), Trace: h.trace, Target: arn, Original: h.text, Params: make(map[string]string),
		Context: map[string]string{"TargetArn": t.Arn},
	}
	d.Body = bodyFor(key, t, h)
	if p := t.SqsParameters; p != nil {
		d.Params[event.GroupID] = aws.Value(p.MessageGroupId)
		d.Params[event.DeduplicationID] = h.event.ID
	}
	if p := t.AppSyncParameters; p != nil {
		d.Params[event.GraphQLOperation] = aws.Value(p.GraphQLOperation)
	}
	if arn.Service == "kinesis" {
		d.Params[event.PartitionKey] = partitionKey(t, h)
	}
	if p := t.HttpParameters; p != nil && strings.HasPrefix(arn.Resource, destinationKind) {
		text, err := json.Marshal(p)
		if err != nil {
			return d, err
		}
		d.Params[httpParameters] = string(text)
	}
	if p := t.RetryPolicy; p != nil {
		d.Retry = event.Retry{MaxAge: time.Duration(aws.Value(p.MaximumEventAgeInSeconds)) * time.Second}
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

// partitionKey is where in a stream an event goes.
func partitionKey(t *api.Target, h *happening) string {
	if t.KinesisParameters == nil {
		return h.event.ID
	}
	v := find(t.KinesisParameters.PartitionKeyPath, h.text)
	var text string
	if json.Unmarshal(v, &text) == nil {
		v = []byte(text)
	}
	if len(v) == 0 || len(v) > 256 {
		return h.event.ID
	}
	return string(v)
}

// bodyFor is the input of a target. Another bus is given the event whatever
// the target says.
func bodyFor(key ruleKey, t *api.Target, h *happening) []byte {
	switch {
	case strings.Contains(t.Arn, ":"+busKind):
		return h.text
	case t.Input != nil:
		return []byte(*t.Input)
	case t.InputPath != nil:
		if v := find(*t.InputPath, h.text); v != nil {
			return v
		}
		return []byte("{}")
	case t.InputTransformer != nil:
		x := t.InputTransformer
		return transform.ParseTemplate(x.InputTemplate).Fill(func(name string) ([]byte, bool) {
			if predefined[name] {
				return predefine(key, h, name), true
			}
			v := find(x.InputPathsMap[name], h.text)
			return v, v != nil
		})
	}
	return h.text
}

// find returns what a path leads to, or nil.
func find(path string, doc []byte) []byte {
	p, err := transform.ParsePath(path)
	if err != nil {
		return nil // it was parsed when the target was put
	}
	v, _ := p.Find(doc)
	return v
}

// predefined are the names that templates may use without defining them.
var predefined = map[string]bool{
	"aws.events.rule-arn": true, "aws.events.rule-name": true, "aws.events.event.ingestion-time": true,
	"aws.events.event": true, "aws.events.event.json": true,
}

// predefine returns the value of one of predefined.
func predefine(key ruleKey, h *happening, name string) []byte {
	switch name {
	case "aws.events.rule-arn":
		return transform.Quote(key.ARN().String())
	case "aws.events.rule-name":
		return transform.Quote(key.Name)
	case "aws.events.event.ingestion-time":
		return transform.Quote(h.ingested.UTC().Format(timeLayout))
	case "aws.events.event.json":
		return h.text
	}
	brief, err := json.Marshal(struct {
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detailType"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
	}{h.event.Version, h.event.ID, h.event.DetailType, h.event.Source, h.event.Account, h.event.Time, h.event.Region, h.event.Resources})
	if err != nil {
		return nil // strings always can be
	}
	return brief
}

// dead returns the attributes of a dead letter of a rule.
func dead(d *event.Delivery, why event.Failure) map[string]event.Attribute {
	text := func(s string) event.Attribute { return event.Attribute{DataType: "String", StringValue: s} }
	attributes := map[string]event.Attribute{
		"RULE_ARN":       text(d.Source.String()),
		"TARGET_ARN":     text(d.Context["TargetArn"]),
		"ERROR_CODE":     text(errorCode(why.Code)),
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

// errorCode is what EventBridge calls a refusal.
func errorCode(code string) string {
	switch {
	case strings.HasPrefix(code, "AccessDenied"):
		return "NO_PERMISSIONS"
	case strings.Contains(code, "NotFound") || strings.Contains(code, "NonExistent") || strings.Contains(code, "DoesNotExist"):
		return "NO_RESOURCE"
	case strings.Contains(code, "Throttl") || strings.Contains(code, "TooManyRequests"):
		return "THROTTLING"
	case code == aws.InternalFailure.Code:
		return "INTERNAL_ERROR"
	}
	return "SDK_CLIENT_ERROR"
}
