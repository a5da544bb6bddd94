package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

// A caller calls what one application made.
type caller struct {
	client *client.Client
	said   []string
	fine   bool // something answered
}

// mostCalls is how many routes, functions and machines of an application are called.
const mostCalls = 8

// answers calls what the application that is tried has, and says what came of it.
func (r *runner) answers(outputs map[string]string) (words string, fine bool) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &caller{client: r.client()}
	for _, route := range append(c.routes(ctx), urlsAmong(outputs)...) {
		c.get(ctx, route)
	}
	c.machines(ctx)
	c.functions(ctx)
	if c.said == nil {
		return "nothing to call", false
	}
	return strings.Join(c.said, "; "), c.fine
}

func (c *caller) say(fine bool, form string, args ...any) {
	c.fine = c.fine || fine
	if words := fmt.Sprintf(form, args...); !slices.Contains(c.said, words) && len(c.said) < mostCalls {
		c.said = append(c.said, words)
	}
}

// A route is a method and a path of a host below the platform's own.
type route struct{ method, host, path string }

var inPath = regexp.MustCompile(`\{[^}]*\}`)

// routes returns those of the gateways' APIs and the URLs of functions.
func (c *caller) routes(ctx context.Context) []route {
	var list []route
	add := func(method, id, stage, path string) {
		if method == "" || method == "OPTIONS" || len(list) >= mostCalls {
			return
		}
		if method == "ANY" {
			method = "GET"
		}
		if stage != "$default" {
			path = "/" + stage + path
		}
		list = append(list, route{method, id + ".execute-api", inPath.ReplaceAllString(path, "1")})
	}
	if apis, err := client.Do(ctx, c.client, apigateway.GetRestApis, &apigateway.GetRestApisInput{}); err == nil {
		for _, api := range apis.Items {
			id := aws.Value(api.Id)
			stages, err := client.Do(ctx, c.client, apigateway.GetStages, &apigateway.GetStagesInput{RestApiId: id})
			resources, err2 := client.Do(ctx, c.client, apigateway.GetResources, &apigateway.GetResourcesInput{RestApiId: id, Embed: []string{"methods"}})
			if err != nil || err2 != nil || len(stages.Item) == 0 {
				continue
			}
			for _, resource := range resources.Items {
				for method := range resource.ResourceMethods {
					add(method, id, aws.Value(stages.Item[0].StageName), aws.Value(resource.Path))
				}
			}
		}
	}
	if apis, err := client.Do(ctx, c.client, apigatewayv2.GetApis, &apigatewayv2.GetApisInput{}); err == nil {
		for _, api := range apis.Items {
			id := aws.Value(api.ApiId)
			stages, err := client.Do(ctx, c.client, apigatewayv2.GetStages, &apigatewayv2.GetStagesInput{ApiId: id})
			routes, err2 := client.Do(ctx, c.client, apigatewayv2.GetRoutes, &apigatewayv2.GetRoutesInput{ApiId: id})
			if err != nil || err2 != nil || len(stages.Items) == 0 || string(api.ProtocolType) != "HTTP" {
				continue
			}
			for _, r := range routes.Items {
				method, path, ok := strings.Cut(r.RouteKey, " ")
				if !ok {
					method, path = "GET", "/"
				}
				add(method, id, stages.Items[0].StageName, path)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b route) int {
		return cmp.Or(cmp.Compare(a.method, b.method), cmp.Compare(a.path, b.path), cmp.Compare(a.host, b.host))
	})
	return list
}

var urlOfFunction = regexp.MustCompile(`^https?://([a-z0-9]+\.lambda-url)\.[a-z0-9-]+\.on\.aws(/[^ {}<>]*)?$`)

// urlsAmong returns the URLs of functions among outputs.
func urlsAmong(outputs map[string]string) []route {
	var list []route
	for _, value := range outputs {
		if m := urlOfFunction.FindStringSubmatch(value); m != nil {
			list = append(list, route{"GET", m[1], cmp.Or(m[2], "/")})
		}
	}
	return list
}

// get asks a route. What a gateway says itself of requests it does not let
// through is no answer of the application.
func (c *caller) get(ctx context.Context, r route) {
	var body io.Reader
	if r.method != "GET" {
		body = strings.NewReader(`{}`)
	}
	ctx, cancel := context.WithTimeout(ctx, 35*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.method, c.client.Endpoint()+r.path, body)
	if err != nil {
		return
	}
	request.Host = r.host + "." + strings.Replace(request.URL.Host, "127.0.0.1", "localhost", 1)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.say(false, "%s %s: no answer", r.method, r.path)
		return
	}
	defer response.Body.Close()
	io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	own := response.StatusCode < 500 && response.Header.Get("X-Amzn-Errortype") == "" && response.StatusCode != 401 && response.StatusCode != 403
	c.say(own, "%s %s: %d", r.method, r.path, response.StatusCode)
}

// machines starts each state machine with an empty input.
func (c *caller) machines(ctx context.Context) {
	list, err := client.Do(ctx, c.client, states.ListStateMachines, &states.ListStateMachinesInput{})
	if err != nil {
		return
	}
	for _, m := range list.StateMachines[:min(len(list.StateMachines), mostCalls)] {
		run, err := client.Do(ctx, c.client, states.StartExecution, &states.StartExecutionInput{StateMachineArn: m.StateMachineArn, Input: new("{}")})
		if err != nil {
			c.say(false, "%s: %v", m.Name, err)
			continue
		}
		status, cause := "RUNNING", ""
		for range 100 {
			now, err := client.Do(ctx, c.client, states.DescribeExecution, &states.DescribeExecutionInput{ExecutionArn: run.ExecutionArn})
			if err != nil { // express: the history of those is in logs
				status = "started"
				break
			}
			if status = string(now.Status); status != "RUNNING" {
				cause = strings.TrimSpace(" " + aws.Value(now.Error))
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		c.say(status == "SUCCEEDED", "a run of a state machine: %s", strings.TrimSpace(status+" "+cause))
	}
}

// functions invokes each function with an event of the kind that it gets.
func (c *caller) functions(ctx context.Context) {
	list, err := client.Do(ctx, c.client, lambda.ListFunctions, &lambda.ListFunctionsInput{})
	if err != nil || len(list.Functions) == 0 {
		return
	}
	functions := list.Functions[:min(len(list.Functions), mostCalls)]
	fine, complaint := 0, ""
	for _, f := range functions {
		name := aws.Value(f.FunctionName)
		call := c.invoke
		if f.DurableConfig != nil {
			call = c.durable
		}
		wrong := call(ctx, name, eventOf(c.causes(ctx, name)))
		if wrong == "" {
			fine++
			continue
		}
		complaint = cmp.Or(complaint, wrong)
	}
	if complaint != "" {
		complaint = ": " + complaint
	}
	c.say(fine > 0, "%d of %d functions handled an event%s", fine, len(functions), complaint)
}

// invoke says what went wrong.
func (c *caller) invoke(ctx context.Context, name, event string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	response, err := c.client.HTTP(ctx, "lambda", http.MethodPost, "/2015-03-31/functions/"+name+"/invocations", []byte(event))
	if err != nil {
		return "no answer in time"
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	switch {
	case err != nil:
		return "no whole answer in time"
	case response.StatusCode >= 300:
		return string(bytes.TrimSpace(text))
	case response.Header.Get("X-Amz-Function-Error") == "":
		return ""
	}
	var failed struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(text, &failed) != nil {
		return string(text)
	}
	return failed.ErrorType + " " + firstLine(failed.ErrorMessage)
}

// durable starts an execution of a durable function, and says what went wrong.
// One that goes on after a while waits for something.
func (c *caller) durable(ctx context.Context, name, event string) string {
	in := &lambda.InvokeInput{FunctionName: name + ":$LATEST", InvocationType: new("Event"), Payload: []byte(event)}
	run, err := client.Do(ctx, c.client, lambda.Invoke, in)
	if err != nil {
		return err.Error()
	}
	for range 100 {
		now, err := client.Do(ctx, c.client, lambda.GetDurableExecution, &lambda.GetDurableExecutionInput{DurableExecutionArn: aws.Value(run.DurableExecutionArn)})
		switch {
		case err != nil:
			return err.Error()
		case now.Status == lambda.ExecutionStatusSucceeded:
			return ""
		case now.Status != lambda.ExecutionStatusRunning:
			return now.Status + " " + firstLine(aws.Value(now.Error.ErrorType)+" "+aws.Value(now.Error.ErrorMessage))
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	if len(line) > 100 {
		line = line[:100]
	}
	return line
}

// causes says what invokes a function: its event sources and those that its
// policy lets.
func (c *caller) causes(ctx context.Context, name string) string {
	var all strings.Builder
	if list, err := client.Do(ctx, c.client, lambda.ListEventSourceMappings, &lambda.ListEventSourceMappingsInput{FunctionName: &name}); err == nil {
		for _, m := range list.EventSourceMappings {
			all.WriteString(aws.Value(m.EventSourceArn))
		}
	}
	if out, err := client.Do(ctx, c.client, lambda.GetPolicy, &lambda.GetPolicyInput{FunctionName: name}); err == nil {
		all.WriteString(aws.Value(out.Policy))
	}
	return all.String()
}

// eventOf is a small event of the kind that causes send.
func eventOf(causes string) string {
	for _, kind := range events {
		if strings.Contains(causes, kind.cause) {
			return kind.event
		}
	}
	return `{}`
}

var events = []struct{ cause, event string }{
	{"arn:aws:sqs:", `{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","receiptHandle":"r","body":"{}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183"},"messageAttributes":{},"md5OfBody":"99914b932bd37a50b983c5e7c90ae93b","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:queue","awsRegion":"us-east-1"}]}`},
	{"arn:aws:dynamodb:", `{"Records":[{"eventID":"1","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1","dynamodb":{"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"}},"SequenceNumber":"111","SizeBytes":26,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2024"}]}`},
	{"arn:aws:kinesis:", `{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1","sequenceNumber":"49590338271490256608559692538361571095921575989136588898","data":"e30=","approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:49590338271490256608559692538361571095921575989136588898","eventName":"aws:kinesis:record","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/s"}]}`},
	{"sns.amazonaws.com", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:us-east-1:123456789012:t:1","Sns":{"Type":"Notification","MessageId":"95df01b4-ee98-5cb9-9903-4c221d41eb5e","TopicArn":"arn:aws:sns:us-east-1:123456789012:t","Subject":"s","Message":"{}","Timestamp":"2024-01-01T00:00:00.000Z","MessageAttributes":{}}}]}`},
	{"s3.amazonaws.com", `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2024-01-01T00:00:00.000Z","eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","configurationId":"c","bucket":{"name":"example-bucket","arn":"arn:aws:s3:::example-bucket"},"object":{"key":"one.txt","size":1,"eTag":"0","sequencer":"0"}}}]}`},
	{"apigateway.amazonaws.com", `{"version":"1.0","resource":"/","path":"/","httpMethod":"GET","headers":{"host":"example.com"},"queryStringParameters":{},"pathParameters":{},"requestContext":{"http":{"method":"GET","path":"/"},"httpMethod":"GET","path":"/","stage":"Prod","requestId":"1","identity":{"sourceIp":"192.0.2.1"},"domainName":"example.com","connectionId":"1","routeKey":"$connect"},"rawPath":"/","rawQueryString":"","body":"{}","isBase64Encoded":false}`},
	{"logs.amazonaws.com", `{"awslogs":{"data":"H4sIAAAAAAAAAHWPwQqCQBCGX0Xm7EFtK+smZBEUgXoLCdMhFtKV3akI8d0bLYmibvPPN3wz00CJxmQnTO41whwWQRIctmEcB6sQbFC3CjW3XW8kxpOpP+OC22d1Wml1qZkQGtoMsScxaczKN3plG8zlaHIta5KqWsozoTYw3/djzwhpLwivWFGHGpAFe7DL68JlBUk+l7KSN7tCOEJ4M3/qOI49vMHj+zCKdlFqLaU2ZHV2a4Ct/an0/ivdX8oYc1UVX860fQDQiMdxRQEAAA=="}}`},
	{"events.amazonaws.com", `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2024-01-01T00:00:00Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:123456789012:rule/r"],"detail":{}}`},
}
