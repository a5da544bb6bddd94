package appsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

func isFunction(d *api.DataSource) bool { return d != nil && *d.Type == api.DataSourceTypeAwsLambda }

// ask asks the data source of a step. An error of the source's is a problem, and
// there may be a value besides.
func (r *resolution) ask(ctx context.Context, f *step, doc *vtl.Map, inPipeline bool) (any, *mapping.Problem) {
	if f.source == nil {
		return nil, &mapping.Problem{Type: "BadRequest", Message: "The resolver has a data source no more."}
	}
	version := textOf(doc, "version")
	if f.code == nil && f.request != nil && version != oldVersion && version != functionVersion && !(inPipeline && version == "") {
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: fmt.Sprintf("Unsupported template version: %s", version)}
	}
	switch *f.source.Type {
	case api.DataSourceTypeNone:
		if doc == nil {
			return nil, nil
		}
		payload, _ := doc.Lookup("payload")
		return payload, nil
	case api.DataSourceTypeAwsLambda:
		if doc == nil {
			doc = vtl.NewMap()
		}
		return r.invoke(ctx, f.source, doc)
	case api.DataSourceTypeAmazonDynamodb:
		return r.askTable(ctx, f.source, doc)
	case api.DataSourceTypeHttp:
		return r.askHTTP(ctx, f.source, doc)
	case api.DataSourceTypeAmazonEventbridge:
		return r.askBus(ctx, f.source, doc)
	}
	return nil, &mapping.Problem{Type: "NotImplemented", Message: aws.Refusal(errNotYet("data sources of type " + *f.source.Type)).Message}
}

// as is the call that a data source is asked with: its role's.
func (r *resolution) as(ctx context.Context, d *api.DataSource) (*aws.Call, *mapping.Problem) {
	call := aws.ServiceCall("appsync", r.api.arn)
	if aws.Value(d.ServiceRoleArn) == "" {
		return call, nil
	}
	session, err := r.cfg.Sessions.Assume(ctx, call, *d.ServiceRoleArn)
	if err != nil {
		return nil, &mapping.Problem{Type: "AccessDenied", Message: aws.Refusal(err).Message}
	}
	return session.Call(call), nil
}

// A functionFailure is what a function that failed answers.
type functionFailure struct{ payload []byte }

func (e *functionFailure) Error() string { return "the function failed: " + string(e.payload) }

// invoke has a function answer a payload, or a list of one if the request is to
// be one of a batch.
func (r *resolution) invoke(ctx context.Context, d *api.DataSource, doc *vtl.Map) (any, *mapping.Problem) {
	payload, _ := doc.Lookup("payload")
	if textOf(doc, "operation") != "BatchInvoke" {
		return r.invokeWith(ctx, d, doc, payload)
	}
	v, problem := r.invokeWith(ctx, d, doc, &vtl.List{Items: []any{payload}, JSON: true})
	if list, ok := v.(*vtl.List); ok && len(list.Items) == 1 {
		return list.Items[0], problem
	}
	return v, problem
}

// invokeWith has a function answer a payload.
func (r *resolution) invokeWith(ctx context.Context, d *api.DataSource, doc *vtl.Map, payload any) (any, *mapping.Problem) {
	switch op := textOf(doc, "operation"); op {
	case "Invoke", "BatchInvoke", "":
	default:
		return nil, &mapping.Problem{Type: "MappingTemplate", Message: "Unsupported operation '" + op + "'. Datasource Versioning only supports the following operations (Invoke,BatchInvoke)."}
	}
	call, problem := r.as(ctx, d)
	if problem != nil {
		return nil, problem
	}
	in := &lambda.InvokeInput{FunctionName: d.LambdaConfig.LambdaFunctionArn, Payload: []byte(vtl.JSON(payload))}
	if textOf(doc, "invocationType") == "Event" {
		in.InvocationType = new("Event")
	}
	out, err := dispatch.CallChecked(ctx, r.cfg.Table, call, lambda.Invoke, in)
	switch {
	case ctx.Err() != nil:
		return nil, &mapping.Problem{Type: "ExecutionTimeout", Message: "Request timed out."}
	case err != nil:
		return nil, r.refused("Lambda", err)
	case out.FunctionError != nil:
		return nil, failureOf(out.Payload)
	}
	if in.InvocationType != nil {
		return nil, nil
	}
	v, err := mapping.Parse(string(out.Payload))
	if err != nil {
		return nil, &mapping.Problem{Type: "Lambda:InvalidResponse", Message: "The function did not return JSON."}
	}
	return v, nil
}

// failureOf is what a function that failed says.
func failureOf(payload []byte) *mapping.Problem {
	var said struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}
	if err := json.Unmarshal(payload, &said); err != nil || said.Message == "" && said.Type == "" {
		return &mapping.Problem{Type: "Lambda:Unhandled", Message: string(payload)}
	}
	kind := "Unhandled"
	if said.Type != "" && said.Type != "Error" {
		kind = said.Type
	}
	return &mapping.Problem{Type: "Lambda:" + kind, Message: said.Message}
}

// refused is the problem of a service that refuses a request.
func (r *resolution) refused(service string, err error) *mapping.Problem {
	refusal, ok := errors.AsType[*aws.Error](err)
	if !ok {
		r.cfg.Log.Error("data source failed", "api", r.api.id, "err", err)
		refusal = aws.Refusal(err)
	}
	return &mapping.Problem{
		Type:    service + ":" + refusal.Code,
		Message: fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", refusal.Message, service, refusal.Status, refusal.Code, aws.NewRequestID()),
	}
}

// resolveTogether resolves a field of several objects by a function, which gets
// what belongs together at once.
func (x *exchange) resolveTogether(ctx context.Context, r *resolver, all []*resolution) {
	f := r.steps[0]
	type asked struct {
		*resolution
		c   *mapping.Context
		doc *vtl.Map
	}
	var together []*asked
	var alone []*asked
	for _, one := range all {
		c := one.context()
		doc, err := one.request(ctx, f, c)
		if early, ok := errors.AsType[*mapping.Early](err); ok {
			one.value = early.Value
			continue
		}
		if err != nil {
			one.fail(err)
			continue
		}
		a := &asked{one, c, doc}
		if textOf(doc, "operation") == "BatchInvoke" || r.batch > 0 && f.request == nil && f.code == nil {
			together = append(together, a)
		} else {
			alone = append(alone, a)
		}
	}
	if len(alone) > 0 {
		beside(alone, func(a *asked) {
			a.c.Result, a.c.Error = a.ask(ctx, f, a.doc, false)
			a.value, a.failed = a.concludes(ctx, f, a.c, a.doc)
		})
	}
	size := maxBatch
	if r.batch > 0 {
		size = r.batch
	}
	for len(together) > 0 {
		part := together[:min(size, len(together))]
		together = together[len(part):]
		list := &vtl.List{JSON: true}
		for _, a := range part {
			payload, _ := a.doc.Lookup("payload")
			list.Items = append(list.Items, payload)
		}
		v, problem := part[0].invokeWith(ctx, f.source, part[0].doc, list)
		results, ok := v.(*vtl.List)
		if problem == nil && (!ok || len(results.Items) != len(part)) {
			problem = &mapping.Problem{Type: "Lambda:InvalidResponse", Message: "The function must return a list with as many items as it was given."}
		}
		for i, a := range part {
			if a.c.Error = problem; problem == nil {
				a.c.Result = results.Items[i]
				if r.batch > 0 && f.request == nil { // items say of themselves how they went
					a.c.Result, a.c.Error = itemOf(results.Items[i])
				}
			}
			a.value, a.failed = a.concludes(ctx, f, a.c, a.doc)
		}
	}
}

// itemOf is what a function says of one of a batch that it got whole.
func itemOf(v any) (any, *mapping.Problem) {
	m, ok := v.(*vtl.Map)
	if !ok {
		return v, nil
	}
	data, has := m.Lookup("data")
	message, failed := m.Lookup("errorMessage")
	if !has && !failed {
		return v, nil
	}
	if failed && message != nil {
		kind := textOf(m, "errorType")
		if kind == "" {
			kind = "Lambda:Unhandled"
		}
		return data, &mapping.Problem{Type: kind, Message: vtl.String(message)}
	}
	return data, nil
}
