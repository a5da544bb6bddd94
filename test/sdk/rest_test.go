package sdk_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// TestRestBoto3 makes, changes, deploys, asks and exports a REST API with boto3.
func TestRestBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/rest.py")
}

// storageFirst is an API that puts what it gets in a queue, without a function.
const storageFirst = `{"Resources":{
	"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"orders","VisibilityTimeout":3}},
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

// TestStorageFirst kills the binary while orders come in by the API and go on
// by the queue to a function, which makes rows of them. In the end there is a
// row of each order that was taken.
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
	deployEvents(t, a)
	_, err = lambda.NewFromConfig(config(a)).CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{FunctionName: new("note"), EventSourceArn: new("arn:aws:sqs:us-east-1:000000000000:orders")})
	check(t, err)

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
	awaitOrders(t, a, &taken)
	if count.Load() == 0 {
		t.Error("no order was taken")
	}
	t.Logf("%d orders taken, each has a row", count.Load())
}

// awaitOrders waits until there is a row of each order that was taken.
func awaitOrders(t *testing.T, a *aloft, taken *sync.Map) {
	t.Helper()
	db := dynamodb.NewFromConfig(config(a))
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		rows := make(map[string]bool)
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: new("noted"), ConsistentRead: new(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			check(t, err)
			for _, item := range page.Items {
				rows[item["id"].(*dbtypes.AttributeValueMemberS).Value] = true
			}
		}
		missing := 0
		taken.Range(func(k, _ any) bool {
			if !rows[k.(string)] {
				missing++
			}
			return true
		})
		if missing == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d orders were taken and have no row", missing)
		}
	}
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
