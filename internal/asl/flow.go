package asl

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/asl/jsonpath"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// flow is what the fields of a state say about its data; nil is a missing field.
type flow struct {
	inputPath  pathField
	outputPath pathField
	resultPath pathField
	parameters *template // of JSONPath
	selector   *template // ResultSelector
	arguments  *template // of JSONata
	output     *template
	assign     *template

	result    Value // of a Pass
	hasResult bool

	failError, failCause         *template // of a Fail: Error, ErrorPath, Cause, CausePath
	failErrorName, failCauseName string    // which of the two it was

	wait     *template // of a Wait
	waitName string    // Seconds, SecondsPath, Timestamp or TimestampPath

	timeout, heartbeat         *template // of a Task
	timeoutName, heartbeatName string
	role                       *template // Credentials/RoleArn
	roleName                   string

	choices []rule // of a Choice
	other   string // Default

	items        *template // of a Map: Items
	itemsPath    pathField
	itemSelector *template // or Parameters
	limits       [3]limitField
}

// Arguments is what a Task calls its resource with, and what each branch of a
// Parallel begins with: Input through InputPath and Parameters, or Arguments.
func (s *State) Arguments(env Env) (Value, *Error) {
	if s.QueryLanguage == JSONata {
		if s.flow.arguments == nil {
			return env.Input, nil
		}
		v, err := s.on(env, env.Input).eval(s.flow.arguments, "Arguments")
		if err == nil {
			env.Inspect.set("afterArguments", v)
		}
		return v, err
	}
	in, err := s.input(env)
	if err != nil {
		return nil, err
	}
	env.Inspect.set("afterInputPath", in)
	if s.flow.parameters != nil {
		if in, err = s.on(env, in).eval(s.flow.parameters, "Parameters"); err != nil {
			return nil, err
		}
	}
	env.Inspect.set("afterParameters", in)
	return in, nil
}

// input is Input through InputPath.
func (s *State) input(env Env) (Value, *Error) {
	return s.on(env, env.Input).through(s.flow.inputPath, "InputPath", env.Input)
}

// Exit leaves a state that succeeded with result: through ResultSelector,
// ResultPath and OutputPath, or Output; and Assign. The result of Pass, Wait
// and Succeed is their own: give nil.
func (s *State) Exit(env Env, result Value) (Exit, *Error) {
	if s.QueryLanguage == JSONata {
		e := s.on(env, env.Input)
		e.has = s.Type == Task || s.Type == Parallel || s.Type == Map
		e.result = result
		fallback := env.Input
		if e.has {
			fallback = result
		}
		if s.Type == Task {
			env.Inspect.set("result", result)
		}
		return e.leave(s.flow, "", s.Next, fallback)
	}
	var err *Error
	out := result
	switch s.Type {
	case Wait, Succeed:
		if result, err = s.input(env); err != nil {
			return Exit{}, err
		}
		env.Inspect.set("afterInputPath", result)
		out = result
	case Pass:
		if result, err = s.passResult(env); err != nil {
			return Exit{}, err
		}
		out, err = s.combine(env, result)
	default:
		if s.Type == Task {
			env.Inspect.set("result", result)
		}
		out, err = s.combine(env, result)
	}
	if err != nil {
		return Exit{}, err
	}
	e := s.on(env, result)
	variables, assigned, err := e.assign(s.flow.assign, "Assign")
	if err != nil {
		return Exit{}, err
	}
	out, err = e.through(s.flow.outputPath, "OutputPath", out)
	if err != nil {
		return Exit{}, err
	}
	return Exit{Next: s.Next, Output: out, Variables: variables, Assigned: assigned}, CheckSize(out, s.Name)
}

// passResult is what a Pass makes: its Result, or its input through Parameters.
func (s *State) passResult(env Env) (Value, *Error) {
	if s.flow.hasResult {
		env.Inspect.set("result", s.flow.result)
		return s.flow.result, nil
	}
	return s.Arguments(env)
}

// combine puts a result into the state's input: ResultSelector and ResultPath.
func (s *State) combine(env Env, result Value) (Value, *Error) {
	if s.flow.selector != nil {
		var err *Error
		if result, err = s.on(env, result).eval(s.flow.selector, "ResultSelector"); err != nil {
			return nil, err
		}
	}
	env.Inspect.set("afterResultSelector", result)
	out, err := s.on(env, env.Input).place(s.flow.resultPath, result)
	if err == nil {
		env.Inspect.set("afterResultPath", out)
	}
	return out, err
}

// place puts v where a ResultPath says.
func (e *evaluation) place(f pathField, v Value) (Value, *Error) {
	switch {
	case f.null:
		return e.env.Input, nil
	case f.template == nil || f.path.Whole():
		return v, nil
	}
	out, err := f.path.Set(e.env.Input, v)
	if err != nil {
		return nil, e.fail(ErrResultPathMatchFailure, "Unable to apply ReferencePath %s to input %s", f.text, tree.AppendString(nil, tree.String(e.env.Input)))
	}
	return out, nil
}

// leave computes Assign and Output of a JSONata state, a rule or a catcher.
func (e *evaluation) leave(f flow, at, next string, out Value) (Exit, *Error) {
	variables, assigned, err := e.assign(f.assign, at+"Assign")
	if err != nil {
		return Exit{}, err
	}
	if f.output != nil {
		if out, err = e.eval(f.output, at+"Output"); err != nil {
			return Exit{}, err
		}
	}
	return Exit{Next: next, Output: out, Variables: variables, Assigned: assigned}, CheckSize(out, e.state.Name)
}

// assign computes the variables that t gives, all of them from the old ones.
func (e *evaluation) assign(t *template, field string) (all, assigned *tree.Object, failed *Error) {
	if t == nil {
		return e.env.Variables, nil, nil
	}
	v, err := e.eval(t, field)
	if err != nil {
		return nil, nil, err
	}
	assigned, ok := v.(*tree.Object)
	if !ok {
		return nil, nil, e.fail(ErrRuntime, "The field '%s' must be an object, but was: %s", field, tree.String(v))
	}
	if assigned.Len() == 0 {
		return e.env.Variables, nil, nil
	}
	all = e.env.Variables.Clone()
	total := 0
	for name, v := range assigned.All() {
		size := len(tree.Append(nil, v))
		if size > MaxVariable {
			return nil, nil, e.fail(ErrDataLimitExceeded, "The variable '%s' exceeds the maximum number of bytes service limit.", name)
		}
		total += size
		all.Set(name, v)
	}
	if total > MaxVariables {
		return nil, nil, e.fail(ErrDataLimitExceeded, "The variables assigned by the state '%s' exceed the maximum number of bytes service limit.", e.state.Name)
	}
	return all, assigned, nil
}

// Failure is the error of a Fail, or what went wrong in finding it.
func (s *State) Failure(env Env) *Error {
	e := s.on(env, env.Input)
	name, err := e.text(s.flow.failError, s.flow.failErrorName)
	if err != nil {
		return err
	}
	cause, err := e.text(s.flow.failCause, s.flow.failCauseName)
	if err != nil {
		return err
	}
	return &Error{Name: name, Cause: cause}
}

// text computes a string, "" without a template.
func (e *evaluation) text(t *template, field string) (string, *Error) {
	if t == nil {
		return "", nil
	}
	if e.state.QueryLanguage == JSONata {
		v, err := e.typed(t, field, "string")
		if err != nil {
			return "", err
		}
		return v.(string), nil
	}
	v, err := e.eval(t, field)
	if err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", e.fail(ErrRuntime, "The %s field refers to value \"%s\" which is not a valid string: %s", field, tree.String(v), t.text)
	}
	return s, nil
}

// Timeouts of a Task.
func (s *State) Timeouts(env Env) (Timeouts, *Error) {
	timeout, err := s.seconds(env, s.flow.timeout, s.flow.timeoutName)
	if err != nil {
		return Timeouts{}, err
	}
	heartbeat, err := s.seconds(env, s.flow.heartbeat, s.flow.heartbeatName)
	if err != nil {
		return Timeouts{}, err
	}
	if timeout > 0 && heartbeat >= timeout {
		return Timeouts{}, s.fail(env, ErrRuntime, "HeartbeatSeconds must be less than TimeoutSeconds")
	}
	return Timeouts{Timeout: timeout, Heartbeat: heartbeat}, nil
}

const maxSeconds = 99_999_999 // of a time-out or a wait

func (s *State) seconds(env Env, t *template, name string) (time.Duration, *Error) {
	if t == nil {
		return 0, nil
	}
	v, err := s.on(env, env.Input).value(t, name)
	if err != nil {
		return 0, err
	}
	n, ok := tree.Int(v)
	if !ok || n <= 0 || n > maxSeconds {
		return 0, s.fail(env, ErrRuntime, "The %s field refers to value \"%s\" which is not a valid positive integer: %s", name, show(v), t.text)
	}
	return time.Duration(n) * time.Second, nil
}

// value computes a field whose name may end with Path; a path that leads
// nowhere is an invalid path.
func (e *evaluation) value(t *template, name string) (Value, *Error) {
	if t.path != nil {
		return e.through(pathField{template: t}, name, e.input)
	}
	return e.eval(t, name)
}

// show prints a value for a cause; strings without their quotes.
func show(v Value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return tree.String(v)
}

// Role is the role that Credentials name, "" for that of the machine.
func (s *State) Role(env Env) (string, *Error) {
	return s.on(env, env.Input).text(s.flow.role, s.flow.roleName)
}

// Until says when a Wait is over.
func (s *State) Until(env Env) (time.Time, *Error) {
	in := env.Input
	var failed *Error
	if s.QueryLanguage == JSONPath {
		if in, failed = s.input(env); failed != nil {
			return time.Time{}, failed
		}
	}
	e, t, name := s.on(env, in), s.flow.wait, s.flow.waitName
	var v Value
	if t.path != nil {
		var err error
		if v, err = e.find(t.path); err != nil {
			return time.Time{}, e.fail(ErrRuntime, "The %s parameter does not reference an input value: %s", name, t.text)
		}
	} else if v, failed = e.eval(t, name); failed != nil {
		return time.Time{}, failed
	}
	if name == "Timestamp" || name == "TimestampPath" {
		return e.timestamp(t, name, v)
	}
	n, ok := tree.Int(v)
	switch {
	case ok && n >= 0 && n <= maxSeconds:
		return env.Source.Now().Add(time.Duration(n) * time.Second), nil
	case s.QueryLanguage == JSONata && !ok:
		return time.Time{}, e.fail(ErrQueryEvaluationError, "The %s field cannot be parsed as a long value: %s", name, show(v))
	case s.QueryLanguage == JSONata && n < 0:
		return time.Time{}, e.fail(ErrQueryEvaluationError, "The %s field is a negative value: %s", name, show(v))
	case !ok:
		return time.Time{}, e.fail(ErrRuntime, "The %s parameter cannot be parsed as a long value: %s == %s", name, t.text, show(v))
	case n < 0:
		return time.Time{}, e.fail(ErrRuntime, "The %s parameter references a negative value: %s == %s", name, t.text, show(v))
	}
	return time.Time{}, e.fail(ErrRuntime, "The %s parameter references a value that is too large: %s == %s", name, t.text, show(v))
}

func (e *evaluation) timestamp(t *template, name string, v Value) (time.Time, *Error) {
	if s, ok := v.(string); ok {
		if at, ok := parseTimestamp(s); ok {
			return at, nil
		}
	}
	if e.state.QueryLanguage == JSONata {
		return time.Time{}, e.fail(ErrQueryEvaluationError, "The %s field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", name, show(v))
	}
	return time.Time{}, e.fail(ErrRuntime, "The %s parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", name, t.text, show(v))
}

// parseTimestamp reads RFC 3339 as the language wants it: with a T and a zone.
func parseTimestamp(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// limitField is a number of a Map, given as such, by a path or an expression.
type limitField struct {
	*template
	name string // MaxConcurrency, MaxConcurrencyPath ...
}

// parseCallOrPath reads what stands in a field whose name ends in .$ or Path.
func parseCallOrPath(text string) (*template, error) {
	if len(text) > 0 && text[0] == '$' {
		p, err := jsonpath.Parse(text)
		return &template{text: text, path: p}, err
	}
	c, err := parseCall(text)
	return &template{text: text, call: c}, err
}
