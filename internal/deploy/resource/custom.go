package resource

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/deploy/template"
)

// longestRequest is how long a custom resource may take to answer.
const longestRequest = time.Hour

// A Request is what a custom resource is asked to do. Whoever is asked answers
// by a PUT to ResponseURL.
type Request struct {
	RequestType           string // "Create", "Update", "Delete"
	ServiceToken          string // ARN of a function or a topic
	ResponseURL           string
	StackId               string
	RequestId             string
	LogicalResourceId     string
	PhysicalResourceId    string `json:",omitempty"`
	ResourceType          string
	ResourceProperties    map[string]any
	OldResourceProperties map[string]any `json:",omitempty"`
}

// An Answer is what a custom resource says has come of a request.
type Answer struct {
	Status             string // "SUCCESS" or "FAILED"
	Reason             string
	PhysicalResourceId string
	NoEcho             bool
	Data               map[string]any
}

// Signals is how resources hear from outside.
type Signals interface {
	// Ask sends a request, unless that was done before, and waits for the
	// answer: until the time is up, after which it returns nil.
	Ask(op *Op, request Request, within time.Duration) (*Answer, error)

	// Handle returns the address at which signals arrive for a resource.
	Handle(op *Op) (string, error)

	// Await waits until count signals have arrived at a handle, and returns
	// their data by id. It returns fewer if the time is up, and an error if
	// one says that something failed.
	Await(op *Op, handle string, count int, within time.Duration) (map[string]string, error)

	// AwaitCreation waits until as many signals have been sent to the resource
	// itself as op.Creation says.
	AwaitCreation(op *Op) error

	// Forget removes a handle.
	Forget(op *Op, handle string) error
}

func customResource() *Type {
	return &Type{
		Name:       "AWS::CloudFormation::CustomResource",
		Properties: Props("ServiceToken! ServiceTimeout *"),
		Attributes: []string{"*"},
		Create:     func(op *Op) (*Made, error) { return ask(op, "Create") },
		Update:     func(op *Op) (*Made, error) { return ask(op, "Update") },
		Delete: func(op *Op) error {
			_, err := ask(op, "Delete")
			return err
		},
	}
}

// ask has a custom resource do something, and waits until it has.
func ask(op *Op, kind string) (*Made, error) {
	properties := op.New
	if kind == "Delete" {
		properties = op.Old
	}
	if kind == "Update" && op.Changed("ServiceToken") {
		return nil, invalidRequest("Modifying service token is not allowed.")
	}
	request := Request{
		RequestType: kind, ServiceToken: text(properties["ServiceToken"]), StackId: op.Stack.ID, RequestId: op.Token,
		LogicalResourceId: op.LogicalID, PhysicalResourceId: op.PhysicalID, ResourceType: op.Type, ResourceProperties: asTexts(properties),
	}
	if kind == "Update" {
		request.OldResourceProperties = asTexts(op.Old)
	}
	within := longestRequest
	if v, has := properties["ServiceTimeout"]; has {
		seconds, err := strconv.Atoi(text(v))
		if err != nil || seconds < 1 || seconds > 3600 {
			return nil, invalidRequest("ServiceTimeout must be an integer between 1 and 3600")
		}
		within = time.Duration(seconds) * time.Second
	}
	answer, err := op.Signals.Ask(op, request, within)
	switch {
	case err != nil:
		return nil, err
	case answer == nil:
		return nil, &Refusal{"CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [" + op.Token + "]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version."}
	case answer.Status == "FAILED":
		var made *Made
		if answer.PhysicalResourceId != "" && kind == "Create" {
			made = &Made{PhysicalID: answer.PhysicalResourceId} // there is something to delete
		}
		return made, &Refusal{"Received response status [FAILED] from custom resource. Message returned: " + answer.Reason + " (RequestId: " + op.Token + ")"}
	case answer.Status != "SUCCESS":
		return nil, &Refusal{answer.Reason}
	case answer.PhysicalResourceId == "" && kind != "Delete":
		return nil, &Refusal{"Invalid PhysicalResourceId"}
	}
	made := &Made{PhysicalID: answer.PhysicalResourceId, Attributes: make(map[string]any)}
	maps.Copy(made.Attributes, asTexts(answer.Data))
	return made, nil
}

// asTexts returns properties as custom resources get them: numbers and truth
// values are strings.
func asTexts(properties map[string]any) map[string]any {
	out := make(map[string]any, len(properties))
	for name, v := range properties {
		if v != nil {
			out[name] = asText(v)
		}
	}
	return out
}

func asText(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return asTexts(v)
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = asText(element)
		}
		return out
	case float64: // of an answer
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if s, ok := template.Text(v); ok {
		return s
	}
	return v
}

func waitHandle() *Type {
	return &Type{
		Name: "AWS::CloudFormation::WaitConditionHandle", Properties: Props(""),
		Create: func(op *Op) (*Made, error) {
			handle, err := op.Signals.Handle(op)
			return &Made{PhysicalID: handle}, err
		},
		Delete: func(op *Op) error { return op.Signals.Forget(op, op.PhysicalID) },
	}
}

func waitCondition() *Type {
	return &Type{
		Name:       "AWS::CloudFormation::WaitCondition",
		Properties: Props("Count Handle Timeout"),
		Attributes: []string{"Data"},
		Create:     wait,
		Delete:     func(*Op) error { return nil },
	}
}

// wait makes a condition: it is there when all signals have arrived.
func wait(op *Op) (*Made, error) {
	id := op.ARN("cloudformation", "waitcondition/"+op.Stack.Name+"/"+op.LogicalID+"/"+strings.ReplaceAll(op.Token, "-", ""))
	if op.Creation != nil {
		if err := op.Signals.AwaitCreation(op); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: id, Attributes: map[string]any{"Data": "{}"}}, nil
	}
	if op.Text("Handle") == "" {
		return nil, invalidRequest("Properties Handle and Timeout are required")
	}
	seconds, err := strconv.Atoi(op.Text("Timeout"))
	if err != nil || seconds < 0 {
		return nil, invalidRequest("Property Timeout must be a number of seconds")
	}
	count := 1
	if v := op.Text("Count"); v != "" {
		if count, err = strconv.Atoi(v); err != nil {
			return nil, invalidRequest("Property Count must be a number")
		}
	}
	data, err := op.Signals.Await(op, op.Text("Handle"), count, min(time.Duration(seconds)*time.Second, 12*time.Hour))
	if err != nil {
		return nil, err
	}
	if len(data) < count {
		return nil, &Refusal{"WaitCondition timed out. Received " + strconv.Itoa(len(data)) + " conditions when expecting " + strconv.Itoa(count)}
	}
	return &Made{PhysicalID: id, Attributes: map[string]any{"Data": JSON(data)}}, nil
}

func macro() *Type {
	return &Type{
		Name:       "AWS::CloudFormation::Macro",
		Properties: Props("Description FunctionName! LogGroupName LogRoleARN Name!@"),
		Naming:     Naming{Property: "Name"},
		Create:     func(op *Op) (*Made, error) { return setMacro(op) },
		Update:     func(op *Op) (*Made, error) { return setMacro(op) },
		Delete:     func(op *Op) error { return op.Macros.DropMacro(op, op.PhysicalID) },
	}
}

// Macros remembers the functions that change templates.
type Macros interface {
	// SetMacro has a function stand for the macro of a name. It refuses a name
	// that is another resource's.
	SetMacro(op *Op, name, function string) error

	// DropMacro forgets a macro.
	DropMacro(op *Op, name string) error
}

func setMacro(op *Op) (*Made, error) {
	name := op.Text("Name")
	if err := op.Macros.SetMacro(op, name, op.Text("FunctionName")); err != nil {
		return nil, err
	}
	return &Made{PhysicalID: name}, nil
}
