package resource

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A Type is how resources of one type are made.
type Type struct {
	Name       string     // "AWS::DynamoDB::Table"
	Properties Properties // Props(…)
	Attributes []string   // that Fn::GetAtt gives; "*" is any
	Naming     Naming     // how it is named if the template does not name it
	TagMap     bool       // its Tags are a map, and not a list
	Note       string     // what it does not do, for people to read
	Record     bool       // it is kept, and does nothing
	Needs      Needs      // operations that services may not answer yet

	// Shape returns the input that Create binds the properties to, so that
	// nested properties can be checked before anything is made. nil: they are
	// checked when the resource is made.
	Shape func() any

	// Create makes the resource. If it fails after something was made, it
	// returns that too, so that it is deleted.
	Create func(*Op) (*Made, error)

	// Update changes the resource from op.Old to op.New, which differ in
	// properties that can be changed. nil: every change replaces it.
	Update func(*Op) (*Made, error)

	// Delete deletes the resource. That it is gone already is no failure:
	// whoever calls Delete looks for such refusals.
	Delete func(*Op) error

	// Find looks for what a Create made that was cut short, by the name that
	// was meant for it or by what it was made of. It returns nil if there is
	// nothing. nil: Create is tried again.
	Find func(*Op) (*Made, error)

	// Live are attributes that other resources change, and Read reads them again
	// when they are asked for. op has neither properties to make nor a token.
	Live []string
	Read func(*Op) (*Made, error)

	// Replaces says of a change that the properties allow in place whether it
	// needs a new resource after all. nil: none does.
	Replaces func(old, new map[string]any) bool
}

// Made is a resource that is there.
type Made struct {
	PhysicalID string
	Ref        string         // what Ref gives, if not the physical id
	Attributes map[string]any // what Fn::GetAtt gives
	Note       string         // what people should know of it; its event says so
}

// An Op is one thing that is done with a resource.
type Op struct {
	Env
	Ctx       context.Context
	Call      *aws.Call // as whom
	Stack     Stack
	LogicalID string
	Type      string
	Token     string // of this deed; the same when it is tried again
	Name      string // generated, for resources that the template does not name

	Except     string         // for Find: what op replaces, and so is not what it looks for
	PhysicalID string         // of what there is
	Attributes map[string]any // of what there is
	Old, New   map[string]any // properties; Old is nil on Create, New on Delete
	Creation   *Creation      // nil: it waits for nothing
	Rollout    *Rollout       // nil: what it changes is changed at once
	Snapshot   bool           // for Delete: a copy of what is in the resource is to be left
}

// A Creation is what a resource waits for before it is there.
type Creation struct {
	Count  int // signals
	Within time.Duration
}

// A Stack is what resources know of the stack they are in.
type Stack struct {
	ID, Name string
	Tags     map[string]string
}

// Env is what types work with.
type Env struct {
	Table   *dispatch.Table
	Nested  Nested
	Signals Signals
	Macros  Macros
}

// Nested makes stacks within stacks.
type Nested interface {
	// CreateNested and UpdateNested return when the stack is at rest, with
	// its outputs; what went wrong is an error.
	CreateNested(op *Op) (*Made, error)
	UpdateNested(op *Op) (*Made, error)
	DeleteNested(op *Op) error
}

// Do runs an operation of a service for op.
func Do[In, Out any](op *Op, operation smithy.Operation[In, Out], in *In) (*Out, error) {
	return dispatch.CallChecked(op.Ctx, op.Table, op.request(), operation, in)
}

// request is what stands for a request of op's.
func (op *Op) request() *aws.Call {
	call := *op.Call
	call.RequestID = aws.NewRequestID()
	return &call
}

// ARN names a resource of service in the account and region of the stack.
func (op *Op) ARN(service, resource string) string { return op.Call.ARN(service, resource).String() }

// Text returns a property that is a string, or "".
func (op *Op) Text(name string) string { return text(op.New[name]) }

// Changed says whether one of the properties differs between Old and New.
func (op *Op) Changed(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return !Equal(op.Old[name], op.New[name]) })
}

// A Table is the types there are, by name.
type Table map[string]*Type

// Find returns the type of a name, or nil. Types whose name begins with
// "Custom::" are one, but for those that are known.
func (t Table) Find(name string) *Type {
	if t[name] == nil && len(name) > 8 && name[:8] == "Custom::" {
		name = "AWS::CloudFormation::CustomResource"
	}
	return t[name]
}

// Needs are operations without which a type, or a property of it, is not
// supported: "s3.PutBucketWebsite" by the property, or by "" if the whole type
// needs it.
type Needs map[string]string

// Answered returns the types as far as services answer what they need.
func (t Table) Answered(services *dispatch.Table) Table {
	out := make(Table)
	for name, typ := range t {
		whole := *typ
		whole.Properties = maps.Clone(typ.Properties)
		lacks := false
		for property, needed := range typ.Needs {
			service, operation, _ := strings.Cut(needed, ".")
			if _, err := services.Find(service, operation); err == nil {
				continue
			}
			if property == "" {
				lacks = true
				break
			}
			p := whole.Properties[property]
			p.missing = true
			whole.Properties[property] = p
		}
		if !lacks {
			out[name] = &whole
		}
	}
	return out
}

// NewTable returns the types of lists.
func NewTable(lists ...[]*Type) Table {
	t := make(Table)
	for _, list := range lists {
		for _, typ := range list {
			t[typ.Name] = typ
		}
	}
	return t
}

// HasAttribute says whether Fn::GetAtt may ask for an attribute.
func (t *Type) HasAttribute(name string) bool {
	return slices.Contains(t.Attributes, name) || slices.Contains(t.Attributes, "*")
}
