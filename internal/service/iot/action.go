package iot

import (
	"encoding/json"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service/iot/query"
)

// An action is one of a rule, ready to be done.
type action struct {
	name     string // as failures have it: "SqsAction"
	resource string // that it is done on, for people
	role     string

	// make returns what gives out, which a rule made of m, to the resource.
	make func(m *query.Message, out []byte) (event.Delivery, error)
}

// makers make an action ready, by its member of api.Action.
var makers = map[string]func(b *builder, a *api.Action){
	"CloudwatchAlarm":  (*builder).alarm,
	"CloudwatchLogs":   (*builder).log,
	"CloudwatchMetric": (*builder).metric,
	"DynamoDB":         (*builder).item,
	"DynamoDBv2":       (*builder).columns,
	"Firehose":         (*builder).firehose,
	"Kinesis":          (*builder).stream,
	"Lambda":           (*builder).function,
	"Republish":        (*builder).republish,
	"S3":               (*builder).object,
	"Sns":              (*builder).notify,
	"Sqs":              (*builder).queue,
	"StepFunctions":    (*builder).execution,
}

// A builder makes an action ready, and keeps the first refusal.
type builder struct {
	action
	rule    aws.ARN
	version string
	err     error
}

// newAction makes the one action ready that a has.
func newAction(rule aws.ARN, a *api.Action, version string) (*action, error) {
	kind, _ := kindOf(a)
	if kind == "" {
		return nil, invalid("An action must have exactly one type.")
	}
	maker := makers[kind]
	if maker == nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have actions of type %s for IoT rules yet.", strings.ToLower(kind[:1])+kind[1:])
	}
	b := &builder{rule: rule, version: version}
	b.name, b.role = kind+"Action", roleOf(a)
	if role, err := aws.ParseARN(b.role); (err != nil || role.Service != "iam") && kind != "Lambda" { // which lets IoT itself
		return nil, invalid("Invalid role ARN: %s", b.role)
	}
	maker(b, a)
	if b.err != nil {
		return nil, b.err
	}
	return &b.action, nil
}

// kindOf returns the one member that a has, or "".
func kindOf(a *api.Action) (kind string, v reflect.Value) {
	members := reflect.ValueOf(a).Elem()
	for i := range members.NumField() {
		if members.Field(i).IsNil() {
			continue
		}
		if kind != "" {
			return "", v
		}
		kind, v = members.Type().Field(i).Name, members.Field(i).Elem()
	}
	return kind, v
}

// roleOf is the role that an action is done as, or "".
func roleOf(a *api.Action) string {
	kind, v := kindOf(a)
	if kind == "" {
		return ""
	}
	switch role := v.FieldByName("RoleArn"); {
	case !role.IsValid():
		return ""
	case role.Kind() == reflect.String:
		return role.String()
	default:
		s, _ := role.Interface().(*string)
		return aws.Value(s)
	}
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// template compiles a text with expressions.
func (b *builder) template(text string) *query.Template {
	t, err := query.ParseTemplate(text, b.version)
	if err != nil {
		b.fail(api.SqlParseException.Errorf("Invalid substitution template %s: %s", text, err))
		return new(query.Template)
	}
	return t
}

// arn names a resource of the rule's account and region.
func (b *builder) arn(service, resource string) aws.ARN {
	return aws.ARN{Service: service, Region: b.rule.Region, Account: b.rule.Account, Resource: resource}
}

// parse reads an ARN of a service.
func (b *builder) parse(text, service string) aws.ARN {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != service {
		b.fail(invalid("Invalid ARN: %s", text))
	}
	return arn
}

// calls has the action call an operation, whose input fill gives.
func (b *builder) calls(target aws.ARN, operation string, fill func(m *query.Message, out []byte) (map[string]any, error)) {
	b.make = func(m *query.Message, out []byte) (event.Delivery, error) {
		in, err := fill(m, out)
		if err != nil {
			return event.Delivery{}, err
		}
		return event.Delivery{Target: target, Operation: operation, Body: encode(in)}, nil
	}
}

func (b *builder) function(a *api.Action) {
	b.resource = a.Lambda.FunctionArn
	to := b.parse(a.Lambda.FunctionArn, "lambda")
	b.make = func(_ *query.Message, out []byte) (event.Delivery, error) {
		if !json.Valid(out) {
			return event.Delivery{}, invalid("The payload for a function must be JSON.")
		}
		return event.Delivery{Target: to, Body: out}, nil
	}
}

func (b *builder) queue(a *api.Action) {
	b.resource = a.Sqs.QueueUrl
	to, ok := b.queueAt(a.Sqs.QueueUrl)
	if !ok {
		b.fail(invalid("Invalid queue URL: %s", a.Sqs.QueueUrl))
	}
	encoded := aws.Value(a.Sqs.UseBase64)
	b.make = func(_ *query.Message, out []byte) (event.Delivery, error) {
		if encoded {
			out = []byte(base64Of(out))
		}
		return event.Delivery{Target: to, Body: out}, nil
	}
}

// queueAt returns the queue at a URL: its region is in the host, if AWS's.
func (b *builder) queueAt(text string) (aws.ARN, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return aws.ARN{}, false
	}
	account, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || account == "" || name == "" || strings.Contains(name, "/") {
		return aws.ARN{}, false
	}
	to := b.arn("sqs", name)
	to.Account = account
	if labels := strings.Split(u.Hostname(), "."); len(labels) > 3 && labels[0] == "sqs" {
		to.Region = labels[1]
	}
	return to, true
}

func (b *builder) notify(a *api.Action) {
	b.resource = a.Sns.TargetArn
	to := b.parse(a.Sns.TargetArn, "sns")
	structured := aws.Value(a.Sns.MessageFormat) == "JSON"
	b.calls(to, "sns.Publish", func(_ *query.Message, out []byte) (map[string]any, error) {
		in := map[string]any{"TargetArn": to.String(), "Message": string(out)}
		if structured {
			in["MessageStructure"] = "json"
		}
		return in, nil
	})
}

func (b *builder) stream(a *api.Action) {
	b.resource = a.Kinesis.StreamName
	to := b.arn("kinesis", "stream/"+a.Kinesis.StreamName)
	key := b.template(aws.Value(a.Kinesis.PartitionKey))
	b.make = func(m *query.Message, out []byte) (event.Delivery, error) {
		return event.Delivery{Target: to, Body: out, Params: map[string]string{event.PartitionKey: key.Fill(m)}}, nil
	}
}

func (b *builder) firehose(a *api.Action) {
	f := a.Firehose
	b.resource = f.DeliveryStreamName
	to := b.arn("firehose", "deliverystream/"+f.DeliveryStreamName)
	separator, batch := aws.Value(f.Separator), aws.Value(f.BatchMode)
	record := func(text []byte) map[string]any {
		return map[string]any{"Data": append(append([]byte{}, text...), separator...)}
	}
	b.calls(to, "firehose.PutRecordBatch", func(_ *query.Message, out []byte) (map[string]any, error) {
		var records []map[string]any
		var elements []json.RawMessage
		if batch && json.Unmarshal(out, &elements) == nil {
			for _, e := range elements {
				records = append(records, record(e))
			}
		} else {
			records = append(records, record(out))
		}
		return map[string]any{"DeliveryStreamName": f.DeliveryStreamName, "Records": records}, nil
	})
	if !batch {
		b.calls(to, "firehose.PutRecord", func(_ *query.Message, out []byte) (map[string]any, error) {
			return map[string]any{"DeliveryStreamName": f.DeliveryStreamName, "Record": record(out)}, nil
		})
	}
}

func (b *builder) object(a *api.Action) {
	b.resource = a.S3.BucketName
	key := b.template(a.S3.Key)
	b.calls(aws.ARN{Service: "s3", Resource: a.S3.BucketName}, "s3.PutObject", func(m *query.Message, out []byte) (map[string]any, error) {
		in := map[string]any{"Bucket": a.S3.BucketName, "Key": key.Fill(m), "Body": base64Of(out)}
		if a.S3.CannedAcl != nil {
			in["ACL"] = *a.S3.CannedAcl
		}
		return in, nil
	})
}

func (b *builder) republish(a *api.Action) {
	r := a.Republish
	name := strings.Replace(r.Topic, "$$", "$", 1) // as reserved topics are written
	if !strings.HasPrefix(r.Topic, "$$") {
		name = r.Topic
	}
	b.resource = r.Topic
	if r.Headers != nil {
		b.fail(aws.NotImplemented.Errorf("Aloft does not have headers of republished messages yet."))
	}
	to, qos := b.template(name), aws.Value(r.Qos)
	b.calls(b.arn("iot", "topic/"+name), "iot-data.Publish", func(m *query.Message, out []byte) (map[string]any, error) {
		return map[string]any{"topic": to.Fill(m), "qos": qos, "payload": base64Of(out)}, nil
	})
}

func (b *builder) execution(a *api.Action) {
	e := a.StepFunctions
	b.resource = e.StateMachineName
	to := b.arn("states", "stateMachine:"+e.StateMachineName)
	prefix := b.template(aws.Value(e.ExecutionNamePrefix))
	b.calls(to, "states.StartExecution", func(m *query.Message, out []byte) (map[string]any, error) {
		return map[string]any{"stateMachineArn": to.String(), "name": prefix.Fill(m) + aws.NewRequestID(), "input": string(out)}, nil
	})
}

func (b *builder) log(a *api.Action) {
	l := a.CloudwatchLogs
	b.resource = l.LogGroupName
	if aws.Value(l.BatchMode) {
		b.fail(aws.NotImplemented.Errorf("Aloft does not have batches of log events of IoT rules yet."))
	}
	to := b.arn("logs", "log-group:"+l.LogGroupName)
	b.make = func(_ *query.Message, out []byte) (event.Delivery, error) {
		return event.Delivery{Target: to, Body: out}, nil
	}
}

func (b *builder) metric(a *api.Action) {
	c := a.CloudwatchMetric
	b.resource = c.MetricNamespace + "/" + c.MetricName
	namespace, name, value := b.template(c.MetricNamespace), b.template(c.MetricName), b.template(c.MetricValue)
	unit, at := b.template(c.MetricUnit), b.template(aws.Value(c.MetricTimestamp))
	b.calls(b.arn("cloudwatch", "metric"), "cloudwatch.PutMetricData", func(m *query.Message, _ []byte) (map[string]any, error) {
		v, err := strconv.ParseFloat(value.Fill(m), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, invalid("The value %q of the metric is not a number.", value.Fill(m))
		}
		when := m.At
		if text := at.Fill(m); text != "" {
			if when, err = parseTimestamp(text); err != nil {
				return nil, err
			}
		}
		return map[string]any{"Namespace": namespace.Fill(m), "MetricData": []any{map[string]any{
			"MetricName": name.Fill(m), "Value": v, "Unit": unit.Fill(m), "Timestamp": when.Unix(),
		}}}, nil
	})
}

// parseTimestamp reads a time, in seconds since the epoch.
func parseTimestamp(text string) (time.Time, error) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, invalid("The timestamp %q of the metric is not a number of seconds.", text)
	}
	return time.Unix(seconds, 0), nil
}

func (b *builder) alarm(a *api.Action) {
	c := a.CloudwatchAlarm
	b.resource = c.AlarmName
	name, reason, state := b.template(c.AlarmName), b.template(c.StateReason), b.template(c.StateValue)
	b.calls(b.arn("cloudwatch", "alarm:"+c.AlarmName), "cloudwatch.SetAlarmState", func(m *query.Message, _ []byte) (map[string]any, error) {
		return map[string]any{"AlarmName": name.Fill(m), "StateReason": reason.Fill(m), "StateValue": state.Fill(m)}, nil
	})
}
