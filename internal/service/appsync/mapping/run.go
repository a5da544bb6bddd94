package mapping

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A Context is what templates and code see as context.
type Context struct {
	Args     any
	Source   any
	Result   any
	Prev     any // result of the function before, within a pipeline
	Error    *Problem
	Stash    *vtl.Map
	Identity any
	Request  *vtl.Map // headers and the domain's name
	Info     *vtl.Map
	Env      *vtl.Map
	Events   any // of handlers of Event APIs

	AuthType string // for util.authType
}

// A Problem is an error as resolvers make them.
type Problem struct {
	Message string
	Type    string
	Data    any
	Info    any
}

// An Abort ends a resolver with an error.
type Abort struct{ Problem }

func (e *Abort) Error() string { return e.Type + ": " + e.Message }

// An Early ends a resolver, or a function of a pipeline, with a value and no
// data source.
type Early struct {
	Value     any
	SkipToEnd bool // the functions that follow are left out
}

func (e *Early) Error() string { return "the resolver returned early" }

// Effects are what a resolver leaves besides its value.
type Effects struct {
	Errors  []Problem         // that it appended
	Headers map[string]string // of the answer
	Logs    []string
	Evict   []Eviction

	Filter       any // of a subscription; nil is none
	HasFilter    bool
	Invalidation any // of a subscription: what ends it
	Invalidate   []any
}

// An Eviction removes from the cache what a field of these keys has there.
type Eviction struct {
	Type, Field string
	Keys        *vtl.Map
}

// A Run is one of a template, or of a function of code.
type Run struct {
	*Context
	*Effects
}

// value is the context as one value.
func (c *Context) value() *vtl.Map {
	m := vtl.NewMap()
	m.Set("arguments", c.Args).Set("identity", c.Identity).Set("source", c.Source).Set("result", c.Result)
	if c.Request != nil {
		m.Set("request", c.Request)
	}
	if c.Info != nil {
		m.Set("info", c.Info)
	}
	m.Set("error", problemValue(c.Error))
	m.Set("prev", vtl.NewMap().Set("result", c.Prev))
	m.Set("stash", c.Stash)
	if c.Env != nil {
		m.Set("env", c.Env)
	}
	if c.Events != nil {
		m.Set("events", c.Events)
	}
	return m
}

func problemValue(p *Problem) any {
	if p == nil {
		return nil
	}
	return vtl.NewMap().Set("message", p.Message).Set("type", p.Type)
}

// At is what is at a path that begins with $context.
func (c *Context) At(path string) any {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), "context.")
	path = strings.TrimPrefix(path, "ctx.")
	var v any = context{c.value()}
	for name := range strings.SplitSeq(path, ".") {
		switch m := v.(type) {
		case context:
			v, _ = m.Get(name)
		case *vtl.Map:
			v, _ = m.Lookup(name)
		default:
			return nil
		}
	}
	return v
}

// Whole is what a function sees that is asked without a template.
func (c *Context) Whole() any {
	m := c.value()
	m.Delete("error")
	m.Delete("result")
	m.Delete("env")
	if c.Prev == nil {
		m.Set("prev", nil)
	}
	return m
}

// Parse reads what a template made, or a function answered: nothing is null.
func Parse(text string) (any, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	v, err := vtl.ParseJSON(text)
	if err != nil {
		return nil, &Abort{Problem{Type: "MappingTemplate", Message: "Unable to transform the template: " + err.Error()}}
	}
	return v, nil
}
