package sdk_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	fntypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Lines of events: of one line, each event has the number after the one before.
const (
	asyncLines  = 4 // events of Invoke, which come in any order
	queueLines  = 4 // groups of a FIFO queue
	streamLines = 4 // items of a table with a stream
)

// TestKillEvents kills the binary while functions handle events, messages and
// changes of a table, again and again. What was acknowledged is handled in the
// end, and that of a group or an item in order. ALOFT_KILLS says how often, 4
// if not set.
func TestKillEvents(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	acked := make(map[string]int)
	var a *aloft
	for round := range kills {
		a = start(t, data)
		if round == 0 {
			deployEvents(t, a)
		}
		sendUntilKilled(t, a, acked, time.Duration(300+round%7*50)*time.Millisecond)
	}
	a = start(t, data)
	db := dynamodb.NewFromConfig(config(a))
	for line, n := range acked {
		awaitLine(t, db, line, n)
	}
	if len(acked) != asyncLines+queueLines+streamLines {
		t.Errorf("events of %d lines were sent", len(acked))
	}
	t.Logf("%d kills: %v", kills, acked)
}

// deployEvents makes a function that notes what it is called with, and what it is called by.
func deployEvents(t *testing.T, a *aloft) {
	ctx, cfg := t.Context(), config(a)
	role, err := iam.NewFromConfig(cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: new("note"), AssumeRolePolicyDocument: new(trust)})
	check(t, err)
	_, err = iam.NewFromConfig(cfg).PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: new("note"), PolicyName: new("all"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)})
	check(t, err)
	db := dynamodb.NewFromConfig(cfg)
	table := func(name string, stream *dbtypes.StreamSpecification) *string {
		out, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: dbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: new("id"), AttributeType: "S"}},
			KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: new("id"), KeyType: "HASH"}},
			StreamSpecification:  stream,
		})
		check(t, err)
		return out.TableDescription.LatestStreamArn
	}
	table("noted", nil)
	stream := table("changed", &dbtypes.StreamSpecification{StreamEnabled: new(true), StreamViewType: dbtypes.StreamViewTypeNewImage})
	_, err = sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: new("line.fifo"), Attributes: map[string]string{"FifoQueue": "true", "VisibilityTimeout": "3", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}})
	check(t, err)
	client := lambda.NewFromConfig(cfg)
	_, err = client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: new("note"), Runtime: fntypes.RuntimeProvidedal2023, Handler: new("bootstrap"), Role: role.Role.Arn, Timeout: new(int32(3)),
		Code: &fntypes.FunctionCode{ZipFile: zippedSelf(t)},
	})
	check(t, err)
	check(t, lambda.NewFunctionActiveV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: new("note")}, 10*time.Second))
	for source, position := range map[string]fntypes.EventSourcePosition{*stream: fntypes.EventSourcePositionTrimHorizon, "arn:aws:sqs:us-east-1:000000000000:line.fifo": ""} {
		_, err = client.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{FunctionName: new("note"), EventSourceArn: &source, StartingPosition: position})
		check(t, err)
	}
}

// zippedSelf is this program as a function: see TestMain.
func zippedSelf(t *testing.T) []byte {
	exe, err := os.Executable()
	check(t, err)
	bin, err := os.ReadFile(exe)
	check(t, err)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	h.SetMode(0o755)
	f, err := w.CreateHeader(h)
	check(t, err)
	_, err = f.Write(bin)
	check(t, errors.Join(err, w.Close()))
	return out.Bytes()
}

// sendUntilKilled sends events in all lines until a is killed after a while,
// and counts those that were acknowledged. What was not may have been sent, so
// its number is used no more.
func sendUntilKilled(t *testing.T, a *aloft, acked map[string]int, after time.Duration) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := config(a)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	functions, queues, db := lambda.NewFromConfig(cfg), sqs.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	var mu sync.Mutex
	var wg sync.WaitGroup
	send := func(line string, one func(n string) error) {
		wg.Go(func() {
			for ctx.Err() == nil {
				mu.Lock()
				n := acked[line] + 1
				mu.Unlock()
				if one(strconv.Itoa(n)) != nil {
					return // killed
				}
				mu.Lock()
				acked[line] = n
				mu.Unlock()
			}
		})
	}
	for i := range asyncLines {
		line := fmt.Sprintf("event-%d", i)
		send(line, func(n string) error {
			_, err := functions.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("note"), InvocationType: fntypes.InvocationTypeEvent, Payload: []byte(`{"line":"` + line + `","n":` + n + `}`)})
			return err
		})
	}
	for i := range queueLines {
		line := fmt.Sprintf("group-%d", i)
		send(line, func(n string) error {
			_, err := queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: new(a.url + "/000000000000/line.fifo"), MessageBody: &n, MessageGroupId: &line, MessageDeduplicationId: new(line + "-" + n)})
			return err
		})
	}
	for i := range streamLines {
		line := fmt.Sprintf("item-%d", i)
		send(line, func(n string) error {
			_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("changed"), Item: map[string]dbtypes.AttributeValue{"id": &dbtypes.AttributeValueMemberS{Value: line}, "n": &dbtypes.AttributeValueMemberN{Value: n}}})
			return err
		})
	}
	time.Sleep(after)
	a.stop(syscall.SIGKILL)
	cancel()
	wg.Wait()
}

// awaitLine waits until all events of a line are noted, and looks at their
// order: what was handled again comes again from where it was.
func awaitLine(t *testing.T, db *dynamodb.Client, line string, n int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: new("noted"), Key: map[string]dbtypes.AttributeValue{"id": &dbtypes.AttributeValueMemberS{Value: line}}, ConsistentRead: new(true)})
		check(t, err)
		seen, highest, ordered := make(map[int]bool), 0, line[:5] != "event"
		list, _ := out.Item["all"].(*dbtypes.AttributeValueMemberL)
		for i := range listOf(list) {
			v, _ := strconv.Atoi(list.Value[i].(*dbtypes.AttributeValueMemberN).Value)
			seen[v] = true
			if ordered && v > highest+1 {
				t.Fatalf("%s: %d was handled after %d", line, v, highest)
			}
			highest = max(highest, v)
		}
		missing := 0
		for v := 1; v <= n; v++ {
			if !seen[v] {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d of %d acknowledged events were not handled", line, missing, n)
		}
	}
}

func listOf(l *dbtypes.AttributeValueMemberL) []dbtypes.AttributeValue {
	if l == nil {
		return nil
	}
	return l.Value
}

// noteEvents is the function: it notes the events that it is called with.
func noteEvents(api string) {
	db := dynamodb.NewFromConfig(aws.Config{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: new(os.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	})
	base := "http://" + api + "/2018-06-01/runtime/invocation/"
	for {
		res, err := http.Get(base + "next")
		if err != nil {
			return
		}
		event, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			return
		}
		outcome, body := "response", "null"
		if err := noteEvent(db, event); err != nil {
			outcome, body = "error", `{"errorType":"note","errorMessage":`+strconv.Quote(err.Error())+`}`
		}
		post, err := http.Post(base+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/"+outcome, "application/json", bytes.NewReader([]byte(body)))
		if err != nil {
			return
		}
		post.Body.Close()
	}
}

// noteEvent notes one event, or the records in it.
func noteEvent(db *dynamodb.Client, event []byte) error {
	var e struct {
		Line    string
		N       int
		Records []struct {
			Body       string
			Attributes struct{ MessageGroupId string }
			Dynamodb   struct {
				NewImage struct{ Id, N map[string]string }
			}
		}
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return err
	}
	note := func(line, n string) error {
		_, err := db.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
			TableName: new("noted"), Key: map[string]dbtypes.AttributeValue{"id": &dbtypes.AttributeValueMemberS{Value: line}},
			UpdateExpression:         new("SET #all = list_append(if_not_exists(#all, :none), :n)"),
			ExpressionAttributeNames: map[string]string{"#all": "all"},
			ExpressionAttributeValues: map[string]dbtypes.AttributeValue{
				":none": &dbtypes.AttributeValueMemberL{}, ":n": &dbtypes.AttributeValueMemberL{Value: []dbtypes.AttributeValue{&dbtypes.AttributeValueMemberN{Value: n}}},
			},
		})
		return err
	}
	if e.Line != "" {
		return note(e.Line, strconv.Itoa(e.N))
	}
	for _, r := range e.Records {
		line, n := r.Attributes.MessageGroupId, r.Body
		switch {
		case line == "" && n != "": // of no line: an order, which is its own
			line, n = r.Body, "1"
		case line == "":
			line, n = r.Dynamodb.NewImage.Id["S"], r.Dynamodb.NewImage.N["N"]
		}
		if err := note(line, n); err != nil {
			return err
		}
	}
	return nil
}
