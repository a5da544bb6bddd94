package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dop251/goja"
)

const (
	maxStack    = 1000 // calls within each other
	maxPrograms = 256  // that are kept compiled
)

// An engine runs jobs in this process.
type engine struct {
	mu       sync.Mutex
	programs map[string]*goja.Program
}

// compile returns a script compiled.
func (e *engine) compile(s Source) (*goja.Program, error) {
	key := s.Name + "\x00" + s.Text
	e.mu.Lock()
	p := e.programs[key]
	e.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p, err := goja.Compile(s.Name, s.Text, false)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.programs) >= maxPrograms || e.programs == nil {
		e.programs = make(map[string]*goja.Program)
	}
	e.programs[key] = p
	return p, nil
}

// A realm is one run of a job.
type realm struct {
	vm     *goja.Runtime
	job    *Job
	ctx    context.Context
	log    []string
	logged int // bytes
	parse  goja.Callable
	print  goja.Callable
}

// errStopped stops the interpreter when time is up.
var errStopped = errors.New("time is up")

// run runs a job.
func (e *engine) run(ctx context.Context, job *Job) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, job.timeout())
	defer cancel()
	r := &realm{vm: goja.New(), job: job, ctx: ctx}
	r.vm.SetMaxCallStackSize(maxStack)
	stop := context.AfterFunc(ctx, func() { r.vm.Interrupt(errStopped) })
	defer stop()
	began := time.Now()
	value, err := r.call(e)
	result := &Result{Log: r.log, Took: time.Since(began)}
	if err == nil {
		result.Value, err = r.encode(value)
	}
	if err == nil {
		return result, nil
	}
	return r.ended(result, err)
}

// ended is what a run came to that failed.
func (r *realm) ended(result *Result, err error) (*Result, error) {
	if _, ok := errors.AsType[*goja.InterruptedError](err); ok {
		return nil, ErrTimeout
	}
	if e, ok := errors.AsType[*goja.Exception](err); ok {
		result.Thrown = r.thrown(e.Value(), e.String())
		return result, nil
	}
	if e, ok := errors.AsType[*rejected](err); ok {
		result.Thrown = r.thrown(e.reason, "")
		return result, nil
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		result.Thrown = &Thrown{Name: "RangeError", Message: "Maximum call stack size exceeded"}
		return result, nil
	}
	if e, ok := errors.AsType[*goja.CompilerSyntaxError](err); ok {
		result.Thrown = &Thrown{Name: "SyntaxError", Message: e.Message}
		return result, nil
	}
	return nil, err
}

// call runs the sources and calls the function.
func (r *realm) call(e *engine) (goja.Value, error) {
	if err := r.globals(); err != nil {
		return nil, err
	}
	for _, s := range r.job.Sources {
		p, err := e.compile(s)
		if err != nil {
			return nil, err
		}
		if _, err := r.vm.RunProgram(p); err != nil {
			return nil, err
		}
	}
	entry, err := e.compile(Source{"entry", "(" + r.job.Entry + ")"})
	if err != nil {
		return nil, err
	}
	f, err := r.vm.RunProgram(entry)
	if err != nil {
		return nil, err
	}
	function, ok := goja.AssertFunction(f)
	if !ok {
		return nil, &rejected{r.vm.ToValue(fmt.Sprintf("%s is not a function", r.job.Entry))}
	}
	args := make([]goja.Value, len(r.job.Args))
	for i, a := range r.job.Args {
		if args[i], err = r.decode(a); err != nil {
			return nil, err
		}
	}
	value, err := function(goja.Undefined(), args...)
	if err != nil {
		return nil, err
	}
	if p, ok := value.Export().(*goja.Promise); ok { // nothing is left to do: it has settled, or never will
		switch p.State() {
		case goja.PromiseStateRejected:
			return nil, &rejected{p.Result()}
		case goja.PromiseStatePending:
			return nil, &rejected{r.vm.ToValue("The promise that was returned never settles")}
		}
		return p.Result(), nil
	}
	return value, nil
}

// A rejected is the error of a promise that was.
type rejected struct{ reason goja.Value }

func (e *rejected) Error() string { return "rejected: " + e.reason.String() }

// globals gives the realm what scripts find there.
func (r *realm) globals() error {
	of := r.vm.GlobalObject().Get("JSON").ToObject(r.vm)
	r.parse, _ = goja.AssertFunction(of.Get("parse"))
	r.print, _ = goja.AssertFunction(of.Get("stringify"))
	return errors.Join(r.vm.Set("host", r.host), r.vm.Set("log", r.write))
}

func (r *realm) decode(text json.RawMessage) (goja.Value, error) {
	if len(text) == 0 {
		return goja.Undefined(), nil
	}
	return r.parse(goja.Undefined(), r.vm.ToValue(string(text)))
}

// encode is a value as JSON; nil if it has none.
func (r *realm) encode(v goja.Value) (json.RawMessage, error) {
	if v == nil || goja.IsUndefined(v) {
		return nil, nil
	}
	text, err := r.print(goja.Undefined(), v)
	if err != nil {
		return nil, err
	}
	if goja.IsUndefined(text) {
		return nil, nil
	}
	s := text.String()
	if len(s) > maxMessage {
		return nil, ErrAnswer
	}
	return json.RawMessage(s), nil
}

// host asks the caller of the job for something.
func (r *realm) host(c goja.FunctionCall) goja.Value {
	args := make([]json.RawMessage, 0, len(c.Arguments))
	for _, a := range c.Arguments[min(1, len(c.Arguments)):] {
		text, err := r.encode(a)
		if err != nil {
			panic(r.vm.NewGoError(err))
		}
		if text == nil {
			text = json.RawMessage("null")
		}
		args = append(args, text)
	}
	if r.job.Call == nil {
		panic(r.vm.NewTypeError("there is no host"))
	}
	out, err := r.job.Call(r.ctx, c.Argument(0).String(), args)
	if err != nil {
		if r.ctx.Err() != nil {
			r.vm.Interrupt(errStopped)
		}
		panic(r.vm.NewTypeError(err.Error()))
	}
	v, err := r.decode(out)
	if err != nil {
		panic(r.vm.NewGoError(err))
	}
	return v
}

// write logs a line.
func (r *realm) write(text string) {
	if len(r.log) < maxLog && r.logged+len(text) <= maxLogBytes {
		r.log = append(r.log, text)
		r.logged += len(text)
	}
}

// thrown is what a script threw.
func (r *realm) thrown(v goja.Value, trace string) *Thrown {
	t := &Thrown{Message: v.String(), Stack: trace}
	if o, ok := v.(*goja.Object); ok {
		if name := o.Get("name"); name != nil && o.ClassName() == "Error" {
			t.Name, t.Message = name.String(), ""
			if m := o.Get("message"); m != nil {
				t.Message = m.String()
			}
			if s := o.Get("stack"); s != nil && t.Stack == "" {
				t.Stack = s.String()
			}
		}
	}
	t.Stack = strings.TrimSpace(t.Stack)
	t.Value, _ = r.encode(v) // without, it is known by its message
	return t
}
