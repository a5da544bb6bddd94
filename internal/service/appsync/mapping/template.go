package mapping

import (
	"errors"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// maxRounds is how often one #foreach goes round.
const maxRounds = 1000

// Render runs a template. An error may be an *Abort, or an *Early.
func (r *Run) Render(t *vtl.Template) (string, error) {
	ctx := context{r.Context.value()}
	util := namespace{r, ""}
	text, err := t.Render(vtl.Config{MaxLoop: maxRounds, MaxOutput: 5 << 20}, map[string]any{
		"context": ctx, "ctx": ctx, "util": util, "utils": util, "extensions": namespace{r, "extensions."},
	})
	if returned, ok := errors.AsType[*vtl.Returned](err); ok {
		return "", &Early{Value: returned.Value}
	}
	var early *Early
	var abort *Abort
	if err != nil && !errors.As(err, &early) && !errors.As(err, &abort) {
		return "", &Abort{Problem{Type: "MappingTemplate", Message: fmt.Sprintf("Template transformation error: %s", err)}}
	}
	return text, err
}

// A context is $context: args is another name of its arguments.
type context struct{ *vtl.Map }

// Get returns a member.
func (c context) Get(name string) (any, bool) {
	if name == "args" {
		name = "arguments"
	}
	return c.Lookup(name)
}

// Call calls a method of maps.
func (c context) Call(name string, args []any) (any, error) {
	switch {
	case name == "get" && len(args) == 1:
		v, _ := c.Get(vtl.String(args[0]))
		return v, nil
	case name == "containsKey" && len(args) == 1:
		_, has := c.Get(vtl.String(args[0]))
		return has, nil
	case name == "keySet" && len(args) == 0:
		list := vtl.NewList()
		for _, k := range c.Keys() {
			list.Items = append(list.Items, k)
		}
		return list, nil
	}
	return nil, vtl.ErrNoMethod
}

// A namespace is $util, or what is below it.
type namespace struct {
	run    *Run
	prefix string
}

// Get returns a namespace below.
func (n namespace) Get(name string) (any, bool) {
	if n.prefix == "" && namespaces[name] {
		return namespace{n.run, name + "."}, true
	}
	return nil, false
}

var namespaces = map[string]bool{
	"dynamodb": true, "time": true, "list": true, "map": true, "transform": true, "math": true, "str": true, "http": true, "xml": true, "rds": true, "log": true,
}

// Call calls a helper.
func (n namespace) Call(name string, args []any) (any, error) {
	f := helpers[n.prefix+name]
	if f == nil {
		return nil, vtl.ErrNoMethod
	}
	for i, a := range args {
		if c, ok := a.(context); ok {
			args[i] = c.Map
		}
	}
	return f(n.run, arguments(args))
}
