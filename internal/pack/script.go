package pack

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
)

// Limits of a script that says what a configuration is.
const (
	scriptTime   = 10 * time.Second
	scriptStack  = 2000
	scriptAnswer = 4 << 20 // bytes
)

// scriptModules are what scripts find of Node.js's modules.
//
//go:embed modules.js
var scriptModules string

// Scripts returns what runs the scripts of the application in dir. They run in
// an interpreter in this process: with what they import and a little of
// Node.js, and with no way to anything but to read files of the application.
func Scripts(dir string) func(context.Context, serverless.Script) (any, error) {
	return func(ctx context.Context, s serverless.Script) (any, error) {
		code, err := bundleScript(dir, s.File)
		if err != nil {
			return nil, err
		}
		r := &scriptRun{dir: dir, script: s, vm: goja.New()}
		return r.run(ctx, code)
	}
}

// bundleScript makes one text of a script and what it imports.
func bundleScript(dir, file string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(abs, filepath.FromSlash(file))}, AbsWorkingDir: abs, Bundle: true, Write: false,
		Format: api.FormatCommonJS, Platform: api.PlatformNode, Target: api.ES2017, LogLevel: api.LogLevelSilent, Outdir: abs,
	})
	if len(result.Errors) > 0 {
		return "", errors.New(esbuildWords(result.Errors))
	}
	return string(result.OutputFiles[0].Contents), nil
}

func esbuildWords(messages []api.Message) string {
	return strings.TrimSpace(strings.Join(api.FormatMessages(messages, api.FormatMessagesOptions{}), ""))
}

// A scriptRun is one run of a script.
type scriptRun struct {
	dir    string
	script serverless.Script
	vm     *goja.Runtime
}

func (r *scriptRun) run(ctx context.Context, code string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, scriptTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { r.vm.Interrupt(fmt.Errorf("it did not end within %v", scriptTime)) })
	defer stop()
	r.vm.SetMaxCallStackSize(scriptStack)
	value, err := r.exports(code)
	if err != nil {
		return nil, r.words(err)
	}
	answer, err := r.answer(value)
	if err != nil {
		return nil, r.words(err)
	}
	return answer, nil
}

// exports runs the code and returns what it exports.
func (r *scriptRun) exports(code string) (goja.Value, error) {
	if err := r.globals(); err != nil {
		return nil, err
	}
	wrapped := "(function (module, exports, require, __filename, __dirname) {" + code + "\n})"
	program, err := goja.Compile(r.script.File, wrapped, false)
	if err != nil {
		return nil, err
	}
	value, err := r.vm.RunProgram(program)
	if err != nil {
		return nil, err
	}
	module, exports := r.vm.NewObject(), r.vm.NewObject()
	if err := module.Set("exports", exports); err != nil {
		return nil, err
	}
	load, _ := goja.AssertFunction(value)
	file := filepath.Join(r.dir, filepath.FromSlash(r.script.File))
	_, err = load(goja.Undefined(), module, exports, r.vm.Get("require"), r.vm.ToValue(file), r.vm.ToValue(filepath.Dir(file)))
	if err != nil {
		return nil, err
	}
	value = module.Get("exports")
	if o, ok := value.(*goja.Object); ok && o.Get("__esModule") != nil && o.Get("default") != nil {
		value = o.Get("default")
	}
	return value, nil
}

// globals sets what scripts may use besides the language.
func (r *scriptRun) globals() error {
	lookup := func(name string) any {
		if v, ok := r.script.Getenv(name); ok {
			return v
		}
		return goja.Undefined()
	}
	read := func(name string) (string, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(r.dir, name)
		}
		rel, err := filepath.Rel(r.dir, name)
		if err != nil || !filepath.IsLocal(rel) {
			return "", fmt.Errorf("%s is outside the application", name)
		}
		body, err := os.ReadFile(name)
		return string(body), err
	}
	exists := func(name string) bool { _, err := read(name); return err == nil }
	for name, v := range map[string]any{
		"__getenv": lookup, "__read": read, "__exists": exists, "__dir": r.dir,
		"__missing": func(name string) error {
			return fmt.Errorf("Aloft runs scripts without Node.js, and has no module %q for them", name)
		},
	} {
		if err := r.vm.Set(name, v); err != nil {
			return err
		}
	}
	_, err := r.vm.RunScript("modules.js", scriptModules)
	return err
}

// answer finds the member that is asked for: functions on the way are called,
// promises awaited.
func (r *scriptRun) answer(value goja.Value) (any, error) {
	value, called, err := r.settle(value, false)
	if err != nil {
		return nil, err
	}
	for _, name := range r.script.Member {
		o, ok := value.(*goja.Object)
		if !ok || o.Get(name) == nil {
			return nil, nil
		}
		if value, called, err = r.settle(o.Get(name), called); err != nil {
			return nil, err
		}
	}
	if value == nil || goja.IsUndefined(value) || goja.IsNull(value) {
		return nil, nil
	}
	// As JSON, since that is what a configuration can be.
	stringify, _ := goja.AssertFunction(r.vm.Get("JSON").(*goja.Object).Get("stringify"))
	text, err := stringify(goja.Undefined(), value)
	if err != nil {
		return nil, err
	}
	if len(text.String()) > scriptAnswer {
		return nil, fmt.Errorf("it says more than %d bytes", scriptAnswer)
	}
	if goja.IsUndefined(text) {
		return nil, errors.New("it is nothing that a configuration can hold")
	}
	dec := json.NewDecoder(strings.NewReader(text.String()))
	dec.UseNumber()
	var out any
	err = dec.Decode(&out)
	return out, err
}

// settle calls v if it is a function and none was called, and awaits what
// comes of it.
func (r *scriptRun) settle(v goja.Value, called bool) (goja.Value, bool, error) {
	if f, isFunction := goja.AssertFunction(v); isFunction && !called {
		called = true
		var err error
		if v, err = f(goja.Undefined(), r.vm.ToValue(r.context())); err != nil {
			return nil, called, err
		}
	}
	p, isPromise := v.Export().(*goja.Promise)
	if !isPromise {
		return v, called, nil
	}
	switch p.State() {
	case goja.PromiseStateRejected:
		return nil, called, errors.New(p.Result().String())
	case goja.PromiseStatePending:
		return nil, called, errors.New("it waits for something that never comes: there are no timers and no network")
	}
	return r.settle(p.Result(), called)
}

// context is what functions are called with.
func (r *scriptRun) context() map[string]any {
	promised := func(v any, err error) goja.Value {
		p, resolve, reject := r.vm.NewPromise()
		if err != nil {
			err = reject(r.vm.NewGoError(err))
		} else {
			text, _ := json.Marshal(v)
			parse, _ := goja.AssertFunction(r.vm.Get("JSON").(*goja.Object).Get("parse"))
			var parsed goja.Value
			if parsed, err = parse(goja.Undefined(), r.vm.ToValue(string(text))); err == nil {
				err = resolve(parsed)
			}
		}
		if err != nil {
			panic(r.vm.NewGoError(err))
		}
		return r.vm.ToValue(p)
	}
	return map[string]any{
		"options":                      r.script.Options,
		"resolveConfigurationProperty": func(path []string) goja.Value { return promised(r.script.Property(path)) },
		"resolveVariable":              func(text string) goja.Value { return promised(r.script.Variable(text)) },
	}
}

// words says of an error of a script what people need.
func (r *scriptRun) words(err error) error {
	if e, ok := errors.AsType[*goja.InterruptedError](err); ok {
		if reason, isError := e.Value().(error); isError {
			return reason
		}
	}
	if _, ok := errors.AsType[*goja.StackOverflowError](err); ok {
		return errors.New("it calls itself too deep")
	}
	if e, ok := errors.AsType[*goja.Exception](err); ok {
		if inner := e.Unwrap(); inner != nil {
			return inner
		}
		return errors.New(e.Error())
	}
	return err
}
