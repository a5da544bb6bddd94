package mapping

import (
	stdcontext "context"
	_ "embed"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/aloft-cloud/aloft/internal/script"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// runtimeText is what code finds.
//
//go:embed runtime.js
var runtimeText string

// runtime is that, with the names of the helpers.
var runtime = func() script.Source {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(helpers)) {
		names = append(names, `"`+name+`"`)
	}
	return script.Source{Name: "appsync", Text: strings.Replace(runtimeText, "(NAMES)", "(["+strings.Join(names, ",")+"])", 1)}
}()

// codeLasts is how long a function of code may take.
const codeLasts = 5 * time.Second

// A Runner runs scripts.
type Runner interface {
	Run(ctx stdcontext.Context, job *script.Job) (*script.Result, error)
}

// A CodeError is what is wrong with a piece of code.
type CodeError struct {
	Type, Message      string
	Line, Column, Span int
}

// A Program is code that is ready to run.
type Program struct{ source script.Source }

// Compile makes code ready.
func Compile(code string) (*Program, []CodeError) {
	out := api.Transform(code, api.TransformOptions{Format: api.FormatCommonJS, Target: api.ES2017, Loader: api.LoaderJS, LogLevel: api.LogLevelSilent, Sourcefile: "code.js"})
	var wrong []CodeError
	for _, m := range out.Errors {
		e := CodeError{Type: "PARSER_ERROR", Message: m.Text}
		if m.Location != nil {
			e.Line, e.Column, e.Span = m.Location.Line, m.Location.Column, m.Location.Length
		}
		wrong = append(wrong, e)
	}
	if wrong == nil {
		wrong = lint(code)
	}
	if wrong != nil {
		return nil, wrong
	}
	text := "var module = {exports: {}};(function (module, exports, require) {" + string(out.Code) + "\n})(module, module.exports, require);"
	return &Program{script.Source{Name: "code.js", Text: text}}, nil
}

// Has reports whether code may export a function of that name.
func (p *Program) Has(name string) bool { return strings.Contains(p.source.Text, name) }

// Call calls a function of code. An error may be an *Abort, or an *Early.
func (r *Run) Call(ctx stdcontext.Context, runner Runner, p *Program, function string) (any, error) {
	name, _ := json.Marshal(function) // a text
	out, err := runner.Run(ctx, &script.Job{
		Sources: []script.Source{runtime, p.source}, Entry: "__run", Args: []json.RawMessage{name, json.RawMessage(vtl.JSON(r.Context.value()))},
		Timeout: codeLasts, Call: r.answer,
	})
	switch {
	case errors.Is(err, script.ErrTimeout), errors.Is(err, script.ErrMemory), errors.Is(err, script.ErrAnswer):
		return nil, &Abort{Problem{Type: "Code", Message: "Code evaluation failed: " + err.Error() + "."}}
	case err != nil:
		return nil, err
	case out.Thrown != nil:
		words := out.Thrown.Message
		if out.Thrown.Name != "" {
			words = out.Thrown.Name + ": " + words
		}
		return nil, &Abort{Problem{Type: "Code", Message: words}}
	}
	return r.ended(out.Value)
}

// ended is what a function of code came to.
func (r *Run) ended(raw json.RawMessage) (any, error) {
	v, err := vtl.ParseJSON(string(raw))
	m, ok := v.(*vtl.Map)
	if err != nil || !ok {
		return nil, &Abort{Problem{Type: "Code", Message: "The function returned what is no JSON."}}
	}
	member := func(m *vtl.Map, name string) any {
		v, _ := m.Lookup(name)
		return v
	}
	if stash, ok := member(m, "stash").(*vtl.Map); ok && r.Stash != nil {
		for _, k := range slices.Clone(r.Stash.Keys()) {
			r.Stash.Delete(k)
		}
		for _, k := range stash.Keys() {
			r.Stash.Set(k, member(stash, k))
		}
	}
	if abort, ok := member(m, "abort").(*vtl.Map); ok {
		p := Problem{Data: member(abort, "data"), Info: member(abort, "info")}
		p.Message, _ = member(abort, "message").(string)
		p.Type, _ = member(abort, "type").(string)
		return nil, &Abort{p}
	}
	if early, ok := member(m, "early").(*vtl.Map); ok {
		return nil, &Early{Value: member(early, "value"), SkipToEnd: member(early, "end") == true}
	}
	return member(m, "value"), nil
}

// answer runs a helper that code calls.
func (r *Run) answer(_ stdcontext.Context, name string, args []json.RawMessage) (json.RawMessage, error) {
	f := helpers[name]
	if f == nil {
		return nil, errors.New("util has no " + name)
	}
	values := make(arguments, len(args))
	for i, a := range args {
		v, err := vtl.ParseJSON(string(a))
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	v, err := f(r, values)
	if abort, ok := errors.AsType[*Abort](err); ok {
		p := vtl.NewMap().Set("message", abort.Message).Set("type", abort.Type).Set("data", abort.Data).Set("info", abort.Info)
		return json.RawMessage(vtl.JSON(vtl.NewMap().Set("abort", p))), nil
	}
	if err != nil {
		return nil, err
	}
	return json.RawMessage(vtl.JSON(vtl.NewMap().Set("value", v))), nil
}
