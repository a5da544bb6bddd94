package flow

import (
	"strings"
)

// A Resource is what a Task calls.
type Resource struct {
	Kind    Kind
	ARN     string
	Type    string // "lambda", "aws-sdk:dynamodb"
	Action  string // "invoke.waitForTaskToken", as events tell it
	Pattern string // "", "sync", "sync:2" or "waitForTaskToken"
}

// A Kind is which events a resource makes.
type Kind int

// Kinds.
const (
	Service  Kind = iota // arn:aws:states:::…
	Function             // a function's ARN
	Activity
)

// integration begins the ARNs of services that tasks call.
const integration = "arn:aws:states:::"

// ParseResource reads the resource of a Task, which its definition was checked for.
func ParseResource(arn string) Resource {
	r := Resource{ARN: arn}
	rest, ok := strings.CutPrefix(arn, integration)
	if !ok {
		if parts := strings.SplitN(arn, ":", 7); len(parts) > 5 && parts[2] == "states" && parts[5] == "activity" {
			r.Kind = Activity
			return r
		}
		r.Kind = Function
		return r
	}
	if i := strings.LastIndexByte(strings.TrimSuffix(rest, ".sync:2"), ':'); i >= 0 {
		r.Type, r.Action = rest[:i], rest[i+1:]
	}
	_, r.Pattern, _ = strings.Cut(r.Action, ".")
	return r
}

// Operation is the action without its pattern.
func (r *Resource) Operation() string {
	name, _, _ := strings.Cut(r.Action, ".")
	return name
}
