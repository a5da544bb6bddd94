package sdk_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// TestRestBoto3 makes, changes, deploys, asks and exports a REST API with boto3.
func TestRestBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/rest.py")
}

// storageFirst is an API that puts what it gets in a queue, without a function.
const storageFirst = `{"Resources":{
	"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"orders"}},
	"Role":{"Type":"AWS::IAM::Role","Properties":{
		"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]},
		"Policies":[{"PolicyName":"send","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":{"Fn::GetAtt":["Queue","Arn"]}}]}}]}},
	"Api":{"Type":"AWS::ApiGateway::RestApi","Properties":{"Name":"orders"}},
	"Post":{"Type":"AWS::ApiGateway::Method","Properties":{"RestApiId":{"Ref":"Api"},"ResourceId":{"Fn::GetAtt":["Api","RootResourceId"]},"HttpMethod":"POST","AuthorizationType":"NONE",
		"MethodResponses":[{"StatusCode":"202"},{"StatusCode":"500"}],
		"Integration":{"Type":"AWS","IntegrationHttpMethod":"POST","Uri":{"Fn::Sub":"arn:aws:apigateway:${AWS::Region}:sqs:path/${AWS::AccountId}/${Queue.QueueName}"},
			"Credentials":{"Fn::GetAtt":["Role","Arn"]},"RequestParameters":{"integration.request.header.Content-Type":"'application/x-www-form-urlencoded'"},
			"RequestTemplates":{"application/json":"Action=SendMessage&MessageBody=$util.urlEncode($input.body)"},
			"IntegrationResponses":[{"StatusCode":"202","SelectionPattern":"200"},{"StatusCode":"500"}]}}},
	"Deployment":{"Type":"AWS::ApiGateway::Deployment","DependsOn":"Post","Properties":{"RestApiId":{"Ref":"Api"},"StageName":"dev"}}},
	"Outputs":{"Api":{"Value":{"Ref":"Api"}}}}`

// TestStorageFirst kills the binary while orders come in, and finds all that
// were taken in the queue afterwards.
func TestStorageFirst(t *testing.T) {
	data := t.TempDir()
	a := start(t, data)
	stacks := cloudformation.NewFromConfig(config(a))
	_, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: new("orders"), TemplateBody: new(storageFirst), Capabilities: []types.Capability{"CAPABILITY_IAM"}})
	check(t, err)
	check(t, cloudformation.NewStackCreateCompleteWaiter(stacks, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: new("orders")}, time.Minute))
	out, err := stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: new("orders")})
	check(t, err)
	id := *out.Stacks[0].Outputs[0].OutputValue

	var taken sync.Map
	var count atomic.Int64
	for range 3 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { order(a, id, &taken, &count) })
		}
		time.Sleep(150 * time.Millisecond)
		a.stop(syscall.SIGKILL)
		wg.Wait()
		a = start(t, data)
	}
	queued := make(map[string]bool)
	for {
		got := receive(t, a)
		if len(got) == 0 {
			break
		}
		for _, body := range got {
			queued[body] = true
		}
	}
	taken.Range(func(k, _ any) bool {
		if !queued[k.(string)] {
			t.Errorf("order %s was taken and is lost", k)
		}
		return true
	})
	if count.Load() == 0 {
		t.Error("no order was taken")
	}
	t.Logf("%d orders taken, %d in the queue", count.Load(), len(queued))
}

var orders atomic.Int64

// order orders until nobody answers, and notes what was taken.
func order(a *aloft, id string, taken *sync.Map, count *atomic.Int64) {
	for {
		body := fmt.Sprintf(`{"order":%d}`, orders.Add(1))
		resp, err := http.Post(a.url+"/_aws/execute-api/"+id+"/dev", "application/json", strings.NewReader(body))
		if err != nil {
			return // killed
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusAccepted {
			taken.Store(body, true)
			count.Add(1)
		}
	}
}

// receive takes messages from the queue.
func receive(t *testing.T, a *aloft) []string {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, a.url+"/", strings.NewReader(`{"QueueUrl":"`+a.url+`/000000000000/orders","MaxNumberOfMessages":10,"VisibilityTimeout":600}`))
	check(t, err)
	r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	check(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	check(t, err)
	var out struct{ Messages []struct{ Body string } }
	if err := json.Unmarshal(b, &out); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("receive: %d %s", resp.StatusCode, b)
	}
	var bodies []string
	for _, m := range out.Messages {
		bodies = append(bodies, m.Body)
	}
	return bodies
}
