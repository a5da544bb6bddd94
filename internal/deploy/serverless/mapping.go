package serverless

import "strings"

// lastName is what an ARN, or what computes one, ends in: what ids are made of.
func lastName(arn any, separator string) string {
	if s, isText := arn.(string); isText {
		return s[strings.LastIndex(s, separator)+1:]
	}
	for _, call := range []string{"Fn::GetAtt", "Ref"} {
		if v := at(arn, call); v != nil {
			return strings.Split(text(list(v)[0]), ".")[0]
		}
	}
	if v := at(arn, "Fn::ImportValue"); v != nil {
		return text(v)
	}
	if parts := list(at(arn, "Fn::Join")); len(parts) == 2 {
		if l := list(parts[1]); len(l) > 0 {
			s := text(l[len(l)-1])
			return s[strings.LastIndex(s, separator)+1:]
		}
	}
	return text(first(at(arn, "Fn::Sub")))
}

// filters are the patterns of which an event must match one.
func filters(e event, props object) {
	var all []any
	for _, p := range list(e.get("filterPatterns")) {
		all = append(all, object{"Pattern": asJSON(p)})
	}
	if all != nil {
		props["FilterCriteria"] = object{"Filters": all}
	}
	if v := e.get("functionResponseType"); v != nil {
		props["FunctionResponseTypes"] = []any{v}
	}
}

// queues adds the mappings of the events of kind sqs.
func (b *builder) queues() error {
	var arns []any
	for _, e := range b.s.events("sqs") {
		arn := first(e.get("arn"), e.config)
		if asObject(arn) != nil && !isCall(arn) {
			return b.s.errorAt(in(e.path, "sqs"), "want the arn of a queue")
		}
		props := object{
			"BatchSize": first(e.get("batchSize"), 10), "EventSourceArn": arn, "FunctionName": e.fn.target(),
			"Enabled": first(e.get("enabled"), true),
		}
		put(props, "MaximumBatchingWindowInSeconds", e.get("maximumBatchingWindow"))
		if n := e.get("maximumConcurrency"); truthy(n) {
			props["ScalingConfig"] = object{"MaximumConcurrency": n}
		}
		filters(e, props)
		id := logical(e.fn.key) + "EventSourceMappingSQS" + alphanumeric(lastName(arn, ":"))
		b.add(id, "AWS::Lambda::EventSourceMapping", props, b.roleResource(e.fn), e.fn.aliasID())
		if b.roleOf(e.fn) == nil {
			arns = append(arns, arn)
		}
	}
	b.allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, arns...)
	return nil
}

// streams adds the mappings of the events of kind stream.
func (b *builder) streams() error {
	for _, e := range b.s.events("stream") {
		if err := b.stream(e); err != nil {
			return err
		}
	}
	return nil
}

// streamActions are what reading a stream of a kind needs.
var streamActions = map[string][]string{
	"dynamodb": {"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"},
	"kinesis":  {"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListStreams"},
	"consumer": {"kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStreamSummary", "kinesis:ListShards"},
}

func (b *builder) stream(e event) error {
	arn, kind := first(e.get("arn"), e.config), text(e.get("type"))
	name := lastName(arn, "/")
	if s, isText := arn.(string); isText {
		if parts := strings.Split(s, ":"); kind == "" && len(parts) > 2 {
			kind = parts[2]
		}
		if parts := strings.Split(s, "/"); len(parts) > 1 {
			name = parts[1] // what follows is the time of a table's stream
		}
	}
	if kind != "dynamodb" && kind != "kinesis" {
		return b.s.errorAt(in(e.path, "stream"), "want the type of the stream, dynamodb or kinesis")
	}
	props := object{
		"BatchSize": first(e.get("batchSize"), 10), "Enabled": first(e.get("enabled"), true), "EventSourceArn": arn,
		"FunctionName": e.fn.target(), "StartingPosition": first(e.get("startingPosition"), "TRIM_HORIZON"),
	}
	for member, property := range map[string]string{
		"batchWindow": "MaximumBatchingWindowInSeconds", "maximumRetryAttempts": "MaximumRetryAttempts",
		"bisectBatchOnFunctionError": "BisectBatchOnFunctionError", "maximumRecordAgeInSeconds": "MaximumRecordAgeInSeconds",
		"tumblingWindowInSeconds": "TumblingWindowInSeconds", "parallelizationFactor": "ParallelizationFactor",
		"startingPositionTimestamp": "StartingPositionTimestamp",
	} {
		put(props, property, e.get(member))
	}
	filters(e, props)
	own := b.roleOf(e.fn) == nil
	actions := streamActions[kind]
	consumer := e.get("consumer")
	var consumerID any
	if truthy(consumer) && kind == "kinesis" {
		actions = streamActions["consumer"]
		if consumer == true {
			consumerID = b.streamConsumer(e, arn, name)
			consumer = ref(consumerID.(string))
		}
		props["EventSourceArn"] = consumer
	}
	if own {
		b.allow(actions, arn)
		if truthy(consumer) && kind == "kinesis" {
			b.allow([]string{"kinesis:SubscribeToShard"}, consumer)
		}
	}
	if to := e.get("destinations", "onFailure"); to != nil {
		target := first(at(to, "arn"), to)
		props["DestinationConfig"] = object{"OnFailure": object{"Destination": target}}
		if own {
			b.allow(failureActions(to), target)
		}
	}
	id := logical(e.fn.key) + "EventSourceMapping" + upperFirst(kind) + alphanumeric(name)
	b.add(id, "AWS::Lambda::EventSourceMapping", props, b.roleResource(e.fn), e.fn.aliasID(), consumerID)
	return nil
}

func failureActions(to any) []string {
	if text(at(to, "type")) == "sns" || strings.Contains(text(first(at(to, "arn"), to)), ":sns:") {
		return []string{"sns:Publish"}
	}
	return []string{"sqs:ListQueues", "sqs:SendMessage"}
}

// streamConsumer adds a consumer with a throughput of its own.
func (b *builder) streamConsumer(e event, arn any, stream string) string {
	name := e.fn.key + stream + "Consumer"
	if at(b.s.provider(), "kinesis", "consumerNamingMode") != nil {
		name = e.fn.key + stream + b.s.Name + b.s.Stage + "Consumer"
	}
	id := logical(name) + "StreamConsumer"
	b.add(id, "AWS::Kinesis::StreamConsumer", object{"StreamARN": arn, "ConsumerName": name})
	return id
}

// logEvents adds the filters of the events of kind cloudwatchLog.
func (b *builder) logEvents() error {
	names := make(map[string][]string)
	for _, e := range b.s.events("cloudwatchLog") {
		group := strings.ReplaceAll(text(first(e.get("logGroup"), e.config)), "\n", "")
		if group == "" {
			return b.s.errorAt(in(e.path, "cloudwatchLog"), "want the name of a log group")
		}
		names[e.fn.key] = append(names[e.fn.key], group)
		permission := logical(e.fn.key) + "LambdaPermissionLogsSubscriptionFilterCloudWatchLog"
		b.add(logical(e.fn.key)+"LogsSubscriptionFilterCloudWatchLog"+itoa(len(names[e.fn.key])), "AWS::Logs::SubscriptionFilter", object{
			"LogGroupName": group, "FilterPattern": strings.ReplaceAll(text(e.get("filter")), "\n", ""), "DestinationArn": e.fn.target(),
		}, permission, e.fn.aliasID())
		b.permit(permission, e.fn, join("", "logs.", ref("AWS::Region"), ".amazonaws.com"), join("",
			"arn:", ref("AWS::Partition"), ":logs:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":log-group:", commonPrefix(names[e.fn.key]), ":*"))
	}
	return nil
}

// commonPrefix is a pattern that all names match.
func commonPrefix(names []string) string {
	common := names[0]
	for _, n := range names[1:] {
		i := 0
		for i < len(common) && i < len(n) && common[i] == n[i] {
			i++
		}
		common = common[:i]
	}
	if len(names) > 1 && !strings.HasSuffix(common, "*") {
		common += "*"
	}
	return common
}
