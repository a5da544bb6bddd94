package pattern

import "errors"

// An Event is an event as patterns see it: which values it has at which path.
type Event struct {
	fields map[string][]field
	scopes []scope
}

// A field is a value within a scope.
type field struct {
	value
	scope int
}

// A scope is the event, which is the first, or an element of an array in it.
// Elements of one array have the same array.
type scope struct{ parent, array int }

// ParseEvent reads a JSON object.
func ParseEvent(text []byte) (*Event, error) {
	p := eventParser{lexer: lexer{src: string(text)}, event: &Event{fields: make(map[string][]field), scopes: []scope{{parent: -1}}}}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.kind != '{' {
		return nil, errors.New("Event must be a JSON object")
	}
	if err := p.object(0); err != nil {
		return nil, err
	}
	return p.event, nil
}

type eventParser struct {
	lexer
	event  *Event
	path   []byte
	arrays int
}

// object reads the rest of an object in scope s. Two members of one name both
// count.
func (p *eventParser) object(s int) error {
	outer := len(p.path)
	for {
		if err := p.next(); err != nil {
			return err
		}
		if p.kind == '}' {
			p.path = p.path[:outer]
			return nil
		}
		p.path = p.path[:outer]
		if outer > 0 {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, p.text...)
		if err := p.valueAfterKey(); err != nil {
			return err
		}
		if err := p.member(s); err != nil {
			return err
		}
	}
}

// member reads the rest of a value at the path in scope s.
func (p *eventParser) member(s int) error {
	switch p.kind {
	case '{':
		return p.object(s)
	case '[':
		return p.array(s)
	}
	p.event.fields[string(p.path)] = append(p.event.fields[string(p.path)], field{value{p.kind, p.text}, s})
	return nil
}

// array reads the rest of an array in scope s. What is no object and no array
// in it is a value in s like any other.
func (p *eventParser) array(s int) error {
	p.arrays++
	id := p.arrays
	outer := len(p.path)
	for {
		if err := p.next(); err != nil {
			return err
		}
		if p.kind == ']' {
			return nil
		}
		inner := s
		if p.kind == '{' || p.kind == '[' {
			inner = len(p.event.scopes)
			p.event.scopes = append(p.event.scopes, scope{s, id})
		}
		if err := p.member(inner); err != nil {
			return err
		}
		p.path = p.path[:outer]
	}
}

// Has reports whether there is a value at path, a name or names with dots.
func (e *Event) Has(path string) bool { return len(e.fields[path]) > 0 }
