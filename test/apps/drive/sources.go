package drive

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// buckets puts an object into each bucket that tells others of it.
func (d *driver) buckets(ctx context.Context) {
	for _, p := range d.all("AWS::S3::Bucket") {
		out, err := client.Do(ctx, d.Client, s3.GetBucketNotificationConfiguration, &s3.GetBucketNotificationConfigurationInput{Bucket: p.id})
		if err != nil {
			continue
		}
		put := func(arn string, events []string, filter *s3.NotificationConfigurationFilter) {
			var prefix, suffix string
			if filter != nil && filter.Key != nil {
				for _, r := range filter.Key.FilterRules {
					switch strings.ToLower(aws.Value(r.Name)) {
					case "prefix":
						prefix = aws.Value(r.Value)
					case "suffix":
						suffix = aws.Value(r.Value)
					}
				}
			}
			key, body := d.object(ctx, arn, prefix, suffix)
			d.drive(ctx, entry{
				name: "an object into bucket " + p.logical, targets: []target{{arn: arn}},
				do: func(ctx context.Context) error { return d.put(ctx, p.id, key, body, strings.Join(events, " ")) },
			})
		}
		for _, c := range out.LambdaFunctionConfigurations {
			put(c.LambdaFunctionArn, c.Events, c.Filter)
		}
		for _, c := range out.QueueConfigurations {
			put(c.QueueArn, c.Events, c.Filter)
		}
		for _, c := range out.TopicConfigurations {
			d.fed[c.TopicArn] = true
			put(c.TopicArn, c.Events, c.Filter)
		}
	}
}

// put puts an object into a bucket, and deletes it where it is that of which
// one is told.
func (d *driver) put(ctx context.Context, bucket, key string, body []byte, events string) error {
	response, err := d.Client.Put(ctx, "/"+bucket+"/"+key, "", body)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode >= 300 {
		return fmt.Errorf("PutObject: %s", response.Status)
	}
	if strings.Contains(events, "Remove") && !strings.Contains(events, "Created") {
		response, err := d.Client.HTTP(ctx, "s3", http.MethodDelete, "/"+bucket+"/"+key, nil)
		if err != nil {
			return err
		}
		response.Body.Close()
	}
	return nil
}

// object is a key and a body that a function likes: of the suffix, or else of
// the kind that its source speaks of.
func (d *driver) object(ctx context.Context, arn, prefix, suffix string) (key string, body []byte) {
	ext := strings.ToLower(filepath.Ext(suffix))
	if ext == "" && suffix != "" && !strings.Contains(suffix, "/") {
		ext = "." + strings.ToLower(suffix)
	}
	source := strings.ToLower(d.source(ctx, functionOf(arn)))
	if ext == "" {
		ext = ".txt"
		for _, k := range []struct{ word, ext string }{
			{"csv", ".csv"}, {"sharp", ".jpg"}, {"jimp", ".jpg"}, {"pil ", ".jpg"}, {"imagemagick", ".jpg"}, {"rekognition", ".jpg"}, {"image", ".jpg"},
			{"json.parse", ".json"}, {"json.loads", ".json"}, {"textract", ".pdf"}, {"transcribe", ".mp3"}, {"mediaconvert", ".mp4"},
		} {
			if strings.Contains(source, k.word) {
				ext = k.ext
				break
			}
		}
	}
	key = prefix + "one" + cmp.Or(suffix, ext)
	if named := d.fileNamed(ctx, functionOf(arn), ext); named != "" && strings.HasPrefix(named, prefix) {
		key = named
	}
	if shipped := d.samples.files[ext]; shipped != "" {
		if text, err := os.ReadFile(shipped); err == nil {
			return key, text
		}
	}
	var b bytes.Buffer
	picture := image.NewRGBA(image.Rect(0, 0, 640, 480))
	switch ext {
	case ".jpg", ".jpeg":
		_ = jpeg.Encode(&b, picture, nil)
	case ".png":
		_ = png.Encode(&b, picture)
	case ".json":
		for _, in := range d.samples.of("input", key) {
			return key, []byte(encoded(in))
		}
		b.WriteString(encoded(fields(d.source(ctx, functionOf(arn)))))
	case ".csv":
		b.WriteString("id,name,price\n1,one,1\n2,two,2\n")
	default:
		b.WriteString("one line of text\n")
	}
	return key, b.Bytes()
}

// fileNamed is the name of a file that a function reads by its source or variables.
func (d *driver) fileNamed(ctx context.Context, function, ext string) string {
	if function == "" {
		return ""
	}
	f, err := client.Do(ctx, d.Client, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: function})
	if err != nil {
		return ""
	}
	if f.Environment != nil {
		for name, value := range f.Environment.Variables {
			if low := strings.ToLower(name); strings.HasSuffix(low, "key") && strings.Contains(value, ".") {
				return value
			}
		}
	}
	m := regexp.MustCompile(`["']([\w-]+` + regexp.QuoteMeta(ext) + `)["']`).FindStringSubmatch(d.source(ctx, function))
	if m == nil {
		return ""
	}
	return m[1]
}

// source is the source of a function.
func (d *driver) source(ctx context.Context, function string) string {
	if function == "" {
		return ""
	}
	f, err := client.Do(ctx, d.Client, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: function})
	if err != nil {
		return ""
	}
	return d.samples.sourceOf(aws.Value(f.Handler))
}

// mappings puts something into the source of each event source mapping that
// nothing else of the application puts things into.
func (d *driver) mappings(ctx context.Context) {
	seen := make(map[string]bool)
	for _, p := range d.all("AWS::Lambda::EventSourceMapping") {
		m, err := client.Do(ctx, d.Client, lambda.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: p.id})
		if err != nil || m.EventSourceArn == nil || d.fed[*m.EventSourceArn] || seen[*m.EventSourceArn+aws.Value(m.FunctionArn)] {
			continue
		}
		seen[*m.EventSourceArn+aws.Value(m.FunctionArn)] = true
		var filter string
		if m.FilterCriteria != nil && len(m.FilterCriteria.Filters) > 0 {
			filter = aws.Value(m.FilterCriteria.Filters[0].Pattern)
		}
		window := time.Duration(aws.Value(m.MaximumBatchingWindowInSeconds)) * time.Second
		e := entry{name: "a record of " + lastOf(*m.EventSourceArn), targets: []target{{arn: *m.FunctionArn}}, wait: min(window, 65*time.Second)}
		e.do = func(ctx context.Context) error {
			return d.feed(ctx, *m.EventSourceArn, filter, d.source(ctx, functionOf(*m.FunctionArn)), functionOf(*m.FunctionArn))
		}
		d.drive(ctx, e)
	}
}

// lastOf is what a resource is called in an ARN.
func lastOf(arn string) string {
	if kind := strings.SplitN(arn, ":", 6); len(kind) == 6 {
		name, _, _ := strings.Cut(kind[5], "/stream/")
		return kind[2] + " " + name[strings.LastIndexAny(name, ":/")+1:]
	}
	return arn
}

// feed puts what a filter lets through into a queue, a stream or a table.
func (d *driver) feed(ctx context.Context, arn, filter, source, name string) error {
	pattern, _ := matching(parsed(filter)).(map[string]any)
	switch {
	case strings.HasPrefix(arn, "arn:aws:sqs:"):
		return d.send(ctx, arn, d.body(pattern["body"], "sqs", source, name), strings.Contains(source, "MessageGroupId"))
	case strings.HasPrefix(arn, "arn:aws:kinesis:"):
		body := d.body(pattern["data"], "kinesis", source, name)
		stream, _, _ := strings.Cut(arn, "/consumer/")
		_, err := client.Do(ctx, d.Client, kinesis.PutRecord, &kinesis.PutRecordInput{StreamARN: &stream, Data: []byte(body), PartitionKey: new("1")})
		return err
	case strings.HasPrefix(arn, "arn:aws:dynamodb:"):
		table, _, _ := strings.Cut(arn[strings.Index(arn, ":table/")+len(":table/"):], "/")
		return d.change(ctx, table, pattern, source)
	}
	return fmt.Errorf("nothing puts records into %s", arn)
}

// body is what is put as a message: what the filter wants over what is shipped.
func (d *driver) body(wanted any, kind, source, name string) string {
	for _, s := range d.samples.of(kind, name) {
		records, _ := s.(map[string]any)["Records"].([]any)
		first, _ := records[0].(map[string]any)
		text, ok := first["body"].(string)
		if note, is := first["Sns"].(map[string]any); is {
			text, ok = note["Message"].(string)
		}
		if ok && (wanted == nil || parsed(text) != nil) {
			return encoded(merged(parsed(text), wanted))
		}
	}
	for _, s := range d.samples.of("input", name) {
		if _, ok := s.(map[string]any); ok {
			return encoded(merged(s, wanted))
		}
	}
	return encoded(merged(merged(d.keys, fields(source)), wanted))
}

// tableKeys are the keys of the application's tables: what is put into them as it
// comes must have them.
func (d *driver) tableKeys(ctx context.Context) map[string]any {
	keys := make(map[string]any)
	for _, p := range d.all("AWS::DynamoDB::Table") {
		out, err := client.Do(ctx, d.Client, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: p.id})
		if err != nil {
			continue
		}
		for _, a := range out.Table.AttributeDefinitions {
			if keys[a.AttributeName] = any("1"); a.AttributeType == "N" {
				keys[a.AttributeName] = 1
			}
		}
	}
	return keys
}

// send sends a message to a queue, in a group if that is one of FIFO or its
// reader wants one.
func (d *driver) send(ctx context.Context, arn, body string, grouped bool) error {
	fields := strings.Split(arn, ":")
	in := &sqs.SendMessageInput{QueueUrl: d.Client.Endpoint() + "/" + fields[4] + "/" + fields[5], MessageBody: body}
	if fifo := strings.HasSuffix(arn, ".fifo"); fifo || grouped {
		in.MessageGroupId = new("1")
		if fifo {
			in.MessageDeduplicationId = new(fmt.Sprint(time.Now().UnixNano()))
		}
	}
	_, err := client.Do(ctx, d.Client, sqs.SendMessage, in)
	return err
}

// change puts an item into a table, puts it once more with a change, deletes
// it, and puts it again: one of each kind of record.
func (d *driver) change(ctx context.Context, table string, pattern map[string]any, source string) error {
	item, err := d.item(ctx, table, source)
	if err != nil {
		return err
	}
	change, _ := pattern["dynamodb"].(map[string]any)
	for _, image := range []string{"Keys", "OldImage", "NewImage"} {
		wanted, _ := change[image].(map[string]any)
		for name, value := range wanted {
			item[name] = value
		}
	}
	for i := range 2 {
		item["changed"] = map[string]any{"N": fmt.Sprint(i)}
		if err := d.putItem(ctx, table, item); err != nil {
			return err
		}
		pause(ctx, 100*time.Millisecond)
	}
	wanted, _ := pattern["eventName"].(string)
	if wanted != "REMOVE" {
		return nil
	}
	return d.deleteItem(ctx, table, item)
}

// item is one with the keys of a table and what a source speaks of.
func (d *driver) item(ctx context.Context, table, source string) (map[string]any, error) {
	out, err := client.Do(ctx, d.Client, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: table})
	if err != nil {
		return nil, err
	}
	item := make(map[string]any)
	for name, value := range fields(source) {
		item[name] = map[string]any{"S": encoded(value)}
	}
	shipped := d.shippedItem(out.Table.KeySchema)
	for name, value := range shipped {
		item[name] = value
	}
	for _, a := range out.Table.AttributeDefinitions { // of keys of indices too
		value := "1"
		if a.AttributeType == "B" {
			value = "MQ=="
		}
		if known, ok := shipped[a.AttributeName].(map[string]any); ok && known[a.AttributeType] != nil {
			continue
		}
		item[a.AttributeName] = map[string]any{a.AttributeType: value}
	}
	return item, nil
}

// shippedItem is an example with the attributes of a key, as DynamoDB types it.
func (d *driver) shippedItem(keys []dynamodb.KeySchemaElement) map[string]any {
	for _, s := range d.samples.of("input", "item") {
		shipped, _ := s.(map[string]any)
		if inner, ok := shipped["Item"].(map[string]any); ok {
			shipped = inner
		}
		item := make(map[string]any)
		for name, value := range shipped {
			switch value := value.(type) {
			case map[string]any:
				item[name] = value
			case string:
				item[name] = map[string]any{"S": value}
			case float64:
				item[name] = map[string]any{"N": fmt.Sprint(value)}
			case bool:
				item[name] = map[string]any{"BOOL": value}
			}
		}
		has := func(k dynamodb.KeySchemaElement) bool { return item[k.AttributeName] != nil }
		if len(keys) > 0 && len(item) > len(keys) && !slices.ContainsFunc(keys, func(k dynamodb.KeySchemaElement) bool { return !has(k) }) && typed(item) {
			return item
		}
	}
	return nil
}

// typed says whether all the values of an item are typed as DynamoDB has them.
func typed(item map[string]any) bool {
	for _, value := range item {
		m, _ := value.(map[string]any)
		for kind := range m {
			if len(m) != 1 || !slices.Contains([]string{"S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"}, kind) {
				return false
			}
		}
		if len(m) == 0 {
			return false
		}
	}
	return true
}

func (d *driver) putItem(ctx context.Context, table string, item map[string]any) error {
	in := new(dynamodb.PutItemInput)
	if err := protocol.DecodeJSON([]byte(encoded(map[string]any{"TableName": table, "Item": item})), in); err != nil {
		return err
	}
	_, err := client.Do(ctx, d.Client, dynamodb.PutItem, in)
	return err
}

func (d *driver) keyOf(ctx context.Context, table string, item map[string]any) (map[string]any, error) {
	out, err := client.Do(ctx, d.Client, dynamodb.DescribeTable, &dynamodb.DescribeTableInput{TableName: table})
	if err != nil {
		return nil, err
	}
	key := make(map[string]any)
	for _, k := range out.Table.KeySchema {
		key[k.AttributeName] = item[k.AttributeName]
	}
	return key, nil
}

func (d *driver) deleteItem(ctx context.Context, table string, item map[string]any) error {
	key, err := d.keyOf(ctx, table, item)
	if err != nil {
		return err
	}
	in := new(dynamodb.DeleteItemInput)
	if err := protocol.DecodeJSON([]byte(encoded(map[string]any{"TableName": table, "Key": key})), in); err != nil {
		return err
	}
	_, err = client.Do(ctx, d.Client, dynamodb.DeleteItem, in)
	return err
}

// A subscription is one of a topic.
type subscription struct {
	topic, protocol, endpoint string
	policy, scope             string
}

func (d *driver) subscription(ctx context.Context, arn string) (subscription, bool) {
	out, err := client.Do(ctx, d.Client, sns.GetSubscriptionAttributes, &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})
	if err != nil {
		return subscription{}, false
	}
	a := out.Attributes
	return subscription{a["TopicArn"], a["Protocol"], a["Endpoint"], a["FilterPolicy"], a["FilterPolicyScope"]}, true
}

// topics publishes to each topic that nothing else publishes to, once for each
// subscription: each has its filter.
func (d *driver) topics(ctx context.Context) {
	for _, p := range d.all("AWS::SNS::Topic") {
		list, err := client.Do(ctx, d.Client, sns.ListSubscriptionsByTopic, &sns.ListSubscriptionsByTopicInput{TopicArn: p.id})
		if err != nil || d.fed[p.id] {
			continue
		}
		for i, one := range list.Subscriptions {
			s, ok := d.subscription(ctx, aws.Value(one.SubscriptionArn))
			if !ok || i >= mostEntries || s.protocol != "lambda" && s.protocol != "sqs" {
				continue
			}
			d.drive(ctx, entry{
				name: "a message to topic " + lastOf(p.id), targets: []target{{arn: s.endpoint}},
				do: func(ctx context.Context) error { return d.publish(ctx, p.id, s) },
			})
		}
	}
}

func (d *driver) publish(ctx context.Context, topic string, s subscription) error {
	in := &sns.PublishInput{TopicArn: &topic, Subject: new("one")}
	policy, _ := matching(parsed(s.policy)).(map[string]any)
	var wanted any
	if s.scope == "MessageBody" {
		wanted = policy
	} else {
		in.MessageAttributes = make(map[string]sns.MessageAttributeValue)
		for name, value := range policy {
			kind := "String"
			if _, ok := value.(float64); ok {
				kind = "Number"
			}
			in.MessageAttributes[name] = sns.MessageAttributeValue{DataType: kind, StringValue: new(encoded(value))}
		}
	}
	in.Message = cmp.Or(d.body(wanted, "sns", d.source(ctx, functionOf(s.endpoint)), lastOf(s.endpoint)), "{}")
	if strings.HasSuffix(topic, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId, in.Subject = new("1"), new(fmt.Sprint(time.Now().UnixNano())), nil
	}
	_, err := client.Do(ctx, d.Client, sns.Publish, in)
	return err
}

// logGroups writes a line into each log group that is followed.
func (d *driver) logGroups(ctx context.Context) {
	for _, p := range d.all("AWS::Logs::SubscriptionFilter") {
		for _, group := range d.all("AWS::Logs::LogGroup") {
			out, err := client.Do(ctx, d.Client, logs.DescribeSubscriptionFilters, &logs.DescribeSubscriptionFiltersInput{LogGroupName: group.id})
			if err != nil || len(out.SubscriptionFilters) == 0 {
				continue
			}
			f := out.SubscriptionFilters[0]
			d.drive(ctx, entry{
				name: "a line into log group of " + p.logical, targets: []target{{arn: aws.Value(f.DestinationArn)}}, wait: d.buffers(ctx, aws.Value(f.DestinationArn)),
				do: func(ctx context.Context) error {
					_, _ = client.Do(ctx, d.Client, logs.CreateLogStream, &logs.CreateLogStreamInput{LogGroupName: group.id, LogStreamName: "driven"})
					_, err := client.Do(ctx, d.Client, logs.PutLogEvents, &logs.PutLogEventsInput{
						LogGroupName: group.id, LogStreamName: "driven",
						LogEvents: []logs.InputLogEvent{{Timestamp: time.Now().UnixMilli(), Message: line(aws.Value(f.FilterPattern))}},
					})
					return err
				},
			})
			break
		}
	}
}
