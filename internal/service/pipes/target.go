package pipes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/poll"
)

// deliver gives events to the target, and returns which failed, if they were
// told apart.
func (r *run) deliver(ctx context.Context, events []view) (failed []int, err error) {
	to, err := aws.ParseARN(r.pipe.Spec.Target)
	if err != nil {
		return nil, err
	}
	if err := event.ToRecord(to); err != nil {
		return nil, err
	}
	params := aws.Value(r.pipe.Spec.TargetParameters)
	switch to.Service {
	case "lambda":
		return r.toFunction(ctx, to, &params, events)
	case "states":
		payload, err := array(events, params.InputTemplate)
		if err != nil {
			return nil, err
		}
		operation := "StartSyncExecution"
		if p := params.StepFunctionStateMachineParameters; aws.Or(aws.Value(p).InvocationType, "") == api.PipeTargetInvocationTypeFireAndForget {
			operation = "StartExecution"
		}
		_, err = r.execute(ctx, operation, to, payload)
		return nil, err
	case "kinesis":
		return r.toStream(ctx, to, &params, events)
	case "firehose":
		return r.toFirehose(ctx, to, &params, events)
	case "logs":
		return nil, r.toLog(ctx, to, &params, events)
	}
	for i := range events {
		if sent := r.sendOne(ctx, to, &params, &events[i]); sent != nil {
			failed, err = append(failed, i), sent
		}
	}
	if len(failed) == len(events) {
		return nil, err
	}
	return failed, nil
}

// toFunction calls a function with all events, and reads which it says failed.
func (r *run) toFunction(ctx context.Context, to aws.ARN, params *api.PipeTargetParameters, events []view) ([]int, error) {
	payload, err := array(events, params.InputTemplate)
	if err != nil {
		return nil, err
	}
	kind := "RequestResponse"
	if p := params.LambdaFunctionParameters; aws.Or(aws.Value(p).InvocationType, "") == api.PipeTargetInvocationTypeFireAndForget {
		kind = "Event"
	}
	answer, err := r.invoke(ctx, to, payload, kind)
	if err != nil || kind == "Event" {
		return nil, err
	}
	ids, ok := poll.ParseFailures(answer)
	if !ok {
		return nil, nil // it speaks of something else
	}
	var failed []int
	for _, id := range ids {
		i := slices.IndexFunc(events, func(v view) bool { return v.id() == id })
		if i < 0 {
			return nil, fmt.Errorf("the function says that %q failed, which is not in its batch", id)
		}
		failed = append(failed, i)
	}
	return failed, nil
}

// id is what a failure names an event by.
func (v *view) id() string {
	var e struct {
		MessageID string `json:"messageId"`
		Sequence  string `json:"sequenceNumber"`
		DynamoDB  struct {
			Sequence string `json:"SequenceNumber"`
		} `json:"dynamodb"`
	}
	if json.Unmarshal(v.event, &e) != nil {
		return ""
	}
	return e.MessageID + e.Sequence + e.DynamoDB.Sequence
}

// toStream puts events in a stream.
func (r *run) toStream(ctx context.Context, to aws.ARN, params *api.PipeTargetParameters, events []view) ([]int, error) {
	const most = 500 // that PutRecords takes
	for chunk := range slices.Chunk(events, most) {
		records := make([]map[string]any, len(chunk))
		for i := range chunk {
			records[i] = map[string]any{"Data": []byte(chunk[i].apply(params.InputTemplate)), "PartitionKey": chunk[i].text(&params.KinesisStreamParameters.PartitionKey)}
		}
		if _, err := r.do(ctx, "kinesis", "PutRecords", map[string]any{"StreamARN": to.String(), "Records": records}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// toFirehose puts events in a delivery stream.
func (r *run) toFirehose(ctx context.Context, to aws.ARN, params *api.PipeTargetParameters, events []view) ([]int, error) {
	records := make([]map[string]any, len(events))
	for i := range events {
		records[i] = map[string]any{"Data": []byte(events[i].apply(params.InputTemplate))}
	}
	name := strings.TrimPrefix(to.Resource, "deliverystream/")
	_, err := r.do(ctx, "firehose", "PutRecordBatch", map[string]any{"DeliveryStreamName": name, "Records": records})
	return nil, err
}

// toLog writes events to a log group, in a stream that is made if there is none.
func (r *run) toLog(ctx context.Context, to aws.ARN, params *api.PipeTargetParameters, events []view) error {
	p := aws.Value(params.CloudWatchLogsParameters)
	group := strings.TrimSuffix(strings.TrimPrefix(to.Resource, "log-group:"), ":*")
	var streams []string
	lines := make(map[string][]map[string]any) // by stream
	for i := range events {
		stream := r.pipe.Spec.Name
		if p.LogStreamName != nil {
			stream = events[i].text(p.LogStreamName)
		}
		at := time.Now()
		if t, ok := parseTime(events[i].text(p.Timestamp)); ok {
			at = t
		}
		if lines[stream] == nil {
			streams = append(streams, stream)
		}
		lines[stream] = append(lines[stream], map[string]any{"timestamp": at.UnixMilli(), "message": string(events[i].apply(params.InputTemplate))})
	}
	for _, stream := range streams {
		in := map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": lines[stream]}
		_, err := r.do(ctx, "logs", "PutLogEvents", in)
		if errors.Is(err, logs.ResourceNotFoundException) {
			_, err = r.do(ctx, "logs", "CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": stream})
			if err == nil || errors.Is(err, logs.ResourceAlreadyExistsException) {
				_, err = r.do(ctx, "logs", "PutLogEvents", in)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendOne gives one event to a target that takes them one by one.
func (r *run) sendOne(ctx context.Context, to aws.ARN, params *api.PipeTargetParameters, v *view) error {
	body := v.apply(params.InputTemplate)
	switch {
	case to.Service == "sqs":
		in := map[string]any{"QueueUrl": "https://sqs." + to.Region + ".amazonaws.com/" + to.Account + "/" + to.Resource, "MessageBody": string(body)}
		if p := params.SqsQueueParameters; p != nil {
			if p.MessageGroupId != nil {
				in["MessageGroupId"] = v.text(p.MessageGroupId)
			}
			if p.MessageDeduplicationId != nil {
				in["MessageDeduplicationId"] = v.text(p.MessageDeduplicationId)
			}
		}
		_, err := r.do(ctx, "sqs", "SendMessage", in)
		return err
	case to.Service == "sns":
		_, err := r.do(ctx, "sns", "Publish", map[string]any{"TopicArn": to.String(), "Message": string(body)})
		return err
	case strings.HasPrefix(to.Resource, "api-destination/"):
		p := aws.Value(params.HttpParameters)
		_, err := r.ask(ctx, to, body, &httpParameters{p.PathParameterValues, p.HeaderParameters, p.QueryStringParameters}, v)
		return err
	}
	return r.toBus(ctx, to, params.EventBridgeEventBusParameters, v, body)
}

// toBus puts an event on a bus.
func (r *run) toBus(ctx context.Context, to aws.ARN, given *api.PipeTargetEventBridgeEventBusParameters, v *view, body json.RawMessage) error {
	p := aws.Value(given)
	entry := map[string]any{
		"EventBusName": to.String(), "Detail": string(body), "Source": "Pipe " + r.pipe.Spec.Name, "DetailType": "Event from aws:" + sourceService(r.pipe.Spec.Source),
	}
	if p.Source != nil {
		entry["Source"] = v.text(p.Source)
	}
	if p.DetailType != nil {
		entry["DetailType"] = v.text(p.DetailType)
	}
	if len(p.Resources) > 0 {
		var resources []string
		for _, text := range p.Resources {
			resources = append(resources, v.text(&text))
		}
		entry["Resources"] = resources
	}
	if at, ok := parseTime(v.text(p.Time)); ok {
		entry["Time"] = at.Unix()
	}
	out, err := r.do(ctx, "events", "PutEvents", map[string]any{"Entries": []any{entry}})
	if err != nil {
		return err
	}
	var answer struct {
		Entries []struct{ ErrorCode, ErrorMessage string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return err
	}
	for _, e := range answer.Entries {
		if e.ErrorCode != "" {
			return fmt.Errorf("%s: %s", e.ErrorCode, e.ErrorMessage)
		}
	}
	return nil
}

func sourceService(source string) string {
	arn, err := aws.ParseARN(source)
	if err != nil {
		return ""
	}
	return arn.Service
}

// parseTime reads a time: as text, or as seconds or ms since the epoch.
func parseTime(text string) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= 0 || f > 1e14 {
		return time.Time{}, false
	}
	if f > 1e11 {
		f /= 1000
	}
	return time.Unix(int64(f), 0), true
}
