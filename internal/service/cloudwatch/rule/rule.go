// Package rule is the language of composite alarms:
// ALARM("a") AND NOT (OK("b") OR INSUFFICIENT_DATA("c")).
package rule

import (
	"fmt"
	"slices"
	"strings"
)

const maxDepth = 64

// A Rule is a parsed rule.
type Rule struct {
	alarms []string
	holds  expr
}

// An expr says whether it holds, by the states of alarms.
type expr func(state func(alarm string) string) bool

// Alarms are the names or ARNs of the alarms that r mentions, each once.
func (r *Rule) Alarms() []string { return r.alarms }

// Holds says whether r holds where alarms have these states.
func (r *Rule) Holds(state func(alarm string) string) bool { return r.holds(state) }

// Parse reads a rule.
func Parse(text string) (*Rule, error) {
	p := &parser{rest: text}
	e := p.or()
	p.space()
	if p.err == nil && p.rest != "" {
		p.fail()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Rule{alarms: p.alarms, holds: e}, nil
}

type parser struct {
	rest   string
	depth  int
	alarms []string
	err    error
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *parser) fail() expr {
	if p.err == nil {
		at, _, _ := strings.Cut(p.rest, "\n")
		p.err = fmt.Errorf("unexpected %q", at[:min(len(at), 40)])
	}
	p.rest = ""
	return func(func(string) string) bool { return false }
}

// take takes a sign.
func (p *parser) take(sign string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, sign)
	if ok {
		p.rest = rest
	}
	return ok
}

// word takes the word that comes next, if it is w.
func (p *parser) word(w string) bool {
	p.space()
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) || len(p.rest) > len(w) && isWord(p.rest[len(w)]) {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (p *parser) or() expr {
	e := p.and()
	for p.err == nil && p.word("OR") {
		left, right := e, p.and()
		e = func(state func(string) string) bool { return left(state) || right(state) }
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.err == nil && p.word("AND") {
		left, right := e, p.not()
		e = func(state func(string) string) bool { return left(state) && right(state) }
	}
	return e
}

func (p *parser) not() expr {
	if p.depth++; p.depth > maxDepth {
		return p.fail()
	}
	defer func() { p.depth-- }()
	switch {
	case p.word("NOT"):
		e := p.not()
		return func(state func(string) string) bool { return !e(state) }
	case p.take("("):
		e := p.or()
		if !p.take(")") {
			return p.fail()
		}
		return e
	case p.word("TRUE"):
		return func(func(string) string) bool { return true }
	case p.word("FALSE"):
		return func(func(string) string) bool { return false }
	case p.word("AT_LEAST"):
		return p.atLeast()
	}
	want := p.state()
	if want == "" || !p.take("(") {
		return p.fail()
	}
	alarm, ok := p.alarm()
	if !ok || !p.take(")") {
		return p.fail()
	}
	return func(state func(string) string) bool { return state(alarm) == want }
}

func (p *parser) state() string {
	for _, s := range []string{"ALARM", "OK", "INSUFFICIENT_DATA"} {
		if p.word(s) {
			return s
		}
	}
	return ""
}

// atLeast reads what follows AT_LEAST: (2, ALARM, (a, b, c)).
func (p *parser) atLeast() expr {
	if !p.take("(") {
		return p.fail()
	}
	p.space()
	n, digits := 0, 0
	for digits < len(p.rest) && digits < 4 && '0' <= p.rest[digits] && p.rest[digits] <= '9' {
		n = 10*n + int(p.rest[digits]-'0')
		digits++
	}
	p.rest = p.rest[digits:]
	if digits == 0 || !p.take(",") {
		return p.fail()
	}
	not := p.word("NOT")
	want := p.state()
	if want == "" || !p.take(",") || !p.take("(") {
		return p.fail()
	}
	var all []string
	for {
		alarm, ok := p.alarm()
		if !ok {
			return p.fail()
		}
		if all = append(all, alarm); !p.take(",") {
			break
		}
	}
	for range 2 { // of the list, and of the call
		if !p.take(")") {
			return p.fail()
		}
	}
	return func(state func(string) string) bool {
		found := 0
		for _, alarm := range all {
			if (state(alarm) == want) != not {
				found++
			}
		}
		return found >= n
	}
}

// alarm reads the name or ARN of an alarm, with or without quotes.
func (p *parser) alarm() (string, bool) {
	p.space()
	name := ""
	if p.rest != "" && (p.rest[0] == '"' || p.rest[0] == '\'') {
		quote := p.rest[:1]
		var ok bool
		if name, p.rest, ok = strings.Cut(p.rest[1:], quote); !ok {
			return "", false
		}
	} else {
		end := strings.IndexAny(p.rest, "(),")
		if end < 0 {
			return "", false
		}
		name, p.rest = strings.TrimSpace(p.rest[:end]), p.rest[end:]
	}
	if name == "" {
		return "", false
	}
	if !slices.Contains(p.alarms, name) {
		p.alarms = append(p.alarms, name)
	}
	return name, true
}
