package integration

import (
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A Target is an operation that a task calls.
type Target struct {
	Service, Operation string // "dynamodb", "PutItem"
	Naming             Naming
	Optimised          bool // an integration that AWS made for Step Functions, not that of the SDK

	before func(args *tree.Object, f Facts)
	after  func(result *tree.Object) *asl.Error
}

// Facts are what parameters may speak of.
type Facts struct {
	Execution, Machine string // ARNs
	Once               string // a name for what the task makes
}

// Table is what tasks can call.
type Table struct {
	services map[string]*smithy.Service // by the name that tasks have for them
}

// NewTable is the table of the services of APIs.
func NewTable(apis []*smithy.Service) *Table {
	t := &Table{services: make(map[string]*smithy.Service)}
	for _, api := range apis {
		name := strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(api.SDKID))
		if t.services[name] == nil {
			t.services[name] = api
		}
	}
	return t
}

// optimised are the integrations that AWS made, by "type:action".
var optimised = map[string]Target{
	"lambda:invoke":         {Service: "lambda", Operation: "Invoke", Naming: Lambda, after: invoked},
	"sqs:sendMessage":       {Service: "sqs", Operation: "SendMessage", Naming: Naming{"SQS", "AmazonSQS", "AmazonSQSException", false}},
	"sns:publish":           {Service: "sns", Operation: "Publish", Naming: Naming{"SNS", "AmazonSNS", "AmazonSNSException", false}},
	"dynamodb:getItem":      {Service: "dynamodb", Operation: "GetItem", Naming: dynamo, before: typeTexts},
	"dynamodb:putItem":      {Service: "dynamodb", Operation: "PutItem", Naming: dynamo, before: typeTexts},
	"dynamodb:updateItem":   {Service: "dynamodb", Operation: "UpdateItem", Naming: dynamo, before: typeTexts},
	"dynamodb:deleteItem":   {Service: "dynamodb", Operation: "DeleteItem", Naming: dynamo, before: typeTexts},
	"events:putEvents":      {Service: "events", Operation: "PutEvents", Naming: Naming{"EventBridge", "AmazonEventBridge", "AmazonEventBridgeException", false}, before: nameSources, after: allEntries},
	"states:startExecution": {Service: "states", Operation: "StartExecution", Naming: Naming{"StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException", false}, before: nameOnce, after: startedInMs},
}

// Find returns what a resource of a type and an action calls.
func (t *Table) Find(kind, action string) (Target, bool) {
	if target, ok := optimised[kind+":"+action]; ok {
		target.Optimised = true
		return target, true
	}
	name, ok := strings.CutPrefix(kind, "aws-sdk:")
	if !ok || action == "" {
		return Target{}, false
	}
	api := t.services[name]
	if api == nil {
		return Target{}, false
	}
	operation := strings.ToUpper(action[:1]) + action[1:]
	if !slices.ContainsFunc(api.Operations, func(o smithy.OperationInfo) bool { return o.Name == operation }) {
		return Target{}, false
	}
	prefix := className(api.SDKID)
	return Target{Service: api.Name, Operation: operation, Naming: Naming{prefix, prefix, prefix + "Exception", true}}, true
}

// className is the name that the SDK for Java gives a service.
func className(sdkID string) string {
	var b strings.Builder
	up := true
	for i := 0; i < len(sdkID); i++ {
		c := sdkID[i]
		isUpper := 'A' <= c && c <= 'Z'
		switch {
		case c == ' ' || c == '-':
			up = true
			continue
		case isUpper && i > 0 && i+1 < len(sdkID) && isLower(sdkID[i+1]) && sdkID[i+1] != 'v':
			up = true // the last capital of several begins a word
		case isUpper && i > 0 && isLower(sdkID[i-1]):
			up = true
		case c == 'v' && i+1 < len(sdkID) && '0' <= sdkID[i+1] && sdkID[i+1] <= '9':
			up = true
		}
		if up {
			b.WriteString(strings.ToUpper(string(c)))
		} else {
			b.WriteString(strings.ToLower(string(c)))
		}
		up = false
	}
	return b.String()
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
