package drive

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// A target is what is to run when an entry is driven: an ARN, or a rule by name.
type target struct {
	arn  string
	rule string // whose metrics tell of targets that have none of their own
}

// A reading is what a target has done.
type reading struct{ ran, failed float64 }

// functionOf is the name of the function that an ARN is of, or "".
func functionOf(arn string) string {
	_, name, ok := strings.Cut(arn, ":function:")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, "/") // invocations
	name, _, _ = strings.Cut(name, ":")
	return name
}

// read reads what a target has done.
func (d *driver) read(ctx context.Context, t target) reading {
	last := t.arn[strings.LastIndexAny(t.arn, ":/")+1:]
	switch {
	case functionOf(t.arn) != "":
		name := functionOf(t.arn)
		return reading{d.metric(ctx, "AWS/Lambda", "Invocations", "FunctionName", name), d.metric(ctx, "AWS/Lambda", "Errors", "FunctionName", name)}
	case strings.Contains(t.arn, ":stateMachine:"):
		if r, ok := d.executions(ctx, t.arn); ok {
			return r
		}
		of := func(metric string) float64 { return d.metric(ctx, "AWS/States", metric, "StateMachineArn", t.arn) }
		return reading{of("ExecutionsSucceeded"), of("ExecutionsFailed") + of("ExecutionsTimedOut")}
	case strings.HasPrefix(t.arn, "arn:aws:firehose:"):
		return reading{ran: d.objects(ctx)}
	case strings.HasPrefix(t.arn, "arn:aws:logs:"):
		group := strings.TrimSuffix(strings.SplitN(t.arn, ":", 7)[6], ":*")
		if out, err := client.Do(ctx, d.Client, logs.FilterLogEvents, &logs.FilterLogEventsInput{LogGroupName: &group}); err == nil {
			return reading{ran: float64(len(out.Events))}
		}
	case strings.HasPrefix(t.arn, "arn:aws:kinesis:"):
		return reading{ran: d.records(ctx, t.arn)}
	case strings.HasPrefix(t.arn, "arn:aws:sqs:"):
		return reading{ran: d.metric(ctx, "AWS/SQS", "NumberOfMessagesSent", "QueueName", last)}
	case strings.HasPrefix(t.arn, "arn:aws:sns:"):
		return reading{ran: d.metric(ctx, "AWS/SNS", "NumberOfMessagesPublished", "TopicName", last)}
	}
	if t.rule == "" {
		return reading{}
	}
	return reading{d.metric(ctx, "AWS/Events", "Invocations", "RuleName", t.rule), d.metric(ctx, "AWS/Events", "FailedInvocations", "RuleName", t.rule)}
}

// records counts those in a stream.
func (d *driver) records(ctx context.Context, stream string) float64 {
	n := 0
	shards, err := client.Do(ctx, d.Client, kinesis.ListShards, &kinesis.ListShardsInput{StreamARN: &stream})
	if err != nil {
		return 0
	}
	for _, shard := range shards.Shards {
		in := &kinesis.GetShardIteratorInput{StreamARN: &stream, ShardId: shard.ShardId, ShardIteratorType: "TRIM_HORIZON"}
		if at, err := client.Do(ctx, d.Client, kinesis.GetShardIterator, in); err == nil {
			if out, err := client.Do(ctx, d.Client, kinesis.GetRecords, &kinesis.GetRecordsInput{StreamARN: &stream, ShardIterator: aws.Value(at.ShardIterator)}); err == nil {
				n += len(out.Records)
			}
		}
	}
	return float64(n)
}

// objects counts those in the buckets of the application.
func (d *driver) objects(ctx context.Context) float64 {
	n := 0
	for _, p := range d.all("AWS::S3::Bucket") {
		if out, err := client.Do(ctx, d.Client, s3.ListObjectsV2, &s3.ListObjectsV2Input{Bucket: p.id}); err == nil {
			n += len(out.Contents)
		}
	}
	return float64(n)
}

// buffers is how long a delivery stream keeps what it is given.
func (d *driver) buffers(ctx context.Context, arn string) time.Duration {
	if !strings.HasPrefix(arn, "arn:aws:firehose:") {
		return 0
	}
	out, err := client.Do(ctx, d.Client, firehose.DescribeDeliveryStream, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: arn[strings.LastIndexByte(arn, '/')+1:]})
	if err != nil || len(out.DeliveryStreamDescription.Destinations) == 0 {
		return 0
	}
	interval := int32(300)
	if to := out.DeliveryStreamDescription.Destinations[0].ExtendedS3DestinationDescription; to != nil && to.BufferingHints != nil && to.BufferingHints.IntervalInSeconds != nil {
		interval = *to.BufferingHints.IntervalInSeconds
	}
	return min(time.Duration(interval)*time.Second, 3*time.Minute)
}

// executions counts those of a standard state machine that are through, or wait.
func (d *driver) executions(ctx context.Context, machine string) (reading, bool) {
	list, err := client.Do(ctx, d.Client, states.ListExecutions, &states.ListExecutionsInput{StateMachineArn: &machine})
	if err != nil {
		return reading{}, false
	}
	var r reading
	for _, e := range list.Executions {
		switch {
		case e.Status == "SUCCEEDED", e.Status == "RUNNING" && time.Since(e.StartDate) > 8*time.Second && d.waits(ctx, e.ExecutionArn):
			r.ran++
		case e.Status != "RUNNING":
			r.failed++
		}
	}
	return r, true
}

// waits says whether an execution stands at something that is to wait.
func (d *driver) waits(ctx context.Context, execution string) bool {
	out, err := client.Do(ctx, d.Client, states.GetExecutionHistory, &states.GetExecutionHistoryInput{ExecutionArn: execution, ReverseOrder: new(true), MaxResults: new(int32(1))})
	if err != nil || len(out.Events) == 0 {
		return false
	}
	switch out.Events[0].Type {
	case "WaitStateEntered", "TaskSubmitted", "ActivityScheduled", "LambdaFunctionSucceeded":
		return true
	}
	return false
}

// metric sums a metric since a little before the application was driven.
func (d *driver) metric(ctx context.Context, namespace, name, dimension, value string) float64 {
	out, err := client.Do(ctx, d.Client, cloudwatch.GetMetricStatistics, &cloudwatch.GetMetricStatisticsInput{
		Namespace: namespace, MetricName: name, Dimensions: []cloudwatch.Dimension{{Name: dimension, Value: value}},
		StartTime: d.began.Add(-2 * time.Hour), EndTime: time.Now().Add(time.Minute), Period: 300, Statistics: []string{"Sum"},
	})
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, p := range out.Datapoints {
		sum += aws.Value(p.Sum)
	}
	return sum
}

// why is what a target says of its failure.
func (d *driver) why(ctx context.Context, t target) string {
	switch {
	case functionOf(t.arn) != "":
		return d.lastError(ctx, functionOf(t.arn))
	case strings.Contains(t.arn, ":api-destination/"):
		return d.destination(ctx, t.arn)
	case strings.Contains(t.arn, ":stateMachine:"):
		list, err := client.Do(ctx, d.Client, states.ListExecutions, &states.ListExecutionsInput{StateMachineArn: &t.arn, StatusFilter: new("FAILED")})
		if err != nil || len(list.Executions) == 0 {
			return ""
		}
		out, err := client.Do(ctx, d.Client, states.DescribeExecution, &states.DescribeExecutionInput{ExecutionArn: list.Executions[0].ExecutionArn})
		if err != nil {
			return ""
		}
		d.want(aws.Value(out.Cause))
		return brief(aws.Value(out.Error) + " " + aws.Value(out.Cause))
	}
	return ""
}

// destination is where an API destination leads, which is noted if that is not here.
func (d *driver) destination(ctx context.Context, arn string) string {
	name := strings.Split(arn[strings.Index(arn, "/")+1:], "/")[0]
	out, err := client.Do(ctx, d.Client, events.DescribeApiDestination, &events.DescribeApiDestinationInput{Name: name})
	if err != nil {
		return ""
	}
	d.wantHost(aws.Value(out.InvocationEndpoint))
	return aws.Value(out.InvocationEndpoint)
}

var wrongLine = regexp.MustCompile(`(?i)\berror|exception|traceback|timed out|panic|cannot|fail|Aloft (does|knows)`)

// lastError is the last complaint in the logs of a function. What it wanted
// that is not here is noted.
func (d *driver) lastError(ctx context.Context, function string) string {
	group := "/aws/lambda/" + function
	if f, err := client.Do(ctx, d.Client, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: function}); err == nil && f.LoggingConfig != nil {
		group = cmp.Or(aws.Value(f.LoggingConfig.LogGroup), group)
	}
	last := ""
	for range 3 { // logs come a little after their run
		out, err := client.Do(ctx, d.Client, logs.FilterLogEvents, &logs.FilterLogEventsInput{LogGroupName: &group, StartTime: new(d.began.UnixMilli())})
		if err != nil {
			return ""
		}
		for _, e := range out.Events {
			line := aws.Value(e.Message)
			report := strings.HasPrefix(line, "REPORT ") || strings.HasPrefix(line, "INIT_REPORT ")
			if strings.HasPrefix(line, "START ") || strings.HasPrefix(line, "END ") || report && !strings.Contains(line, "Status:") || !wrongLine.MatchString(line) {
				continue
			}
			d.want(line)
			if !report || last == "" {
				last = line
			}
		}
		if last != "" {
			break
		}
		pause(ctx, 400*time.Millisecond)
	}
	return complaint(last)
}

// complaint is what is to be read of a line of a log.
func complaint(line string) string {
	if i := strings.IndexByte(line, '{'); i >= 0 {
		var failed struct{ ErrorType, ErrorMessage string }
		if json.Unmarshal([]byte(line[i:]), &failed) == nil && failed.ErrorMessage+failed.ErrorType != "" {
			return brief(failed.ErrorType + " " + failed.ErrorMessage)
		}
	}
	return brief(line)
}
