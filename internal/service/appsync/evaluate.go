package appsync

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// parseTemplate reads a template of a resolver.
func parseTemplate(text string) (*vtl.Template, error) { return vtl.ParseReturning(text) }

// contextOf reads a context that a caller gives, to try a template or code with.
func contextOf(text string) (*mapping.Context, error) {
	v, err := vtl.ParseJSON(text)
	m, ok := v.(*vtl.Map)
	if err != nil || !ok {
		return nil, errBad("Unable to parse the context.")
	}
	part := func(name string) *vtl.Map {
		p, _ := lookup(m, name).(*vtl.Map)
		return p
	}
	c := &mapping.Context{
		Args: lookup(m, "arguments"), Source: lookup(m, "source"), Result: lookup(m, "result"), Identity: lookup(m, "identity"),
		Stash: orEmpty(part("stash")), Request: orEmpty(part("request")), Info: orEmpty(part("info")), Env: part("env"), Prev: lookup(part("prev"), "result"),
	}
	if c.Args == nil {
		c.Args = lookup(m, "args")
	}
	if e := part("error"); e != nil {
		c.Error = &mapping.Problem{Message: textOf(e, "message"), Type: textOf(e, "type")}
	}
	return c, nil
}

// An evaluation is what a template or code came to.
type evaluation struct {
	result, stash, errors, failed *string
	logs                          []string
}

// evaluated is what a run came to whose value is text.
func evaluated(run *mapping.Run, text string, err error) (*evaluation, error) {
	out := &evaluation{logs: run.Logs, stash: new(vtl.JSON(run.Stash)), errors: new("[]")}
	if out.logs == nil {
		out.logs = []string{}
	}
	list := &vtl.List{Items: []any{}, JSON: true}
	for _, p := range run.Errors {
		list.Items = append(list.Items, vtl.NewMap().Set("message", p.Message).Set("type", p.Type).Set("data", p.Data).Set("errorInfo", p.Info))
	}
	out.errors = new(vtl.JSON(list))
	if early, ok := errors.AsType[*mapping.Early](err); ok {
		text, err = vtl.JSON(early.Value), nil
	}
	if abort, ok := errors.AsType[*mapping.Abort](err); ok {
		out.failed = &abort.Message
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	out.result = &text
	return out, nil
}

// EvaluateMappingTemplate runs a template with a context.
func (s *Service) EvaluateMappingTemplate(_ context.Context, _ *aws.Call, in *api.EvaluateMappingTemplateInput) (*api.EvaluateMappingTemplateOutput, error) {
	c, err := contextOf(in.Context)
	if err != nil {
		return nil, err
	}
	t, err := parseTemplate(in.Template)
	if err != nil {
		return &api.EvaluateMappingTemplateOutput{Error: &api.ErrorDetail{Message: new(err.Error())}, Logs: []string{}}, nil
	}
	run := &mapping.Run{Context: c, Effects: new(mapping.Effects)}
	text, err := run.Render(t)
	e, err := evaluated(run, text, err)
	if err != nil {
		return nil, err
	}
	out := &api.EvaluateMappingTemplateOutput{EvaluationResult: e.result, Logs: e.logs, Stash: e.stash, OutErrors: e.errors}
	if e.failed != nil {
		out.Error = &api.ErrorDetail{Message: e.failed}
	}
	return out, nil
}

// EvaluateCode runs a function of code with a context.
func (s *Service) EvaluateCode(ctx context.Context, _ *aws.Call, in *api.EvaluateCodeInput) (*api.EvaluateCodeOutput, error) {
	if len(in.Code) > maxCode {
		return nil, errBad("The code is larger than %d bytes.", maxCode)
	}
	c, err := contextOf(in.Context)
	if err != nil {
		return nil, err
	}
	p, wrong := mapping.Compile(in.Code)
	if wrong != nil {
		detail := &api.EvaluateCodeErrorDetail{Message: new("The code contains one or more errors."), CodeErrors: codeErrors(wrong)}
		return &api.EvaluateCodeOutput{Error: detail, Logs: []string{}}, nil
	}
	run := &mapping.Run{Context: c, Effects: new(mapping.Effects)}
	v, err := run.Call(ctx, s.cfg.Scripts, p, aws.Or(in.Function, "request"))
	e, err := evaluated(run, vtl.JSON(v), err)
	if err != nil {
		return nil, err
	}
	out := &api.EvaluateCodeOutput{EvaluationResult: e.result, Logs: e.logs, Stash: e.stash, OutErrors: e.errors}
	if e.failed != nil {
		out.Error = &api.EvaluateCodeErrorDetail{Message: e.failed, CodeErrors: []api.CodeError{}}
	}
	return out, nil
}
