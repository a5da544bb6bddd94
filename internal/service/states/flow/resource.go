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

// ParseResource reads the resource of a Task, which its definition was checked
// for. Services are named as arn:aws:states:::dynamodb:getItem, or with the
// region and the account in it.
func ParseResource(arn string) Resource {
	r := Resource{ARN: arn}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "states" {
		r.Kind = Function
		return r
	}
	rest := parts[5]
	if strings.HasPrefix(rest, "activity:") {
		r.Kind = Activity
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
