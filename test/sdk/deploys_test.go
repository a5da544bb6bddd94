package sdk_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	cfnapi "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	dynamoapi "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	iamapi "github.com/aloft-cloud/aloft/internal/api/iam"
	logsapi "github.com/aloft-cloud/aloft/internal/api/logs"
	snsapi "github.com/aloft-cloud/aloft/internal/api/sns"
	sqsapi "github.com/aloft-cloud/aloft/internal/api/sqs"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// TestKillDeploys kills the binary while it deploys random templates, some of
// which cannot be deployed. After each start the stack comes to rest by itself,
// there is nothing but what it has, and an update that was taken back has left
// all as it was. The next deployment heals what is left. ALOFT_KILLS says how
// often, 5 if not set.
func TestKillDeploys(t *testing.T) {
	kills := 5
	if n, err := strconv.Atoi(os.Getenv("ALOFT_KILLS")); err == nil {
		kills = n
	}
	data := t.TempDir()
	statuses := make(map[string]int)
	status, before := "", ""
	for round := range kills {
		rnd := rand.New(rand.NewPCG(uint64(round), 7))
		a := start(t, data)
		d := &deploys{T: t, c: clientOf(a)}
		d.submit(status, randomStack(rnd))
		time.Sleep(time.Duration(rnd.IntN(80)) * time.Millisecond)
		check(t, ignoreExit(a.stop(syscall.SIGKILL)))

		a = start(t, data)
		d.c = clientOf(a)
		status = d.rest()
		statuses[status]++
		after := d.state()
		if status == "UPDATE_ROLLBACK_COMPLETE" && after != before {
			t.Fatalf("round %d: before\n%s\nafter\n%s", round, before, after)
		}
		before = after
		d.noOrphans(round)
		check(t, ignoreExit(a.stop(syscall.SIGKILL)))
	}
	d := &deploys{T: t, c: clientOf(start(t, data))}
	if status = d.heal(status, "Resources: {Last: {Type: AWS::SQS::Queue}}"); !strings.HasSuffix(status, "_COMPLETE") || strings.Contains(status, "ROLLBACK") {
		t.Errorf("the last deployment: %s", status)
	}
	d.noOrphans(kills)
	t.Logf("%d kills: %v", kills, statuses)
}

// deploys deploys one stack.
type deploys struct {
	*testing.T
	c *aloftclient.Client
}

const killedStack = "kills"

func call[In, Out any](d *deploys, operation smithy.Operation[In, Out], in *In) *Out {
	d.Helper()
	out, err := aloftclient.Do(d.Context(), d.c, operation, in)
	check(d.T, err)
	return out
}

// submit begins to deploy a template to a stack of that status, "" if there is none.
func (d *deploys) submit(status, template string) {
	d.Helper()
	if status == "ROLLBACK_COMPLETE" {
		call(d, cfnapi.DeleteStack, &cfnapi.DeleteStackInput{StackName: killedStack})
		if status = d.rest(); status != "" {
			d.Fatalf("deleted: %s", status)
		}
	}
	capabilities := []string{"CAPABILITY_NAMED_IAM"}
	if status == "" {
		call(d, cfnapi.CreateStack, &cfnapi.CreateStackInput{StackName: killedStack, TemplateBody: &template, Capabilities: capabilities})
		return
	}
	_, err := aloftclient.Do(d.Context(), d.c, cfnapi.UpdateStack, &cfnapi.UpdateStackInput{StackName: killedStack, TemplateBody: &template, Capabilities: capabilities})
	if err != nil && !strings.Contains(err.Error(), "No updates") {
		d.Fatal(err)
	}
}

func (d *deploys) heal(status, template string) string {
	d.submit(status, template)
	return d.rest()
}

// rest waits until the stack is at rest, and returns its status.
func (d *deploys) rest() string {
	d.Helper()
	for {
		out, err := aloftclient.Do(d.Context(), d.c, cfnapi.DescribeStacks, &cfnapi.DescribeStacksInput{StackName: new(killedStack)})
		if err != nil {
			if !strings.Contains(err.Error(), "does not exist") {
				d.Fatal(err)
			}
			return ""
		}
		if s := out.Stacks[0].StackStatus; !strings.HasSuffix(s, "_IN_PROGRESS") {
			if strings.HasSuffix(s, "_FAILED") {
				d.Fatalf("%s: %s", s, *out.Stacks[0].StackStatusReason)
			}
			return s
		}
	}
}

// state is all there is, as the API shows it, but for when it was changed.
func (d *deploys) state() string {
	d.Helper()
	var lines []string
	add := func(v any) {
		text, err := json.Marshal(v)
		check(d.T, err)
		lines = append(lines, string(text))
	}
	for _, url := range call(d, sqsapi.ListQueues, &sqsapi.ListQueuesInput{}).QueueUrls {
		attributes := call(d, sqsapi.GetQueueAttributes, &sqsapi.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []string{"All"}}).Attributes
		delete(attributes, "LastModifiedTimestamp")
		add(attributes)
	}
	for _, topic := range call(d, snsapi.ListTopics, &snsapi.ListTopicsInput{}).Topics {
		add(call(d, snsapi.GetTopicAttributes, &snsapi.GetTopicAttributesInput{TopicArn: *topic.TopicArn}))
	}
	for _, name := range call(d, dynamoapi.ListTables, &dynamoapi.ListTablesInput{}).TableNames {
		add(call(d, dynamoapi.DescribeTable, &dynamoapi.DescribeTableInput{TableName: name}).Table)
		add(call(d, dynamoapi.DescribeTimeToLive, &dynamoapi.DescribeTimeToLiveInput{TableName: name}))
	}
	for _, role := range call(d, iamapi.ListRoles, &iamapi.ListRolesInput{}).Roles {
		add(role)
		for _, policy := range call(d, iamapi.ListRolePolicies, &iamapi.ListRolePoliciesInput{RoleName: role.RoleName}).PolicyNames {
			add(call(d, iamapi.GetRolePolicy, &iamapi.GetRolePolicyInput{RoleName: role.RoleName, PolicyName: policy}))
		}
	}
	for _, group := range call(d, logsapi.DescribeLogGroups, &logsapi.DescribeLogGroupsInput{}).LogGroups {
		add(group)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// noOrphans finds what no stack knows of, and what a stack has that is not there.
func (d *deploys) noOrphans(round int) {
	d.Helper()
	var there, known []string
	there = append(there, call(d, sqsapi.ListQueues, &sqsapi.ListQueuesInput{}).QueueUrls...)
	for _, topic := range call(d, snsapi.ListTopics, &snsapi.ListTopicsInput{}).Topics {
		there = append(there, *topic.TopicArn)
	}
	there = append(there, call(d, dynamoapi.ListTables, &dynamoapi.ListTablesInput{}).TableNames...)
	for _, role := range call(d, iamapi.ListRoles, &iamapi.ListRolesInput{}).Roles {
		there = append(there, role.RoleName)
	}
	for _, group := range call(d, logsapi.DescribeLogGroups, &logsapi.DescribeLogGroupsInput{}).LogGroups {
		there = append(there, *group.LogGroupName)
	}
	for _, r := range call(d, cfnapi.DescribeStackResources, &cfnapi.DescribeStackResourcesInput{StackName: new(killedStack)}).StackResources {
		if r.ResourceStatus != "DELETE_COMPLETE" && r.PhysicalResourceId != nil {
			known = append(known, *r.PhysicalResourceId)
		}
	}
	for i, list := range [][]string{there, known} {
		for j, id := range list {
			if at := strings.LastIndex(id, "/"); strings.HasPrefix(id, "http") {
				id = id[at+1:] // of a queue, wherever it is reached
			}
			list[j] = id
		}
		slices.Sort([][]string{there, known}[i])
	}
	if !slices.Equal(there, known) {
		d.Fatalf("round %d: there is\n%q\nthe stack has\n%q", round, there, known)
	}
}

// randomStack is a template of things that refer to each other, one in three of
// which cannot be deployed.
func randomStack(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("Resources:\n")
	for i := range 16 {
		if rnd.IntN(4) == 0 {
			continue
		}
		id := fmt.Sprintf("R%d", i)
		switch n := rnd.IntN(3); i % 5 {
		case 0:
			fmt.Fprintf(&b, "  %s: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: %d}}\n", id, n)
		case 1:
			fmt.Fprintf(&b, "  %s: {Type: AWS::SNS::Topic, Properties: {DisplayName: d%d}}\n", id, n)
		case 2:
			fmt.Fprintf(&b, "  %s:\n    Type: AWS::DynamoDB::Table\n    Properties: {BillingMode: PAY_PER_REQUEST, AttributeDefinitions: [{AttributeName: k%d, AttributeType: S}], "+
				"KeySchema: [{AttributeName: k%d, KeyType: HASH}]}\n", id, n/2, n/2)
		case 3:
			fmt.Fprintf(&b, "  %s:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: 'sts:AssumeRole'}]}\n"+
				"      Policies: [{PolicyName: p%d, PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sqs:*', Resource: '*'}]}}]\n", id, n)
		case 4:
			fmt.Fprintf(&b, "  %s: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: %d}}\n", id, []int{1, 3, 5}[n])
		}
	}
	fmt.Fprintf(&b, "  Always: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: %d}}\n", rnd.IntN(100))
	if rnd.IntN(3) == 0 {
		b.WriteString("  Fails: {Type: AWS::SQS::Queue, DependsOn: Always, Properties: {DelaySeconds: 5000}}\n")
	}
	return b.String()
}
