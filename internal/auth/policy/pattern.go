package policy

import (
	"strings"
	"unicode/utf8"
)

// Wildcards in a compiled pattern. No text that JSON can hold has these bytes.
const (
	anyRun  = "\xff" // *
	anyChar = "\xfe" // ?
)

// compileWildcards takes "*" and "?" for what they mean.
func compileWildcards(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "*", anyRun), "?", anyChar)
}

// A pattern is a text of a policy that is compared with one of a request. It
// may hold wildcards, and variables that the request fills.
type pattern struct {
	text  string // compiled, if there are no variables
	kind  patternKind
	parts []part // if there are
}

type patternKind uint8

const (
	exact  patternKind = iota
	prefix             // text, then anything
	glob
	variable
)

// A part is a piece of a pattern: text, or a variable.
type part struct {
	text     string // compiled
	variable string // key in lower case; empty for text
	usual    *string
}

// compile compiles text. Without wild, "*" and "?" mean themselves; without
// vars, "${" does.
func compile(text string, wild, vars bool) pattern {
	return assemble(split(text, wild, vars))
}

// split splits text at its variables.
func split(text string, wild, vars bool) []part {
	var parts []part
	literal := func(s string) {
		if wild {
			s = compileWildcards(s)
		}
		parts = append(parts, part{text: s})
	}
	for vars {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			break
		}
		if before != "" {
			literal(before)
		}
		switch text = after; name {
		case "*", "?", "$":
			parts = append(parts, part{text: name})
		default:
			parts = append(parts, variablePart(name))
		}
	}
	if text != "" || len(parts) == 0 {
		literal(text)
	}
	return parts
}

// variablePart reads what is between "${" and "}": a key, and perhaps a value
// for want of it, "aws:PrincipalTag/team, 'company-wide'".
func variablePart(s string) part {
	key, usual, found := strings.Cut(s, ",")
	p := part{variable: strings.ToLower(strings.TrimSpace(key))}
	if found {
		usual = strings.TrimSpace(usual)
		if len(usual) >= 2 && usual[0] == '\'' && usual[len(usual)-1] == '\'' {
			p.usual = new(usual[1 : len(usual)-1])
		}
	}
	return p
}

func assemble(parts []part) pattern {
	var b strings.Builder
	for _, p := range parts {
		if p.variable != "" {
			return pattern{kind: variable, parts: parts}
		}
		b.WriteString(p.text)
	}
	text := b.String()
	switch i := firstWildcard(text); {
	case i < 0:
		return pattern{text: text, kind: exact}
	case i == len(text)-1 && text[i] == anyRun[0]:
		return pattern{text: text[:i], kind: prefix}
	}
	return pattern{text: text, kind: glob}
}

func firstWildcard(s string) int {
	for i := range len(s) {
		if s[i] == anyRun[0] || s[i] == anyChar[0] {
			return i
		}
	}
	return -1
}

// match reports whether s is as p says.
func (p *pattern) match(s string, r *Request) bool {
	switch p.kind {
	case exact:
		return p.text == s
	case prefix:
		return strings.HasPrefix(s, p.text)
	case glob:
		return matchGlob(p.text, s)
	}
	text, ok := p.expand(r)
	return ok && matchGlob(text, s)
}

// expand fills the variables of p. A variable that r has no value for, and that
// has none of its own, matches nothing. What a request says is never a wildcard.
func (p *pattern) expand(r *Request) (string, bool) {
	var b strings.Builder
	for _, part := range p.parts {
		if part.variable == "" {
			b.WriteString(part.text)
			continue
		}
		v := r.lookup(part.variable)
		switch {
		case v.found && v.many == nil:
			b.WriteString(strings.ToValidUTF8(v.one, "\uFFFD"))
		case v.found && len(v.many) == 1:
			b.WriteString(strings.ToValidUTF8(v.many[0], "\uFFFD"))
		case !v.found && part.usual != nil:
			b.WriteString(*part.usual)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// matchGlob reports whether s matches a compiled pattern. It goes back only to
// the last run of anything, which is enough, so its time is at most the
// product of the lengths.
func matchGlob(p, s string) bool {
	pi, si := 0, 0
	star, mark := -1, 0 // the last run, and where in s it ends
	for si < len(s) {
		if pi < len(p) {
			switch c := p[pi]; {
			case c == anyRun[0]:
				star, mark = pi, si
				pi++
				continue
			case c == anyChar[0]:
				pi++
				si += runeLen(s[si:])
				continue
			case c == s[si]:
				pi++
				si++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark += runeLen(s[mark:])
		pi, si = star+1, mark
	}
	for pi < len(p) && p[pi] == anyRun[0] {
		pi++
	}
	return pi == len(p)
}

func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}
