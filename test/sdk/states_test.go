package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	statesRole    = "arn:aws:iam::000000000000:role/states"
	killedMachine = "arn:aws:states:us-east-1:000000000000:stateMachine:killed"
)

// killedDefinition waits, calls, forks and joins.
const killedDefinition = `{"StartAt":"Begin","States":{
	"Begin":{"Type":"Pass","Next":"Each"},
	"Each":{"Type":"Map","ItemsPath":"$.items","Next":"Both","ItemProcessor":{"StartAt":"Send","States":{
		"Send":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl.$":"$.url","MessageBody.$":"$.name"},"ResultPath":null,"Next":"Pause"},
		"Pause":{"Type":"Wait","Seconds":1,"End":true}}}},
	"Both":{"Type":"Parallel","Branches":[
		{"StartAt":"Left","States":{"Left":{"Type":"Wait","Seconds":1,"End":true}}},
		{"StartAt":"Right","States":{"Right":{"Type":"Pass","End":true}}}],"Next":"End"},
	"End":{"Type":"Pass","End":true}}}`

// TestStates runs a machine that asks a worker, with the SDK for Go.
func TestStates(t *testing.T) {
	a := start(t, t.TempDir())
	ctx, client := t.Context(), sfn.NewFromConfig(config(a))
	makeStatesRole(t, a)
	activity, err := client.CreateActivity(ctx, &sfn.CreateActivityInput{Name: new("work")})
	check(t, err)
	machine, err := client.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: new("asks"), RoleArn: new(statesRole),
		Definition: new(`{"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"` + *activity.ActivityArn + `","ResultPath":"$.answer","End":true}}}`),
	})
	check(t, err)
	begun, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Input: new(`{"question":6}`)})
	check(t, err)
	work, err := client.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: activity.ActivityArn, WorkerName: new("w")})
	check(t, err)
	if *work.Input != `{"question":6}` {
		t.Errorf("the worker was asked %s", *work.Input)
	}
	_, err = client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: work.TaskToken, Output: new("42")})
	check(t, err)
	ended := endOf(t, client, *begun.ExecutionArn)
	if ended.Status != types.ExecutionStatusSucceeded || *ended.Output != `{"question":6,"answer":42}` {
		t.Errorf("the execution is %s with %s", ended.Status, aws.ToString(ended.Output))
	}
}

// TestKillStates kills the binary while executions are under way, again and
// again. Each that was acknowledged ends, once, and its history has no gap.
// ALOFT_KILLS says how often, 4 if not set.
func TestKillStates(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	var acked []string
	var a *aloft
	for round := range kills {
		a = start(t, data)
		if round == 0 {
			makeStatesRole(t, a)
			_, err := sfn.NewFromConfig(config(a)).CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: new("killed"), RoleArn: new(statesRole), Definition: new(killedDefinition)})
			check(t, err)
			_, err = sqs.NewFromConfig(config(a)).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("sent")})
			check(t, err)
		}
		acked = append(acked, runUntilKilled(t, a, round, time.Duration(200+round%5*350)*time.Millisecond)...)
	}
	a = start(t, data)
	client := sfn.NewFromConfig(config(a))
	for _, arn := range acked {
		if out := endOf(t, client, arn); out.Status != types.ExecutionStatusSucceeded {
			t.Fatalf("%s is %s: %s %s", arn, out.Status, aws.ToString(out.Error), aws.ToString(out.Cause))
		}
		checkHistory(t, client, arn)
	}
	if len(acked) == 0 {
		t.Error("nothing was started")
	}
	t.Logf("%d kills, %d executions", kills, len(acked))
}

func makeStatesRole(t *testing.T, a *aloft) {
	t.Helper()
	client := iam.NewFromConfig(config(a))
	_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: new("states"), AssumeRolePolicyDocument: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"states.amazonaws.com"},"Action":"sts:AssumeRole"}}`)})
	check(t, err)
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: new("states"), PolicyName: new("p"), PolicyDocument: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}}`)})
	check(t, err)
}

// runUntilKilled starts executions until a is killed after a while, and returns
// the ARNs of those that were acknowledged.
func runUntilKilled(t *testing.T, a *aloft, round int, after time.Duration) (acked []string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := config(a)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	client := sfn.NewFromConfig(cfg)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := 0; n < 20 && ctx.Err() == nil; n++ {
				name := fmt.Sprintf("%d-%d-%d", round, w, n)
				item := map[string]string{"name": name, "url": a.url + "/000000000000/sent"}
				input, err := json.Marshal(map[string]any{"items": []any{item, item}})
				if err != nil {
					return
				}
				out, err := client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: new(killedMachine), Name: &name, Input: new(string(input))})
				if err != nil {
					return // killed
				}
				mu.Lock()
				acked = append(acked, *out.ExecutionArn)
				mu.Unlock()
			}
		})
	}
	time.Sleep(after)
	a.stop(syscall.SIGKILL)
	cancel()
	wg.Wait()
	return acked
}

// endOf waits until an execution has ended.
func endOf(t *testing.T, client *sfn.Client, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		check(t, err)
		if out.Status != types.ExecutionStatusRunning {
			return out
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not end", arn)
		}
	}
}

// checkHistory finds that an execution began once, ended once, and has all
// events between.
func checkHistory(t *testing.T, client *sfn.Client, arn string) {
	t.Helper()
	out, err := client.GetExecutionHistory(t.Context(), &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	check(t, err)
	count := make(map[types.HistoryEventType]int)
	for i, e := range out.Events {
		if e.Id != int64(i+1) || e.PreviousEventId >= e.Id {
			t.Fatalf("%s: event %d is the %dth, after %d", arn, e.Id, i+1, e.PreviousEventId)
		}
		count[e.Type]++
	}
	for kind, want := range map[types.HistoryEventType]int{
		types.HistoryEventTypeExecutionStarted: 1, types.HistoryEventTypeExecutionSucceeded: 1, types.HistoryEventTypeMapIterationSucceeded: 2,
		types.HistoryEventTypeTaskSucceeded: 2, types.HistoryEventTypeWaitStateExited: 3, types.HistoryEventTypeParallelStateSucceeded: 1, types.HistoryEventTypePassStateExited: 3,
	} {
		if count[kind] != want {
			t.Errorf("%s: %d events are %s, want %d", arn, count[kind], kind, want)
		}
	}
}
