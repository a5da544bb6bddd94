// Package pattern holds EventBridge's language of event patterns: what rules,
// pipes, archives and event source mappings choose events with.
//
// A pattern names paths into an event, and for each the values that will do.
// The paths of both are compared as text, joined by dots, so a pattern is kept
// as alternatives (what $or makes of it), each a list of paths with tests. An
// array stands for any of its elements; but what a pattern asks of several
// paths through one array, one element of that array must fulfil.
//
//	pattern.go   Pattern: Parse and Match     event.go     an event as paths and values
//	parse.go     JSON to alternatives         match.go     alternatives against an event
//	test.go      what is asked of a value     wildcard.go  globs, and how complex they are
//	lexer.go     JSON as tokens, with Jackson's words for what is wrong with it
package pattern

// A Pattern chooses events. It never changes, so any number may use it at once.
type Pattern struct {
	alternatives []alternative
}

// An alternative holds of an event if each of its paths does.
type alternative []condition

// A condition asks that some value at a path passes one of the tests.
type condition struct {
	path   string
	tests  []test
	absent bool // or that there is none
}

// A Dialect is what a part of AWS leaves out of the language.
type Dialect struct {
	plain bool // no globs, and anything-but takes only values
}

// Dialects.
var (
	Bus  = Dialect{}            // of rules and archives: all of it
	Pipe = Dialect{plain: true} // of pipes
)

// Parse reads a pattern of a rule. Its error says what is wrong in the words
// of AWS, which go after "Event pattern is not valid. Reason: ".
func Parse(text []byte) (*Pattern, error) { return Bus.Parse(text) }

// Parse is Parse for a dialect.
func (d Dialect) Parse(text []byte) (*Pattern, error) {
	p := &parser{lexer: lexer{src: string(text)}, dialect: d}
	return p.pattern()
}

// Match reports whether p chooses event, a JSON object.
func (p *Pattern) Match(event []byte) bool {
	e, err := ParseEvent(event)
	return err == nil && p.Matches(e)
}

// Matches is Match for an event that many patterns look at.
func (p *Pattern) Matches(e *Event) bool {
	for _, a := range p.alternatives {
		if e.fulfils(a) {
			return true
		}
	}
	return false
}
