package pipes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
)

// maxField is how long what a record tells of data may be, in bytes, before it
// is cut: three of them fit into a line of CloudWatch Logs.
const maxField = 64 << 10

// levels are how much a pipe logs: what is of a level is logged at those above too.
var levels = []string{api.LogLevelOff, api.LogLevelError, api.LogLevelInfo, api.LogLevelTrace}

// A record is what is logged of a step of an execution.
type record struct {
	Execution string   `json:"executionId"`
	Timestamp int64    `json:"timestamp"` // ms
	Step      string   `json:"messageType"`
	Pipe      string   `json:"resourceArn"`
	Level     string   `json:"logLevel"`
	Payload   string   `json:"payload,omitempty"`
	Request   string   `json:"awsRequest,omitempty"`
	Response  string   `json:"awsResponse,omitempty"`
	Truncated []string `json:"truncatedFields,omitempty"`
	Error     *failure `json:"error,omitempty"`
}

// A failure is why a step failed.
type failure struct {
	Status  int    `json:"httpStatusCode"`
	Message string `json:"message"`
	Details string `json:"details"`
	Service string `json:"awsService,omitempty"`
	Request string `json:"requestId,omitempty"`
}

// A journal is what a pipe logs of an execution. One that is nil hears nothing.
type journal struct {
	to      *api.PipeLogConfigurationParameters
	arn     aws.ARN
	id      string
	records []record

	service, request string // of the latest call
	response         []byte
}

// newJournal returns the journal that a pipe wants of an execution.
func newJournal(p *pipe, arn aws.ARN) *journal {
	to := p.Spec.LogConfiguration
	if to == nil || to.Level == api.LogLevelOff {
		return nil
	}
	return &journal{to: to, arn: arn, id: aws.NewRequestID()}
}

// called remembers a call, for steps to tell of.
func (j *journal) called(service string, request, response []byte) {
	if j != nil {
		j.service, j.request, j.response = service, string(request), response
	}
}

// step logs that an execution is at a step; of an error, that it failed.
func (j *journal) step(level, name string, events []view, err error) {
	if j == nil || slices.Index(levels, level) > slices.Index(levels, j.to.Level) {
		return
	}
	r := record{Execution: j.id, Timestamp: time.Now().UnixMilli(), Step: name, Pipe: j.arn.String(), Level: level}
	if slices.Contains(j.to.IncludeExecutionData, api.IncludeExecutionDataOptionAll) {
		r.data(j, name, events)
	}
	if err != nil {
		r.Error = &failure{Status: 500, Message: err.Error(), Service: j.service}
		if refusal, ok := errors.AsType[*aws.Error](err); ok {
			r.Error.Status, r.Error.Message = refusal.Status, cmp.Or(refusal.Message, refusal.Code)
		}
	}
	j.records = append(j.records, r)
}

// data adds to a record what the execution works on.
func (r *record) data(j *journal, step string, events []view) {
	if strings.Contains(step, "INVOCATION") && !strings.HasSuffix(step, "STARTED") {
		r.Request, r.Response = j.request, string(j.response)
	}
	if events != nil {
		all := make([]json.RawMessage, len(events))
		for i := range events {
			all[i] = asJSON(events[i].event)
		}
		if text, err := json.Marshal(all); err == nil {
			r.Payload = string(text)
		}
	}
	for _, field := range []struct {
		name string
		text *string
	}{{"awsRequest", &r.Request}, {"awsResponse", &r.Response}, {"payload", &r.Payload}} {
		if len(*field.text) > maxField {
			*field.text = strings.ToValidUTF8((*field.text)[:maxField], "")
			r.Truncated = append(r.Truncated, field.name)
		}
	}
}

// stage logs the end of a stage, or of the whole.
func (j *journal) stage(name string, partly bool, err error) {
	switch {
	case err != nil:
		j.step(api.LogLevelError, name+"_FAILED", nil, err)
	case partly:
		j.step(api.LogLevelError, name+"_PARTIALLY_FAILED", nil, nil)
	default:
		j.step(api.LogLevelInfo, name+"_SUCCEEDED", nil, nil)
	}
}

// invoked logs the end of a call of an enrichment or a target.
func (j *journal) invoked(name string, partly bool, err error) {
	switch {
	case err != nil:
		j.step(api.LogLevelError, name+"_INVOCATION_FAILED", nil, err)
	case partly:
		j.step(api.LogLevelError, name+"_INVOCATION_PARTIALLY_FAILED", nil, nil)
	default:
		j.step(api.LogLevelTrace, name+"_INVOCATION_SUCCEEDED", nil, nil)
	}
}

// enter logs that a stage begins, and what comes before its call.
func (j *journal) enter(name string, events []view, template *string) {
	j.step(api.LogLevelInfo, name+"_STAGE_ENTERED", events, nil)
	if template != nil {
		j.step(api.LogLevelTrace, name+"_TRANSFORMATION_STARTED", events, nil)
		j.step(api.LogLevelTrace, name+"_TRANSFORMATION_SUCCEEDED", nil, nil)
	}
	j.step(api.LogLevelTrace, name+"_INVOCATION_STARTED", nil, nil)
}

// write gives a journal to where the pipe wants it. What cannot be written is
// lost, as the batch must not wait for it.
func (s *Service) write(ctx context.Context, j *journal) {
	if j == nil || len(j.records) == 0 {
		return
	}
	lines := make([]string, len(j.records))
	for i := range j.records {
		text, err := json.Marshal(&j.records[i])
		if err != nil {
			return
		}
		lines[i] = string(text)
	}
	var failed error
	if to := j.to.CloudwatchLogsLogDestination; to != nil {
		failed = errors.Join(failed, s.writeToGroup(ctx, j, to.LogGroupArn, lines))
	}
	if to := j.to.FirehoseLogDestination; to != nil {
		failed = errors.Join(failed, s.writeToFirehose(ctx, j, to.DeliveryStreamArn, lines))
	}
	if to := j.to.S3LogDestination; to != nil {
		failed = errors.Join(failed, s.writeToBucket(ctx, j, to, lines))
	}
	if failed != nil {
		s.Log.Warn("pipe's log cannot be written", "pipe", j.arn.String(), "err", failed)
	}
}

// owner is a call as the account that the pipe is in: its role need not write logs.
func (j *journal) owner() *aws.Call {
	return &aws.Call{Account: j.arn.Account, Region: j.arn.Region, Principal: auth.Root(j.arn.Account), RequestID: aws.NewRequestID()}
}

func (s *Service) writeToGroup(ctx context.Context, j *journal, group string, lines []string) error {
	to, ok := accesslog.GroupOf(group, j.arn.Account)
	if !ok {
		return invalid("%s is no log group.", group)
	}
	at := accesslog.Place{Group: to, Stream: pipeName(j.arn)}
	out := make([]accesslog.Line, len(lines))
	for i, text := range lines {
		out[i] = accesslog.Line{At: time.UnixMilli(j.records[i].Timestamp), Text: text}
	}
	return dispatch.WriteLog(ctx, s.Table, auth.Root(to.Account), at, out)
}

func (s *Service) writeToFirehose(ctx context.Context, j *journal, stream string, lines []string) error {
	arn, err := aws.ParseARN(stream)
	if err != nil {
		return err
	}
	records := make([]map[string]any, len(lines))
	for i, text := range lines {
		records[i] = map[string]any{"Data": []byte(text + "\n")}
	}
	r := run{s: s, call: j.owner()}
	_, err = r.do(ctx, "firehose", "PutRecordBatch", map[string]any{"DeliveryStreamName": strings.TrimPrefix(arn.Resource, "deliverystream/"), "Records": records})
	return err
}

func (s *Service) writeToBucket(ctx context.Context, j *journal, to *api.S3LogDestinationParameters, lines []string) error {
	key := "AWSLogs/" + j.arn.Account + "/EventBridgePipes/" + pipeName(j.arn) + "/" + time.Now().UTC().Format("2006/01/02/15/") + j.id + ".json"
	if prefix := strings.Trim(aws.Value(to.Prefix), "/"); prefix != "" {
		key = prefix + "/" + key
	}
	r := run{s: s, call: j.owner()}
	_, err := r.do(ctx, "s3", "PutObject", map[string]any{"Bucket": to.BucketName, "Key": key, "Body": []byte(strings.Join(lines, "\n") + "\n"), "ExpectedBucketOwner": to.BucketOwner})
	return err
}

// checkLog refuses a log that could not be written.
func checkLog(to *api.PipeLogConfigurationParameters, account string) error {
	if to == nil || to.Level == api.LogLevelOff {
		return nil
	}
	switch {
	case to.CloudwatchLogsLogDestination == nil && to.FirehoseLogDestination == nil && to.S3LogDestination == nil:
		return invalid("A log destination must be specified if the log level is not OFF.")
	case to.S3LogDestination != nil && aws.Or(to.S3LogDestination.OutputFormat, api.S3OutputFormatJson) != api.S3OutputFormatJson:
		return invalid("EventBridge currently only supports json formatting.")
	}
	if c := to.CloudwatchLogsLogDestination; c != nil {
		if _, ok := accesslog.GroupOf(c.LogGroupArn, account); !ok {
			return invalid("%s is not a valid ARN of a log group.", c.LogGroupArn)
		}
	}
	return nil
}

// shown is the log of a pipe as DescribePipe shows it.
func shownLog(to *api.PipeLogConfigurationParameters) *api.PipeLogConfiguration {
	if to == nil {
		return nil
	}
	out := &api.PipeLogConfiguration{Level: &to.Level, IncludeExecutionData: to.IncludeExecutionData}
	if c := to.CloudwatchLogsLogDestination; c != nil {
		out.CloudwatchLogsLogDestination = &api.CloudwatchLogsLogDestination{LogGroupArn: &c.LogGroupArn}
	}
	if f := to.FirehoseLogDestination; f != nil {
		out.FirehoseLogDestination = &api.FirehoseLogDestination{DeliveryStreamArn: &f.DeliveryStreamArn}
	}
	if b := to.S3LogDestination; b != nil {
		out.S3LogDestination = &api.S3LogDestination{BucketName: &b.BucketName, BucketOwner: &b.BucketOwner, Prefix: b.Prefix, OutputFormat: new(aws.Or(b.OutputFormat, api.S3OutputFormatJson))}
	}
	return out
}
