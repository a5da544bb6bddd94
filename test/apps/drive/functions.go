package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	cognito "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// functions invokes the functions of an application that has no other entry:
// to be invoked is what they are for. Each gets what is shipped for it, or an
// event of the kind that those send whom its policy lets.
func (d *driver) functions(ctx context.Context) {
	for i, p := range d.all("AWS::Lambda::Function") {
		f, err := client.Do(ctx, d.Client, lambda.GetFunctionConfiguration, &lambda.GetFunctionConfigurationInput{FunctionName: p.id})
		if err != nil || i >= mostEntries || ctx.Err() != nil {
			continue
		}
		events := d.eventsFor(ctx, p, aws.Value(f.Handler))
		call := d.invoke
		if f.DurableConfig != nil {
			call = d.durable
		}
		d.entries++
		words, fine := "", false
		for _, event := range events[:min(len(events), mostInputs)] {
			wrong := call(ctx, p.id, encoded(event))
			if fine = wrong == ""; fine {
				words = "handled an event"
				break
			}
			words = wrong // of the last, which was made for it
		}
		if !fine {
			d.lastError(ctx, p.id)
		}
		d.say(fine, "function %s: %s", p.logical, words)
	}
}

// eventsFor are the events that a function may get.
func (d *driver) eventsFor(ctx context.Context, p part, handler string) []any {
	var list []any
	name := p.logical + " " + handler
	if out, err := client.Do(ctx, d.Client, lambda.GetPolicy, &lambda.GetPolicyInput{FunctionName: p.id}); err == nil {
		for _, k := range principals {
			if strings.Contains(aws.Value(out.Policy), k.service) {
				list = append(list, d.samples.of(k.kind, name)...)
				list = append(list, parsed(k.event))
			}
		}
	}
	source := d.samples.sourceOf(handler)
	for _, m := range intentNames.FindAllStringSubmatch(source, 2) {
		slots := make(map[string]any) // that are not filled yet
		for _, slot := range slotNames.FindAllStringSubmatch(source, -1) {
			slots[slot[1]] = nil
		}
		list = append(list, parsed(fmt.Sprintf(lexEvent, m[1], encoded(slots))))
	}
	for _, k := range principals {
		if words := spoken[k.service]; words != nil && len(list) < 2 && words.MatchString(source) {
			list = append(list, parsed(k.event))
		}
	}
	for _, k := range read {
		if strings.Contains(source, k.word) && (strings.Contains(source, "Records") || !strings.Contains(k.event, "Records")) {
			list = append(list, parsed(k.event))
		}
	}
	for _, kind := range []string{"input", "sqs", "sns", "s3", "dynamodb", "kinesis", "event", "api", "records"} {
		if shipped := d.samples.of(kind, name); len(shipped) > 0 {
			list = append(list, shipped[0])
			if kind == "input" && len(shipped) > 1 {
				list = append(list, shipped[1])
			}
		}
	}
	list = append(list[:min(len(list), mostInputs-2)], any(map[string]any{}), any(d.placed(ctx, fields(source))))
	return list
}

// read are records that functions read of which the source speaks.
var read = []struct{ word, event string }{
	{"authorizationToken", `{"type":"TOKEN","authorizationToken":"allow","methodArn":"arn:aws:execute-api:us-east-1:123456789012:1234567890/prod/GET/one"}`},
	{"recordId", `{"invocationId":"1","deliveryStreamArn":"arn:aws:firehose:us-east-1:123456789012:deliverystream/one","region":"us-east-1","records":[{"recordId":"1","approximateArrivalTimestamp":1545084650987,"data":"eyJpZCI6IjEifQ==","kinesisRecordMetadata":{"sequenceNumber":"1","subsequenceNumber":0,"partitionKey":"1","shardId":"shardId-000000000000","approximateArrivalTimestamp":1545084650987}}]}`},
	{".cf", `{"Records":[{"cf":{"config":{"distributionId":"EXAMPLE","requestId":"1","eventType":"viewer-request"},"request":{"clientIp":"192.0.2.1","method":"GET","uri":"/index.html","querystring":"a=1","headers":{"host":[{"key":"Host","value":"example.com"}],"user-agent":[{"key":"User-Agent","value":"curl"}],"cookie":[{"key":"Cookie","value":"a=1"}],"cloudfront-viewer-country":[{"key":"CloudFront-Viewer-Country","value":"DE"}]}},"response":{"status":"200","statusDescription":"OK","headers":{"last-modified":[{"key":"Last-Modified","value":"Wed, 01 Jan 2030 00:00:00 GMT"}],"x-amz-meta-last-modified":[{"key":"X-Amz-Meta-Last-Modified","value":"2030-01-01"}]}}}}]}`},
	{"awslogs", `{"awslogs":{"data":"H4sIAAAAAAAAAHWPwQqCQBCGX0Xm7EFtK+smZBEUgXoLCdMhFtKV3akI8d0bLYmibvPPN3wz00CJxmQnTO41whwWQRIctmEcB6sQbFC3CjW3XW8kxpOpP+OC22d1Wml1qZkQGtoMsScxaczKN3plG8zlaHIta5KqWsozoTYw3/djzwhpLwivWFGHGpAFe7DL68JlBUk+l7KSN7tCOEJ4M3/qOI49vMHj+zCKdlFqLaU2ZHV2a4Ct/an0/ivdX8oYc1UVX860fQDQiMdxRQEAAA=="}}`},
	{"ScheduledNotification", `{"version":"1.0","invokingEvent":"{\"awsAccountId\":\"123456789012\",\"notificationCreationTime\":\"2030-01-01T00:00:00.000Z\",\"messageType\":\"ScheduledNotification\",\"recordVersion\":\"1.0\"}","ruleParameters":"{\"maxCount\":\"1\",\"applicableResourceType\":\"AWS::EC2::Instance\"}","resultToken":"1","eventLeftScope":false,"configRuleName":"one","accountId":"123456789012"}`},
	{"notificationType", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:123456789012:t:1","Sns":{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Subject":"s","Message":"{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"bounceSubType\":\"General\",\"timestamp\":\"2030-01-01T00:00:00.000Z\",\"bouncedRecipients\":[{\"emailAddress\":\"someone@example.com\"}]},\"mail\":{\"messageId\":\"1\",\"source\":\"someone@example.com\",\"timestamp\":\"2030-01-01T00:00:00.000Z\",\"destination\":[\"someone@example.com\"]}}","Timestamp":"2030-01-01T00:00:00.000Z","MessageAttributes":{}}}]}`},
	{"invokingEvent", `{"version":"1.0","invokingEvent":"{\"configurationItem\":{\"configurationItemCaptureTime\":\"2030-01-01T00:00:00Z\",\"awsAccountId\":\"123456789012\",\"configurationItemStatus\":\"OK\",\"resourceType\":\"AWS::EC2::Instance\",\"resourceId\":\"i-1\",\"configuration\":{}},\"messageType\":\"ConfigurationItemChangeNotification\"}","ruleParameters":"{\"maxCount\":\"1\",\"desiredInstanceType\":\"t2.micro\",\"applicableResourceType\":\"AWS::EC2::Instance\"}","resultToken":"1","eventLeftScope":false,"configRuleName":"one","accountId":"123456789012"}`},
	{"spamVerdict", `{"Records":[{"eventVersion":"1.0","eventSource":"aws:ses","ses":{"mail":{"messageId":"1","source":"someone@example.com","timestamp":"2030-01-01T00:00:00Z","destination":["someone@example.com"],"commonHeaders":{"from":["someone@example.com"],"to":["someone@example.com"],"subject":"one"},"headers":[]},"receipt":{"recipients":["someone@example.com"],"spamVerdict":{"status":"PASS"},"virusVerdict":{"status":"PASS"},"spfVerdict":{"status":"PASS"},"dkimVerdict":{"status":"PASS"},"dmarcVerdict":{"status":"PASS"},"action":{"type":"Lambda"}}}}]}`},
	{"dynamodb", `{"Records":[{"eventID":"1","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1","dynamodb":{"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}},"SequenceNumber":"111","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2024"}]}`},
	{"Sns", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:123456789012:t:1","Sns":{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Subject":"s","Message":"{}","Timestamp":"2030-01-01T00:00:00.000Z","MessageAttributes":{}}}]}`},
	{"kinesis", `{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1","sequenceNumber":"1","data":"e30=","approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:1","eventName":"aws:kinesis:record","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/s"}]}`},
	{"body", `{"Records":[{"messageId":"1","receiptHandle":"r","body":"{}","attributes":{"ApproximateReceiveCount":"1"},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:queue","awsRegion":"us-east-1"}]}`},
}

// spoken are words in the sources of functions that only events of some have.
var spoken = map[string]*regexp.Regexp{
	"alexa-appkit.amazon.com":        regexp.MustCompile(`(?i)\.intent\b|\['intent'\]|alexa|session.*application`),
	"alexa-connectedhome.amazon.com": regexp.MustCompile(`(?i)connectedhome|smart ?home`),
	"lex.amazonaws.com":              regexp.MustCompile(`currentIntent`),
	"events.amazonaws.com":           regexp.MustCompile(`event(?:\.time\b|\[['"](?:time|detail-type|detail)['"]\])`),
}

// lexEvent is what a bot sends of an intent, and intentNames are where sources
// say of which they know.
const lexEvent = `{"messageVersion":"1.0","invocationSource":"DialogCodeHook","userId":"1","sessionAttributes":{},"bot":{"name":"one","alias":"$LATEST","version":"$LATEST"},"outputDialogMode":"Text","currentIntent":{"name":"%s","slots":%s,"confirmationStatus":"None"}}`

var (
	intentNames = regexp.MustCompile(`intent_?[nN]ame\s*={2,3}\s*['"](\w+)['"]`)
	slotNames   = regexp.MustCompile(`\[['"]([A-Z]\w+)['"]\]`)
)

// principals are those that send events of their own kind to functions.
var principals = []struct{ service, kind, event string }{
	{"alexa-connectedhome.amazon.com", "alexa", `{"directive":{"header":{"namespace":"Alexa.Discovery","name":"Discover","payloadVersion":"3","messageId":"1"},"payload":{"scope":{"type":"BearerToken","token":"1"}}},"header":{"namespace":"Alexa.ConnectedHome.Discovery","name":"DiscoverAppliancesRequest","payloadVersion":"2","messageId":"1"},"payload":{"accessToken":"1"}}`},
	{"alexa-appkit.amazon.com", "alexa", `{"version":"1.0","session":{"new":true,"sessionId":"amzn1.echo-api.session.1","application":{"applicationId":"amzn1.ask.skill.1"},"attributes":{},"user":{"userId":"amzn1.ask.account.1"}},"context":{"System":{"application":{"applicationId":"amzn1.ask.skill.1"},"user":{"userId":"amzn1.ask.account.1"},"device":{"deviceId":"1","supportedInterfaces":{}},"apiEndpoint":"https://api.amazonalexa.com"}},"request":{"type":"LaunchRequest","requestId":"amzn1.echo-api.request.1","timestamp":"2030-01-01T00:00:00Z","locale":"en-US"}}`},
	{"alexa-appkit.amazon.com", "alexa", `{"version":"1.0","session":{"new":false,"sessionId":"amzn1.echo-api.session.1","application":{"applicationId":"amzn1.ask.skill.1"},"attributes":{},"user":{"userId":"amzn1.ask.account.1"}},"context":{"System":{"application":{"applicationId":"amzn1.ask.skill.1"},"user":{"userId":"amzn1.ask.account.1"},"device":{"deviceId":"1","supportedInterfaces":{}},"apiEndpoint":"https://api.amazonalexa.com"}},"request":{"type":"IntentRequest","requestId":"amzn1.echo-api.request.1","timestamp":"2030-01-01T00:00:00Z","locale":"en-US","intent":{"name":"AMAZON.HelpIntent","confirmationStatus":"NONE","slots":{"UpperLimit":{"name":"UpperLimit","value":"10"}}}}}`},
	{"lex.amazonaws.com", "lex", fmt.Sprintf(lexEvent, "one", "{}")},
	{"config.amazonaws.com", "config", `{"version":"1.0","invokingEvent":"{\"configurationItem\":{\"configurationItemCaptureTime\":\"2030-01-01T00:00:00Z\",\"awsAccountId\":\"123456789012\",\"configurationItemStatus\":\"OK\",\"resourceType\":\"AWS::EC2::Instance\",\"resourceId\":\"i-1\",\"configuration\":{}},\"messageType\":\"ConfigurationItemChangeNotification\"}","ruleParameters":"{}","resultToken":"1","eventLeftScope":false,"executionRoleArn":"","configRuleName":"one","accountId":"123456789012"}`},
	{"iot.amazonaws.com", "iot", `{"serialNumber":"1","batteryVoltage":"1mV","clickType":"SINGLE"}`},
	{"cognito-idp.amazonaws.com", "cognito", `{"version":"1","region":"us-east-1","userPoolId":"us-east-1_1","userName":"one","callerContext":{"clientId":"1"},"triggerSource":"PreSignUp_SignUp","request":{"userAttributes":{"email":"someone@example.com","sub":"1"},"validationData":{},"clientMetadata":{}},"response":{}}`},
	{"events.amazonaws.com", "event", `{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2030-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":{}}`},
	{"apigateway.amazonaws.com", "api", `{"resource":"/","path":"/","httpMethod":"GET","headers":{},"queryStringParameters":{},"pathParameters":{},"requestContext":{"stage":"Prod","requestId":"1","identity":{"sourceIp":"192.0.2.1"}},"body":"{}","isBase64Encoded":false}`},
	{"secretsmanager.amazonaws.com", "secret", `{"Step":"createSecret","SecretId":"one","ClientRequestToken":"12345678-1234-1234-1234-123456789012"}`},
	{"s3.amazonaws.com", "s3", `{}`},
	{"sns.amazonaws.com", "sns", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:123456789012:t:1","Sns":{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Subject":"s","Message":"{}","Timestamp":"2030-01-01T00:00:00.000Z","MessageAttributes":{}}}]}`},
}

// invoke says what went wrong.
func (d *driver) invoke(ctx context.Context, name, event string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	response, err := d.Client.HTTP(ctx, "lambda", http.MethodPost, "/2015-03-31/functions/"+name+"/invocations", []byte(event))
	if err != nil {
		return "no answer in time"
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	switch {
	case err != nil:
		return "no whole answer in time"
	case response.StatusCode >= 300:
		return brief(string(bytes.TrimSpace(text)))
	case response.Header.Get("X-Amz-Function-Error") == "":
		return ""
	}
	d.want(string(text))
	var failed struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(text, &failed) != nil {
		return brief(string(text))
	}
	return brief(failed.ErrorType + " " + failed.ErrorMessage)
}

// durable starts an execution of a durable function, and says what went wrong.
// One that goes on after a while waits for something.
func (d *driver) durable(ctx context.Context, name, event string) string {
	in := &lambda.InvokeInput{FunctionName: name + ":$LATEST", InvocationType: new("Event"), Payload: []byte(event)}
	run, err := client.Do(ctx, d.Client, lambda.Invoke, in)
	if err != nil {
		return brief(err.Error())
	}
	for range 100 {
		now, err := client.Do(ctx, d.Client, lambda.GetDurableExecution, &lambda.GetDurableExecutionInput{DurableExecutionArn: aws.Value(run.DurableExecutionArn)})
		switch {
		case err != nil:
			return brief(err.Error())
		case now.Status == lambda.ExecutionStatusSucceeded:
			return ""
		case now.Status != lambda.ExecutionStatusRunning:
			return brief(now.Status + " " + aws.Value(now.Error.ErrorType) + " " + aws.Value(now.Error.ErrorMessage))
		}
		pause(ctx, 100*time.Millisecond)
	}
	return ""
}

// userPools signs a user up in each pool whose functions hear of that.
func (d *driver) userPools(ctx context.Context) {
	for _, p := range d.all("AWS::Cognito::UserPool") {
		out, err := client.Do(ctx, d.Client, cognito.DescribeUserPool, &cognito.DescribeUserPoolInput{UserPoolId: p.id})
		if err != nil || out.UserPool.LambdaConfig == nil {
			continue
		}
		e := entry{name: "a user of pool " + p.logical}
		c := out.UserPool.LambdaConfig
		for _, arn := range []*string{c.PreSignUp, c.PostConfirmation, c.PreAuthentication, c.PostAuthentication, c.PreTokenGeneration, c.CustomMessage} {
			if arn != nil {
				e.targets = append(e.targets, target{arn: *arn})
			}
		}
		if len(e.targets) == 0 {
			continue
		}
		e.do = func(ctx context.Context) error {
			delete(d.tokens, p.id)
			_, err := d.token(ctx, p.id)
			return err
		}
		d.drive(ctx, e)
	}
}

// stores puts something into the stores of an application that is nothing
// else, and takes it out again.
func (d *driver) stores(ctx context.Context) {
	for i, p := range d.all("AWS::DynamoDB::Table") {
		if i >= mostEntries {
			break
		}
		d.drive(ctx, entry{name: "an item into table " + p.logical + " and out", do: func(ctx context.Context) error { return d.keepsItem(ctx, p.id) }})
	}
	for i, p := range d.all("AWS::S3::Bucket") {
		if i >= mostEntries || p.logical == "ServerlessDeploymentBucket" {
			continue
		}
		d.drive(ctx, entry{name: "an object into bucket " + p.logical + " and out", do: func(ctx context.Context) error {
			if err := d.put(ctx, p.id, "one.txt", []byte("one"), ""); err != nil {
				return err
			}
			response, err := d.Client.HTTP(ctx, "s3", http.MethodGet, "/"+p.id+"/one.txt", nil)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			return isWhat(response.Body, "one")
		}})
	}
	for _, p := range d.all("AWS::SQS::Queue") {
		arn := d.arn("sqs", p.id[strings.LastIndexByte(p.id, '/')+1:])
		d.drive(ctx, entry{name: "a message into queue " + p.logical, targets: []target{{arn: arn}}, do: func(ctx context.Context) error { return d.send(ctx, arn, "one", false) }})
	}
	for _, p := range d.all("AWS::SNS::Topic") {
		d.drive(ctx, entry{name: "a message to topic " + p.logical, targets: []target{{arn: p.id}}, do: func(ctx context.Context) error { return d.publish(ctx, p.id, subscription{}) }})
	}
	for _, p := range d.all("AWS::Cognito::UserPool") {
		if len(d.all("AWS::Cognito::UserPoolClient")) > 0 {
			d.drive(ctx, entry{name: "a user of pool " + p.logical, do: func(ctx context.Context) error { _, err := d.token(ctx, p.id); return err }})
		}
	}
}
