package policy

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// A Document is a policy, compiled. It does not change and may be shared.
type Document struct {
	source     source
	statements []statement
}

// An Effect is what a document says of a request.
type Effect uint8

// Effects.
const (
	Silent Effect = iota // it says nothing
	Allow
	Deny
)

func (e Effect) String() string { return [...]string{"Silent", "Allow", "Deny"}[e] }

// maxDocument is more than any service lets a document be.
const maxDocument = 128 << 10

// Versions of the language. Variables came with the second.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse compiles a document. It is refused if it is not in the grammar of
// policies at all; whether AWS would take it for some purpose says Check.
func Parse(text string) (*Document, error) {
	src, err := parseSource(text)
	if err != nil {
		return nil, err
	}
	d := &Document{source: src}
	vars := src.version == version2012
	for i := range src.statements {
		s, err := src.statements[i].compile(vars)
		if err != nil {
			return nil, err
		}
		d.statements = append(d.statements, s)
	}
	return d, nil
}

// source is a document as it is written.
type source struct {
	version    string // empty if it has none
	statements []sourceStatement
}

// sourceStatement is a statement as it is written. A list that is nil is absent.
type sourceStatement struct {
	sid                    string
	effect                 string
	principals             []sourcePrincipal
	notPrincipals          []sourcePrincipal
	actions, notActions    []string
	resources, notResource []string
	conditions             []sourceCondition
	begins, ends           int // in the text
}

type sourcePrincipal struct {
	kind string // "AWS", "Service", …; "*" for everyone
	name string
}

type sourceCondition struct {
	operator, key string
	values        []string
}

func parseSource(text string) (source, error) {
	if len(text) > maxDocument {
		return source{}, errSyntax
	}
	if !json.Valid([]byte(text)) {
		return source{}, errSyntax
	}
	members, err := object([]byte(strings.TrimSpace(text)))
	if err != nil {
		return source{}, err
	}
	var src source
	for _, m := range members {
		switch m.name {
		case "Version":
			src.version, err = str(m.value)
			if src.version != version2008 && src.version != version2012 {
				return src, errSyntax
			}
		case "Id":
			_, err = str(m.value)
		case "Statement":
			err = src.parseStatements(text, m.value)
		default:
			return src, errSyntax
		}
		if err != nil {
			return src, err
		}
	}
	if len(src.statements) == 0 {
		return src, errSyntax
	}
	return src, nil
}

func (src *source) parseStatements(text string, raw json.RawMessage) error {
	items, err := array(raw)
	if err != nil {
		return err
	}
	at := strings.Index(text, string(raw))
	for _, item := range items {
		s, err := parseStatement(item)
		if err != nil {
			return err
		}
		s.begins = at + max(0, strings.Index(text[at:], string(item)))
		s.ends = s.begins + len(item)
		at = s.ends
		src.statements = append(src.statements, s)
	}
	return nil
}

// A Position is a place in the text of a document. Both count from one.
type Position struct{ Line, Column int }

// Span returns where statement i of a document begins and ends in its text.
func Span(text string, d *Document, i int) (begins, ends Position) {
	s := &d.source.statements[i]
	return position(text, s.begins), position(text, s.ends)
}

func position(text string, offset int) Position {
	before := text[:min(offset, len(text))]
	line := strings.LastIndexByte(before, '\n') + 1
	return Position{strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[line:]) + 1}
}

func parseStatement(raw json.RawMessage) (sourceStatement, error) {
	var s sourceStatement
	members, err := object(raw)
	if err != nil {
		return s, err
	}
	for _, m := range members {
		switch m.name {
		case "Sid":
			s.sid, err = str(m.value)
		case "Effect":
			s.effect, err = str(m.value)
		case "Principal":
			s.principals, err = parsePrincipals(m.value)
		case "NotPrincipal":
			s.notPrincipals, err = parsePrincipals(m.value)
		case "Action":
			s.actions, err = stringList(m.value)
		case "NotAction":
			s.notActions, err = stringList(m.value)
		case "Resource":
			s.resources, err = stringList(m.value)
		case "NotResource":
			s.notResource, err = stringList(m.value)
		case "Condition":
			s.conditions, err = parseConditions(m.value)
		default:
			err = errSyntax
		}
		if err != nil {
			return s, err
		}
	}
	if s.actions != nil && s.notActions != nil || s.resources != nil && s.notResource != nil ||
		s.principals != nil && s.notPrincipals != nil ||
		!strings.EqualFold(s.effect, "Allow") && !strings.EqualFold(s.effect, "Deny") {
		return s, errSyntax
	}
	return s, nil
}

// parsePrincipals reads "*", or an object of lists by kind.
func parsePrincipals(raw json.RawMessage) ([]sourcePrincipal, error) {
	if raw[0] == '"' {
		if s, err := str(raw); err != nil || s != "*" {
			return nil, errSyntax
		}
		return []sourcePrincipal{{"*", "*"}}, nil
	}
	kinds, err := object(raw)
	if err != nil {
		return nil, err
	}
	principals := []sourcePrincipal{}
	for _, kind := range kinds {
		switch kind.name {
		case "AWS", "Service", "Federated", "CanonicalUser":
		default:
			return nil, errSyntax
		}
		names, err := stringList(kind.value)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			principals = append(principals, sourcePrincipal{kind.name, name})
		}
	}
	return principals, nil
}

// parseConditions reads {operator: {key: values}}. An operator that there is
// not may stand there if nothing is under it.
func parseConditions(raw json.RawMessage) ([]sourceCondition, error) {
	operators, err := object(raw)
	if err != nil {
		return nil, err
	}
	conditions := []sourceCondition{}
	for _, op := range operators {
		keys, err := object(op.value)
		if err != nil {
			return nil, err
		}
		if _, ok := newCondition(op.name, "", nil, false); !ok && len(keys) > 0 {
			return nil, errSyntax
		}
		for _, key := range keys {
			values, err := scalarList(key.value)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, sourceCondition{op.name, key.name, values})
		}
	}
	return conditions, nil
}
