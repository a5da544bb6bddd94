package appsync

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/service/appsync/graphql"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/task"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// maxBeside is how many objects' resolvers of one field run beside each other.
const maxBeside = 16

// effects are what the resolvers of a request leave together.
type effects struct {
	mu  sync.Mutex
	all mapping.Effects
}

func (e *effects) add(more *mapping.Effects) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all.Headers == nil {
		e.all.Headers = make(map[string]string)
	}
	maps.Copy(e.all.Headers, more.Headers)
	e.all.Evict = append(e.all.Evict, more.Evict...)
	e.all.Invalidate = append(e.all.Invalidate, more.Invalidate...)
	if more.HasFilter {
		e.all.Filter, e.all.HasFilter = more.Filter, true
	}
	if more.Invalidation != nil {
		e.all.Invalidation = more.Invalidation
	}
}

func (e *effects) headers() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all.Headers
}

// Has implements graphql.Resolver.
func (x *exchange) Has(typ, field string) bool { return x.api.resolvers[fieldName{typ, field}] != nil }

// Resolve implements graphql.Resolver.
func (x *exchange) Resolve(ctx context.Context, fields []*graphql.Field) []graphql.Outcome {
	r := x.api.resolvers[fieldName{fields[0].Parent, fields[0].Name}]
	all := make([]*resolution, len(fields))
	for i, f := range fields {
		all[i] = &resolution{exchange: x, field: f, resolver: r}
	}
	var left []*resolution // that the cache has not
	for _, one := range all {
		if one.key, one.ttl = one.keyOf(one.context()); !one.remembered(one.key) {
			left = append(left, one)
		}
	}
	switch {
	case len(left) == 0:
	case !r.pipeline && isFunction(r.steps[0].source):
		x.resolveTogether(ctx, r, left)
	default:
		beside(left, func(one *resolution) { one.run(ctx) })
	}
	for _, one := range left {
		one.remember(one.key, one.ttl)
	}
	outcomes := make([]graphql.Outcome, len(all))
	for i, one := range all {
		outcomes[i] = one.outcome()
		x.effects.add(&one.effects)
	}
	return outcomes
}

// beside calls f for each of all, some at a time.
func beside[E any](all []E, f func(E)) {
	var group task.Group
	turns := make(chan struct{}, maxBeside)
	for _, e := range all[1:] {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			f(e)
		})
	}
	f(all[0])
	group.Wait()
}

// A resolution is one field of one object being resolved.
type resolution struct {
	*exchange
	field    *graphql.Field
	resolver *resolver
	effects  mapping.Effects
	stash    *vtl.Map

	value  any
	failed *mapping.Problem // that ended it; the value is then none

	key string // by what the cache knows it; "" is not at all
	ttl time.Duration
}

// outcome is what the field comes to.
func (r *resolution) outcome() graphql.Outcome {
	out := graphql.Outcome{Value: r.value, Failed: r.failed != nil}
	for i := range r.effects.Errors {
		out.Errors = append(out.Errors, r.failure(&r.effects.Errors[i]))
	}
	if r.failed != nil {
		out.Errors = append(out.Errors, r.failure(r.failed))
	}
	return out
}

func (r *resolution) failure(p *mapping.Problem) *graphql.Error {
	e := &graphql.Error{Message: p.Message, Type: p.Type, Data: p.Data, Info: p.Info}
	if e.Type == "Unauthorized" && e.Message == "" {
		e.Message = "Not Authorized to access " + r.field.Name + " on type " + r.field.Parent
	}
	return r.field.Fail(e)
}

// fail ends the resolution with an error.
func (r *resolution) fail(err error) {
	if abort, ok := errors.AsType[*mapping.Abort](err); ok {
		r.failed = &abort.Problem
		return
	}
	r.cfg.Log.Error("resolver failed", "api", r.api.id, "field", r.field.Parent+"."+r.field.Name, "err", err)
	r.failed = &mapping.Problem{Type: "InternalFailure", Message: "An internal failure occurred while resolving this field."}
}

// context is what templates and code see.
func (r *resolution) context() *mapping.Context {
	if r.stash == nil {
		r.stash = vtl.NewMap()
	}
	info := vtl.NewMap().Set("fieldName", r.field.Name).Set("parentTypeName", r.field.Parent).Set("variables", orEmpty(r.field.Variables())).
		Set("selectionSetList", textList(r.field.SelectionList())).Set("selectionSetGraphQL", r.field.SelectionGraphQL())
	request := vtl.NewMap().Set("headers", orEmpty(r.header)).Set("domainName", r.host)
	c := &mapping.Context{Args: r.field.Args, Source: r.field.Source, Stash: r.stash, Info: info, Request: request, Env: r.api.env}
	if r.caller != nil {
		c.Identity, c.AuthType = r.caller.identity, authTypes[r.caller.door.Type]
	}
	return c
}

// authTypes are what resolvers call the ways to be known.
var authTypes = map[string]string{
	api.AuthenticationTypeApiKey: "API Key Authorization", api.AuthenticationTypeAwsIam: "IAM Authorization",
	api.AuthenticationTypeAmazonCognitoUserPools: "User Pool Authorization", api.AuthenticationTypeOpenidConnect: "Open ID Connect Authorization",
	api.AuthenticationTypeAwsLambda: "Lambda Authorization",
}

func textList(all []string) *vtl.List {
	list := &vtl.List{Items: []any{}, JSON: true}
	for _, s := range all {
		list.Items = append(list.Items, s)
	}
	return list
}

// run resolves the field.
func (r *resolution) run(ctx context.Context) {
	c := r.context()
	if !r.resolver.pipeline {
		r.value, r.failed = r.unit(ctx, r.resolver.steps[0], c)
		return
	}
	r.value, r.failed = r.pipe(ctx, c)
}

// pipe runs the functions of a pipeline, one after the other.
func (r *resolution) pipe(ctx context.Context, c *mapping.Context) (any, *mapping.Problem) {
	around := r.resolver.around
	prev, err := r.before(ctx, around, c)
	if early, ok := errors.AsType[*mapping.Early](err); ok {
		return early.Value, nil
	}
	if err != nil {
		return nil, r.problem(err)
	}
	c.Prev, c.Result = prev, prev
	for _, f := range r.resolver.steps {
		inner := *c
		inner.Result, inner.Error = nil, nil
		v, problem, end := r.function(ctx, f, &inner)
		if problem != nil {
			return nil, problem
		}
		c.Prev, c.Result = v, v
		if end {
			break
		}
	}
	v, err := r.after(ctx, around, c)
	if err != nil {
		return nil, r.problem(err)
	}
	return v, nil
}

// problem is what ends a resolver, of an error.
func (r *resolution) problem(err error) *mapping.Problem {
	r.fail(err)
	return r.failed
}

// function runs a function of a pipeline. end says that it is the last.
func (r *resolution) function(ctx context.Context, f *step, c *mapping.Context) (v any, problem *mapping.Problem, end bool) {
	doc, err := r.request(ctx, f, c)
	if early, ok := errors.AsType[*mapping.Early](err); ok {
		return early.Value, nil, early.SkipToEnd
	}
	if err != nil {
		return nil, r.problem(err), false
	}
	c.Result, c.Error = r.ask(ctx, f, doc, true)
	return r.finish(ctx, f, c)
}

// finish runs the response of a step whose source has answered.
func (r *resolution) finish(ctx context.Context, f *step, c *mapping.Context) (v any, problem *mapping.Problem, end bool) {
	if f.code == nil && f.response == nil {
		return c.Result, c.Error, false
	}
	v, err := r.response(ctx, f, c)
	if early, ok := errors.AsType[*mapping.Early](err); ok {
		return early.Value, nil, early.SkipToEnd
	}
	if err != nil {
		return nil, r.problem(err), false
	}
	return v, nil, false
}

// unit runs a resolver that is one request of a data source.
func (r *resolution) unit(ctx context.Context, f *step, c *mapping.Context) (any, *mapping.Problem) {
	doc, err := r.request(ctx, f, c)
	if early, ok := errors.AsType[*mapping.Early](err); ok {
		return early.Value, nil
	}
	if err != nil {
		return nil, r.problem(err)
	}
	c.Result, c.Error = r.ask(ctx, f, doc, false)
	return r.concludes(ctx, f, c, doc)
}

// oldVersion is that of templates which see no errors of data sources.
const oldVersion = "2017-02-28"

// concludes runs the response of a unit. Old templates are not told of an error:
// what they make goes with it.
func (r *resolution) concludes(ctx context.Context, f *step, c *mapping.Context, doc *vtl.Map) (any, *mapping.Problem) {
	if f.code == nil && f.request != nil && textOf(doc, "version") == oldVersion && c.Error != nil {
		failed := *c.Error
		if c.Error = nil; c.Result != nil && f.response != nil {
			if v, err := r.response(ctx, f, c); err == nil {
				failed.Data = v
			}
		}
		return nil, &failed
	}
	v, problem, _ := r.finish(ctx, f, c)
	return v, problem
}

func textOf(m *vtl.Map, name string) string {
	if m == nil {
		return ""
	}
	v, _ := m.Lookup(name)
	s, _ := v.(string)
	return s
}

// request is what a step asks of its data source.
func (r *resolution) request(ctx context.Context, f *step, c *mapping.Context) (*vtl.Map, error) {
	if f.code != nil {
		v, err := r.call(ctx, f.code, "request", c)
		if err != nil {
			return nil, err
		}
		m, ok := v.(*vtl.Map)
		if !ok && v != nil {
			return nil, &mapping.Abort{Problem: mapping.Problem{Type: "MappingTemplate", Message: "The request function must return an object."}}
		}
		return m, nil
	}
	if f.request == nil { // the function sees all
		if isFunction(f.source) {
			return vtl.NewMap().Set("operation", "Invoke").Set("payload", c.Whole()), nil
		}
		return nil, &mapping.Abort{Problem: mapping.Problem{Type: "MappingTemplate", Message: "A request mapping template is required."}}
	}
	v, err := r.render(f.request, c)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*vtl.Map)
	if !ok {
		return nil, &mapping.Abort{Problem: mapping.Problem{Type: "MappingTemplate", Message: "Template transformation yielded an empty response."}}
	}
	return m, nil
}

// response is what a step makes of an answer.
func (r *resolution) response(ctx context.Context, f *step, c *mapping.Context) (any, error) {
	if f.code != nil {
		return r.call(ctx, f.code, "response", c)
	}
	return r.render(f.response, c)
}

// render runs a template, whose text is JSON.
func (r *resolution) render(t *vtl.Template, c *mapping.Context) (any, error) {
	text, err := (&mapping.Run{Context: c, Effects: &r.effects}).Render(t)
	if err != nil {
		return nil, err
	}
	return mapping.Parse(text)
}

// before runs what comes before a pipeline.
func (r *resolution) before(ctx context.Context, around *step, c *mapping.Context) (any, error) {
	switch {
	case around.code != nil:
		return r.call(ctx, around.code, "request", c)
	case around.request != nil:
		return r.render(around.request, c)
	}
	return nil, nil
}

// after runs what comes after a pipeline.
func (r *resolution) after(ctx context.Context, around *step, c *mapping.Context) (any, error) {
	switch {
	case around.code != nil:
		return r.call(ctx, around.code, "response", c)
	case around.response != nil:
		return r.render(around.response, c)
	}
	return c.Result, nil
}

// call runs a function of code.
func (r *resolution) call(ctx context.Context, p *mapping.Program, function string, c *mapping.Context) (any, error) {
	if p == nil {
		return nil, &mapping.Abort{Problem: mapping.Problem{Type: "Code", Message: "The code of the resolver cannot be run."}}
	}
	return (&mapping.Run{Context: c, Effects: &r.effects}).Call(ctx, r.cfg.Scripts, p, function)
}
