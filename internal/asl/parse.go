package asl

// Diagnostic is one finding about a definition.
type Diagnostic struct {
	Severity string // ERROR or WARNING
	Code     string // SCHEMA_VALIDATION_FAILED ...
	Message  string
	Location string // /States/X/Resource
}

// Invalid is what CreateStateMachine says of a definition with this finding.
func (d Diagnostic) Invalid() string {
	return "Invalid State Machine Definition: '" + d.Code + ": " + d.Message + " at " + d.Location + "'"
}

// Option changes how a definition is judged.
type Option func(*parser)

// AsExpress judges the definition as one of an EXPRESS state machine.
func AsExpress(p *parser) { p.express = true }

// Parse reads a definition. The machine is nil if any of the diagnostics is an ERROR.
func Parse(definition []byte, options ...Option) (*Machine, []Diagnostic) {
	return nil, []Diagnostic{{Severity: "ERROR", Code: "SCHEMA_VALIDATION_FAILED", Message: "not built yet", Location: "/"}}
}

// ParseState reads the definition of one state, as TestState is given it; the
// state has the name "StateName".
func ParseState(definition []byte) (*State, []Diagnostic) {
	_, d := Parse(definition)
	return nil, d
}

type parser struct {
	express bool
}
