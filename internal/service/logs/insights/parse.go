// Package insights is the query language of CloudWatch Logs Insights:
//
//	fields @timestamp, @message | filter level = "ERROR" | stats count(*) by bin(5m)
//
// A query is a list of commands. Each takes records one by one and hands on
// what it makes of them, so a query holds no more records at a time than its
// sort, dedup or stats needs.
//
//	lex.go        text to tokens
//	parse.go      tokens to commands
//	expr.go       expressions and their values
//	functions.go  the functions, by name
//	stats.go      what groups of records come to
//	run.go        records through commands
package insights

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Limits of a query.
const (
	maxDepth   = 50
	usualLimit = 10_000
	maxStats   = 10_000 // groups
)

// A Query is a parsed query.
type Query struct {
	commands []command
	shown    []string // fields that results have; nil: as commands say
	grouped  bool     // it has stats
	limit    int
}

// A command is one of a query.
type command struct {
	fields  []named      // fields: computed and kept for others
	filter  expr         // filter
	parse   *parsing     // parse
	stats   *aggregation // stats
	sort    []order      // sort
	limit   int          // limit; 0 is none
	dedup   []string     // dedup
	display []string     // display
}

// A named is an expression and the name that its value gets.
type named struct {
	name string
	expr expr
}

type order struct {
	expr expr
	desc bool
}

// A parsing takes fields out of a text.
type parsing struct {
	from  expr
	re    *regexp.Regexp
	names []string // of the groups of re, in order
}

// Parse reads a query. An error says where it is wrong.
func Parse(text string) (*Query, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	q := &Query{limit: usualLimit}
	for {
		if p.is("|") {
			p.next()
			continue
		}
		if p.done() {
			break
		}
		if err := p.command(q); err != nil {
			return nil, err
		}
		if !p.done() && !p.is("|") {
			return nil, p.unexpected()
		}
	}
	if len(q.commands) == 0 {
		return nil, fmt.Errorf("the query is empty")
	}
	return q, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

func (p *parser) done() bool { return p.at >= len(p.tokens) }

func (p *parser) peek() token {
	if p.done() {
		return token{}
	}
	return p.tokens[p.at]
}

func (p *parser) next() token {
	t := p.peek()
	p.at++
	return t
}

// is says whether the next token is a sign.
func (p *parser) is(sign string) bool { t := p.peek(); return t.kind == signToken && t.text == sign }

// word says whether the next token is a word, in letters of any size.
func (p *parser) word(w string) bool {
	t := p.peek()
	return t.kind == wordToken && strings.EqualFold(t.text, w)
}

// take takes the next token if it is that word.
func (p *parser) take(w string) bool {
	if p.word(w) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(sign string) error {
	if !p.is(sign) {
		return p.unexpected()
	}
	p.at++
	return nil
}

func (p *parser) unexpected() error {
	if p.done() {
		return fmt.Errorf("unexpected symbol found <EOF>")
	}
	t := p.peek()
	return fmt.Errorf("unexpected symbol found %s at offset %d", t.text, t.at)
}

// unanswered are commands of AWS's that nothing here answers.
var unanswered = []string{"pattern", "diff", "unmask", "unnest", "anomaly", "filterIndex", "SOURCE", "lookup", "join"}

// ErrUnanswered is the error for a command that nothing here answers.
type ErrUnanswered string

func (e ErrUnanswered) Error() string {
	return "Aloft does not have the command " + string(e) + " of Logs Insights yet."
}

func (p *parser) command(q *Query) error {
	for _, name := range unanswered {
		if p.word(name) {
			return ErrUnanswered(name)
		}
	}
	var c command
	var err error
	switch {
	case p.take("fields"):
		c.fields, err = p.list()
		if !q.grouped {
			q.shown = appendNames(q.shown, c.fields)
		}
	case p.take("filter"):
		c.filter, err = p.or()
	case p.take("stats"):
		c.stats, err = p.aggregation()
		q.grouped, q.shown = true, nil
		if err == nil {
			q.shown = c.stats.names()
		}
	case p.take("sort"):
		c.sort, err = p.sorting()
	case p.take("limit"), p.take("head"), p.take("tail"):
		c.limit, err = p.number()
		q.limit = min(q.limit, c.limit)
	case p.take("parse"):
		c.parse, err = p.parsing()
	case p.take("dedup"):
		c.dedup, err = p.names()
	case p.take("display"):
		c.display, err = p.names()
		q.shown = c.display
	default:
		return p.unexpected()
	}
	q.commands = append(q.commands, c)
	return err
}

func appendNames(shown []string, fields []named) []string {
	for _, f := range fields {
		shown = append(shown, f.name)
	}
	return shown
}

// list reads expressions with the names they get.
func (p *parser) list() ([]named, error) {
	var all []named
	for {
		from := p.at
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		n := named{name: p.textFrom(from), expr: e}
		if p.take("as") {
			t := p.next()
			if t.kind != wordToken && t.kind != fieldToken {
				p.at--
				return nil, p.unexpected()
			}
			n.name = t.text
		}
		all = append(all, n)
		if !p.is(",") {
			return all, nil
		}
		p.next()
	}
}

// textFrom is the text of the tokens from one on, which names their value.
func (p *parser) textFrom(from int) string {
	var b strings.Builder
	for i, t := range p.tokens[from:p.at] {
		if t.kind == stringToken {
			b.WriteString(strconv.Quote(t.text))
			continue
		}
		if i > 0 && t.kind != signToken && p.tokens[from+i-1].kind != signToken {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return b.String()
}

func (p *parser) sorting() ([]order, error) {
	var all []order
	for {
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		o := order{expr: e}
		if p.take("desc") {
			o.desc = true
		} else {
			p.take("asc")
		}
		all = append(all, o)
		if !p.is(",") {
			return all, nil
		}
		p.next()
	}
}

func (p *parser) number() (int, error) {
	t := p.next()
	n, err := strconv.Atoi(t.text)
	if err != nil || t.kind != numberToken || n < 1 || n > usualLimit {
		p.at--
		return 0, p.unexpected()
	}
	return n, nil
}

func (p *parser) names() ([]string, error) {
	var all []string
	for {
		t := p.next()
		if t.kind != wordToken && t.kind != fieldToken {
			p.at--
			return nil, p.unexpected()
		}
		all = append(all, t.text)
		if !p.is(",") {
			return all, nil
		}
		p.next()
	}
}

// parsing reads what follows parse: [field] "glob" as names, or /regex/.
func (p *parser) parsing() (*parsing, error) {
	out := &parsing{from: field("@message")}
	if t := p.peek(); t.kind == wordToken || t.kind == fieldToken {
		p.next()
		out.from = field(t.text)
	}
	t := p.next()
	switch t.kind {
	case regexToken:
		re, err := regexp.Compile(t.text)
		if err != nil {
			return nil, fmt.Errorf("malformed regular expression %q", t.text)
		}
		out.re, out.names = re, re.SubexpNames()[1:]
	case stringToken:
		parts := strings.Split(t.text, "*")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		re, err := regexp.Compile("(?s)" + strings.Join(parts[:len(parts)-1], "(.*?)") + lastGlob(parts))
		if err != nil {
			return nil, fmt.Errorf("malformed pattern %q", t.text)
		}
		out.re = re
	default:
		p.at--
		return nil, p.unexpected()
	}
	if p.take("as") {
		names, err := p.names()
		if err != nil {
			return nil, err
		}
		out.names = names
	}
	if len(out.names) != out.re.NumSubexp() {
		return nil, fmt.Errorf("parse has %d names for %d values", len(out.names), out.re.NumSubexp())
	}
	return out, nil
}

// lastGlob is the end of a pattern with *: what it takes at the very end is all
// there is.
func lastGlob(parts []string) string {
	n := len(parts)
	switch {
	case n == 1:
		return parts[0]
	case parts[n-1] == "":
		return "(.*)"
	}
	return "(.*?)" + parts[n-1]
}

// aggregation reads what follows stats.
func (p *parser) aggregation() (*aggregation, error) {
	a := &aggregation{}
	for {
		from := p.at
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		out := named{name: p.textFrom(from), expr: e}
		if p.take("as") {
			name, err := p.name()
			if err != nil {
				return nil, err
			}
			out.name = name
		}
		a.out = append(a.out, out)
		if !p.is(",") {
			break
		}
		p.next()
	}
	if p.take("by") {
		by, err := p.list()
		if err != nil {
			return nil, err
		}
		a.by = by
	}
	return a, nil
}

func (p *parser) name() (string, error) {
	t := p.next()
	if t.kind != wordToken && t.kind != fieldToken {
		p.at--
		return "", p.unexpected()
	}
	return t.text, nil
}
