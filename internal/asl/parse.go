package asl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// Diagnostic is one finding about a definition.
type Diagnostic struct {
	Severity string // ERROR or WARNING
	Code     string // SCHEMA_VALIDATION_FAILED ...
	Message  string
	Location string // /States/X/Resource; "" when it is about no place
}

// InvalidDefinition is what CreateStateMachine says of a definition with these
// findings, "" if none of them is an error.
func InvalidDefinition(found []Diagnostic) string {
	var parts []string
	for _, d := range found {
		if d.Severity == severityError {
			at := d.Location
			if at == "" {
				at = "null"
			}
			parts = append(parts, d.Code+": "+d.Message+" at "+at)
		}
	}
	if parts == nil {
		return ""
	}
	return "Invalid State Machine Definition: '" + strings.Join(parts, ", ") + "'"
}

const (
	severityError   = "ERROR"
	severityWarning = "WARNING"

	codeSchema = "SCHEMA_VALIDATION_FAILED"
	codeTarget = "MISSING_TRANSITION_TARGET"
)

// Option changes how a definition is judged.
type Option func(*parser)

// AsExpress judges the definition as one of an EXPRESS state machine.
func AsExpress(p *parser) { p.express = true }

type parser struct {
	express bool // so are the states at hand
	found   []Diagnostic
	all     map[string]*State
	whole   QueryLanguage // of the machine
	state   *State        // at hand
	refs    map[string][]string
}

func (p *parser) add(severity, code, at, format string, args ...any) {
	p.found = append(p.found, Diagnostic{severity, code, fmt.Sprintf(format, args...), at})
}

func (p *parser) schema(at, format string, args ...any) {
	p.add(severityError, codeSchema, at, format, args...)
}

func (p *parser) failed() bool {
	return slices.ContainsFunc(p.found, func(d Diagnostic) bool { return d.Severity == severityError })
}

// Parse reads a definition. The machine is nil if any of the diagnostics is an ERROR.
func Parse(definition []byte, options ...Option) (*Machine, []Diagnostic) {
	p := &parser{all: map[string]*State{}, refs: map[string][]string{}}
	for _, o := range options {
		o(p)
	}
	o, ok := p.document(definition)
	if !ok {
		return nil, p.found
	}
	m := p.machine(object{p, o, "", JSONPath}, nil)
	if !p.failed() {
		p.checkGraph(m)
	}
	if p.failed() {
		return nil, p.found
	}
	m.VariableReferences = p.refs
	return m, p.found
}

// NameOfLoneState is the name of a state that is defined by itself.
const NameOfLoneState = "StateName"

// ParseState reads the definition of one state, as TestState is given it.
func ParseState(definition []byte) (*State, []Diagnostic) {
	p := &parser{all: map[string]*State{}, refs: map[string][]string{}, whole: JSONPath}
	o, ok := p.document(definition)
	if !ok {
		return nil, p.found
	}
	m := &Machine{QueryLanguage: JSONPath, States: map[string]*State{}, all: p.all}
	p.oneState(m, object{p, o, "/States/" + NameOfLoneState, JSONPath}, NameOfLoneState)
	if p.failed() {
		return nil, p.found
	}
	return m.States[NameOfLoneState], p.found
}

func (p *parser) document(definition []byte) (*tree.Object, bool) {
	if len(strings.TrimSpace(string(definition))) == 0 {
		p.add(severityError, "MISSING_DESCRIPTION", "", "Missing state machine definition")
		return nil, false
	}
	v, err := tree.Parse(definition)
	if err != nil {
		p.add(severityError, "INVALID_JSON_DESCRIPTION", "", "%s", err)
		return nil, false
	}
	o, ok := v.(*tree.Object)
	if !ok {
		p.add(severityError, "INVALID_JSON_DESCRIPTION", "", "The definition must be a JSON object")
	}
	return o, ok
}

var machineFields = map[bool][]string{
	true:  {"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"}, // whole
	false: {"Comment", "StartAt", "States", "ProcessorConfig"},                            // a part
}

// machine reads a whole machine, or what is inside of parent.
func (p *parser) machine(o object, parent *State) *Machine {
	m := &Machine{States: map[string]*State{}, parent: parent, all: p.all}
	root := o.at
	if root == "" {
		root = "/"
	}
	o.only(root, machineFields[parent == nil])
	m.Comment, _ = o.text("Comment")
	m.Version, _ = o.text("Version")
	if m.Version != "" && m.Version != "1.0" {
		p.schema(o.at+"/Version", "The field 'Version' should have one of these values: [1.0]")
	}
	if parent == nil {
		m.QueryLanguage = o.language()
		p.whole = m.QueryLanguage
		m.TimeoutSeconds, _ = o.whole("TimeoutSeconds", 1, maxSeconds)
	}
	o.lang = p.whole
	m.QueryLanguage = p.whole
	m.StartAt, _ = o.text("StartAt")
	o.require(root, "StartAt", "States")
	states, ok := o.object("States")
	if !ok {
		return m
	}
	if states.o.Len() == 0 {
		p.schema(states.at, "Value cannot be empty")
	}
	for name := range states.o.All() {
		if one, ok := states.object(name); ok {
			m.Names = append(m.Names, name)
			p.oneState(m, one, name)
		}
	}
	return m
}

const maxName = 80 // characters of the name of a state

func (p *parser) oneState(m *Machine, o object, name string) {
	s := &State{Name: name, machine: m, path: o.at, QueryLanguage: p.whole}
	if len([]rune(name)) > maxName {
		p.add(severityError, "INVALID_STATE_NAME", o.at, "State name must not be longer than %d characters", maxName)
	}
	if _, taken := p.all[name]; taken {
		p.add(severityError, "DUPLICATE_STATE_NAME", o.at, "Duplicate State name: %s", name)
	}
	p.all[name], m.States[name] = s, s
	outer := p.state
	defer func() { p.state = outer }()
	p.state = s

	if _, given := o.o.Get("QueryLanguage"); given {
		s.QueryLanguage = o.language()
		if p.whole == JSONata && s.QueryLanguage == JSONPath {
			p.schema(o.at, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
		}
	}
	o.lang = s.QueryLanguage
	kind, _ := o.text("Type")
	s.Type = StateType(kind)
	allowed, known := stateFields[s.Type]
	if !known {
		if o.require(o.at, "Type"); kind != "" {
			p.schema(o.at+"/Type", "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]")
		}
		return
	}
	o.fields(allowed)
	s.Comment, _ = o.text("Comment")
	o.leaving(s)
	o.flowOf(s)
	parts[s.Type](o, s)
}

// stateFields are the fields of each type of state, besides Type, Comment and
// QueryLanguage: with - those of JSONPath alone, with + those of JSONata.
var stateFields = map[StateType][]string{
	Task:     strings.Fields("Resource Credentials TimeoutSeconds -TimeoutSecondsPath HeartbeatSeconds -HeartbeatSecondsPath " + commonFields + resultFields + transitionFields),
	Pass:     strings.Fields("-Result -ResultPath -Parameters " + commonFields + transitionFields),
	Wait:     strings.Fields("Seconds -SecondsPath Timestamp -TimestampPath " + commonFields + transitionFields),
	Choice:   strings.Fields("Choices Default " + commonFields),
	Succeed:  strings.Fields("End " + commonFields),
	Fail:     strings.Fields("Error -ErrorPath Cause -CausePath End"),
	Parallel: strings.Fields("Branches " + commonFields + resultFields + transitionFields),
	Map: strings.Fields("ItemProcessor Iterator -ItemsPath +Items ItemSelector ItemReader ItemBatcher ResultWriter Label " +
		"MaxConcurrency -MaxConcurrencyPath ToleratedFailureCount -ToleratedFailureCountPath ToleratedFailurePercentage -ToleratedFailurePercentagePath " +
		commonFields + resultFields + transitionFields),
}

const (
	commonFields     = " -InputPath -OutputPath +Output Assign "
	resultFields     = " -Parameters +Arguments -ResultSelector -ResultPath Retry Catch "
	transitionFields = " Next End "
)

// parts read what is particular to a type of state.
var parts map[StateType]func(o object, s *State)

func init() {
	nothing := func(object, *State) {}
	parts = map[StateType]func(o object, s *State){
		Task: object.task, Pass: object.pass, Wait: object.wait, Choice: object.choice, Succeed: nothing,
		Fail: object.fail, Parallel: object.parallel, Map: object.mapState,
	}
}

// fields checks that there are no others, and that they are of the query language.
func (o object) fields(allowed []string) {
	for name := range o.o.All() {
		switch {
		case name == "Type" || name == "Comment" || name == "QueryLanguage" || slices.Contains(allowed, name):
		case slices.Contains(allowed, "-"+name):
			if o.lang == JSONata {
				o.p.schema(o.at, "The QueryLanguage is set to 'JSONata', but field '%s' is only supported for the 'JSONPath' QueryLanguage", name)
			}
		case slices.Contains(allowed, "+"+name):
			if o.lang == JSONPath {
				o.p.schema(o.at, "The QueryLanguage is set to 'JSONPath', but field '%s' is only supported for the 'JSONata' QueryLanguage", name)
			}
		default:
			o.p.schema(o.at, "Field '%s' is not supported", name)
		}
	}
}

// leaving reads Next and End.
func (o object) leaving(s *State) {
	if s.Type == Choice || s.Type == Succeed || s.Type == Fail {
		s.End = s.Type != Choice
		return
	}
	s.Next, _ = o.text("Next")
	s.End, _ = o.flag("End")
	_, hasNext := o.o.Get("Next")
	switch {
	case hasNext && s.End:
		o.p.schema(o.at, "Only one of these fields is allowed: [Next, End]")
	case !hasNext && !s.End:
		o.p.schema(o.at, "One of these fields is required: [Next, End]")
	}
}

// flowOf reads the fields that states of several types have.
func (o object) flowOf(s *State) {
	f := &s.flow
	if s.QueryLanguage == JSONata {
		f.arguments = o.template("Arguments")
		f.output = o.template("Output")
	} else {
		f.inputPath = o.path("InputPath")
		f.outputPath = o.path("OutputPath")
		f.resultPath = o.reference("ResultPath")
		f.parameters = o.template("Parameters")
		f.selector = o.template("ResultSelector")
	}
	f.assign = o.variables()
	o.each("Retry", func(r object) { s.Retry = append(s.Retry, r.retrier()) })
	o.each("Catch", func(c object) { s.Catch = append(s.Catch, c.catcher()) })
	lists := make([][]string, 0, len(s.Retry))
	for _, r := range s.Retry {
		lists = append(lists, r.ErrorEquals)
	}
	o.checkAll("Retry", lists)
	lists = lists[:0]
	for _, c := range s.Catch {
		lists = append(lists, c.ErrorEquals)
	}
	o.checkAll("Catch", lists)
}

// checkAll holds that States.ALL is alone, and last.
func (o object) checkAll(field string, lists [][]string) {
	for i, list := range lists {
		if slices.Contains(list, ErrAll) && (len(list) > 1 || i < len(lists)-1) {
			o.p.schema(fmt.Sprintf("%s/%s[%d]/ErrorEquals", o.at, field, i), "'States.ALL' must appear alone and in the last element of '%s'", field)
		}
	}
}

func (o object) retrier() Retrier {
	o.only(o.at, []string{"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"})
	r := Retrier{ErrorEquals: o.errorEquals(), IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2}
	if n, ok := o.whole("IntervalSeconds", 1, maxSeconds); ok {
		r.IntervalSeconds = n
	}
	if n, ok := o.whole("MaxAttempts", 0, maxSeconds); ok {
		r.MaxAttempts = n
	}
	if v, given := o.o.Get("BackoffRate"); given {
		n, ok := v.(number)
		rate, err := n.Float64()
		if !ok || err != nil || rate < 1 {
			o.p.schema(o.at+"/BackoffRate", "Expected value of type Float that is at least 1.0")
		} else {
			r.BackoffRate = rate
		}
	}
	if n, ok := o.whole("MaxDelaySeconds", 1, 31622400); ok {
		r.MaxDelaySeconds = n
		if n <= r.IntervalSeconds {
			o.p.schema(o.at, "MaxDelaySeconds must be greater than IntervalSeconds")
		}
	}
	if jitter, ok := o.text("JitterStrategy"); ok {
		if jitter != "FULL" && jitter != "NONE" {
			o.p.schema(o.at+"/JitterStrategy", "The field 'JitterStrategy' should have one of these values: [NONE, FULL]")
		}
		r.FullJitter = jitter == "FULL"
	}
	return r
}

func (o object) catcher() Catcher {
	allowed := []string{"ErrorEquals", "Next", "Comment", "Assign", "ResultPath"}
	if o.lang == JSONata {
		allowed[4] = "Output"
	}
	o.only(o.at, allowed)
	c := Catcher{ErrorEquals: o.errorEquals()}
	c.Next, _ = o.text("Next")
	o.require(o.at, "Next")
	c.flow.assign = o.variables()
	if o.lang == JSONata {
		c.flow.output = o.template("Output")
	} else {
		c.flow.resultPath = o.reference("ResultPath")
	}
	return c
}

func (o object) errorEquals() []string {
	o.require(o.at, "ErrorEquals")
	v, given := o.o.Get("ErrorEquals")
	if !given {
		return nil
	}
	list, _ := v.([]Value)
	if len(list) == 0 {
		o.p.schema(o.at+"/ErrorEquals", "Value cannot be empty")
	}
	var names []string
	for _, x := range list {
		if name, ok := x.(string); ok {
			names = append(names, name)
		} else {
			o.p.schema(o.at+"/ErrorEquals", "Expected value of type String")
		}
	}
	return names
}
