package query

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/lexer"
)

const (
	maxText      = 256 << 10
	maxDepth     = 100  // of parentheses
	maxOperators = 2000 // and calls
)

// reserved are words that name nothing unless they are in quotes.
var reserved = strings.Fields("SELECT FROM WHERE LIMIT AND OR NOT IN IS LIKE BETWEEN ESCAPE AS CASE WHEN THEN ELSE END GROUP ORDER BY HAVING JOIN UNION DISTINCT")

// A parser reads one statement. Its first error moves it to the end, so every
// loop ends.
type parser struct {
	text      string
	tokens    []lexer.Token
	at        int
	depth     int
	operators int
	rows      int  // references to rows that are not within an aggregate
	inTotal   bool // the expression is an argument of one
	path      span // the last one that was read
	alias     string
	last      string // what the path of FROM ends in, which names rows too
	out       *Query
	err       error
}

// A span is a range of tokens.
type span struct{ from, to int }

// Parse reads a statement.
func Parse(text string) (*Query, error) {
	if len(text) > maxText {
		return nil, Fault("ExpressionTooLong", "The SQL expression is too long: The maximum byte-length for the SQL expression is 256 KB.")
	}
	tokens, ok := lexer.Cut(text)
	p := &parser{text: text, tokens: tokens, out: &Query{limit: -1}}
	if !ok {
		p.at = len(tokens) - 1
		p.fail("LexerInvalidChar", wordsChar)
		return nil, p.err
	}
	p.statement()
	if p.err != nil {
		return nil, p.err
	}
	return p.out, nil
}

func (p *parser) peek() lexer.Token { return p.tokens[p.at] }

func (p *parser) next() lexer.Token {
	t := p.tokens[p.at]
	if p.at < len(p.tokens)-1 {
		p.at++
	}
	return t
}

func (p *parser) take(s string) bool {
	if !p.peek().Is(s) {
		return false
	}
	p.next()
	return true
}

func (p *parser) fail(code, words string) {
	if p.err == nil {
		p.err = Fault(code, words+place(p.text, p.peek().At))
	}
	p.at = len(p.tokens) - 1
}

// need takes what must come now.
func (p *parser) need(s, code, words string) {
	if !p.take(s) {
		p.fail(code, words)
	}
}

// operator counts what a row costs.
func (p *parser) operator() {
	if p.operators++; p.operators > maxOperators {
		p.fail("MaxOperatorsExceeded", "Failed to parse SQL expression, try reducing complexity. For example, reduce number of operators used.")
	}
}

// deeper guards the recursion of what may be nested.
func (p *parser) deeper() bool {
	p.operator()
	if p.depth++; p.depth > maxDepth {
		p.fail("MaxOperatorsExceeded", "Failed to parse SQL expression, try reducing complexity. For example, reduce number of operators used.")
	}
	return p.err == nil
}

// statement reads FROM before the columns, which refer to it.
func (p *parser) statement() {
	p.need("SELECT", "ParseExpectedKeyword", wordsKeyword)
	columns := p.at
	p.skipColumns()
	p.need("FROM", "ParseSelectMissingFrom", "The SQL expression contains a missing FROM after the SELECT list.")
	p.from()
	rest := p.at
	if p.err != nil {
		return
	}
	p.at = columns
	p.columns()
	if p.err != nil {
		return
	}
	if !p.peek().Is("FROM") {
		p.fail("ParseUnexpectedToken", wordsToken)
		return
	}
	p.at = rest
	if p.take("WHERE") {
		totals := len(p.out.totals)
		p.out.where = p.expression()
		if len(p.out.totals) > totals {
			p.fail("UnsupportedSqlStructure", wordsStructure)
		}
	}
	if p.take("LIMIT") {
		p.limit()
	}
	if p.peek().Kind != lexer.End {
		p.trailing()
	}
}

// skipColumns goes on to the FROM of the statement, which is in no parentheses.
func (p *parser) skipColumns() {
	if t := p.peek(); t.Is("FROM") || t.Kind == lexer.End {
		p.fail("ParseEmptySelect", "The SQL expression contains an empty SELECT clause.")
	}
	depth := 0
	for t := p.peek(); t.Kind != lexer.End && (depth > 0 || !t.Is("FROM")); t = p.peek() {
		switch {
		case t.Is("("):
			depth++
		case t.Is(")"):
			depth--
		}
		p.next()
	}
}

// trailing refuses what follows the statement.
func (p *parser) trailing() {
	switch t := p.peek(); {
	case t.Is("GROUP"):
		p.fail("ParseUnsupportedLiteralsGroupBy", "The SQL expression contains an unsupported use of GROUP BY.")
	case t.Is("JOIN"), t.Is(","):
		p.fail("ParseMalformedJoin", "JOIN is not supported in the SQL expression.")
	case t.Is("ORDER"), t.Is("HAVING"), t.Is("UNION"):
		p.fail("UnsupportedSqlStructure", wordsStructure)
	default:
		p.fail("ParseUnexpectedToken", wordsToken)
	}
}

func (p *parser) limit() {
	if p.peek().Is("-") {
		p.fail("EvaluatorNegativeLimit", "LIMIT must not be negative.")
	}
	t := p.next()
	n, err := strconv.ParseInt(t.Text, 10, 64)
	if t.Kind != lexer.Number || err != nil {
		p.fail("ParseExpectedNumber", "The expected number in the SQL expression was not found.")
	}
	p.out.limit = n
}

// from reads the table, the way to its rows, and what they are called.
func (p *parser) from() {
	if t := p.next(); t.Kind == lexer.End || !strings.EqualFold(t.Text, "S3Object") || t.Kind != lexer.Word && t.Kind != lexer.Name {
		p.at--
		p.fail("InvalidDataSource", "The data source type is not valid. Only CSV, JSON, and Parquet are supported.")
		return
	}
	path := p.steps(true)
	if len(path) > 0 && path[0].Kind == AllElements {
		path = path[1:]
	} else if len(path) > 0 {
		p.fail("InvalidKeyPath", "The key path in the SQL expression is not valid.")
		return
	}
	p.out.Path = path
	p.alias = "S3Object"
	if len(path) > 0 {
		last := path[len(path)-1]
		p.last = last.Name
		if last.Kind != Member {
			p.last = "_1"
		}
	}
	if as := p.take("AS"); as || p.isName() {
		if !p.isName() {
			p.fail("ParseExpectedIdentForAlias", "The expected identifier for the alias in the SQL expression was not found.")
		}
		p.alias, p.last = p.next().Text, ""
	}
	if p.take("AT") {
		p.fail("ParseUnsupportedSyntax", "The SQL expression contains unsupported syntax.")
	}
}

// isName reports whether the next token names something.
func (p *parser) isName() bool {
	t := p.peek()
	return t.Kind == lexer.Name || t.Kind == lexer.Word && !slices.Contains(reserved, strings.ToUpper(t.Text))
}

// steps reads what follows a name: .name ['name'] [0], and where wild says so,
// .* and [*].
func (p *parser) steps(wild bool) []Step {
	var path []Step
	for p.err == nil {
		switch {
		case p.peek().Is(".") && !wild && p.tokens[min(p.at+1, len(p.tokens)-1)].Is("*"):
			return path
		case p.take("."):
			path = append(path, p.member())
		case p.take("["):
			path = append(path, p.element())
			p.need("]", "ParseExpectedTokenType", "The expected token in the SQL expression was not found.")
		default:
			return path
		}
		if k := path[len(path)-1].Kind; !wild && (k == AllMembers || k == AllElements) {
			p.fail("ParseInvalidContextForWildcardInSelectList", "The use of * in the SELECT list in the SQL expression is not valid.")
		}
		p.operator()
	}
	return path
}

func (p *parser) member() Step {
	switch t := p.next(); {
	case t.Is("*"):
		return Step{Kind: AllMembers}
	case t.Kind == lexer.Word || t.Kind == lexer.Name:
		return Step{Name: t.Text, Exact: t.Kind == lexer.Name}
	}
	p.at--
	p.fail("ParseInvalidPathComponent", "The SQL expression contains a path component that is not valid.")
	return Step{}
}

func (p *parser) element() Step {
	switch t := p.next(); {
	case t.Is("*"):
		return Step{Kind: AllElements}
	case t.Kind == lexer.String:
		return Step{Name: t.Text, Exact: true}
	case t.Kind == lexer.Number:
		if n, err := strconv.ParseInt(t.Text, 10, 64); err == nil && n <= math.MaxInt32 {
			return Step{Kind: Element, Index: int(n)}
		}
	}
	p.at--
	p.fail("ParseInvalidPathComponent", "The SQL expression contains a path component that is not valid.")
	return Step{}
}

// columns reads the list of SELECT.
func (p *parser) columns() {
	if p.take("*") {
		if !p.peek().Is("FROM") {
			p.fail("ParseAsteriskIsNotAloneInSelectList", "Other expressions are not allowed in the SELECT list when * is used without dot notation in the SQL expression.")
		}
		return
	}
	for {
		p.out.columns = append(p.out.columns, p.column(len(p.out.columns)))
		if !p.take(",") {
			break
		}
	}
	if p.out.Total() && p.rows > 0 {
		p.fail("UnsupportedSqlStructure", wordsStructure)
	}
}

func (p *parser) column(i int) column {
	begin := p.at
	if p.isRows() && p.tokens[p.at+1].Is(".") && p.tokens[min(p.at+2, len(p.tokens)-1)].Is("*") {
		p.at += 3
		p.rows++
		return column{all: true}
	}
	c := column{name: ColumnName(i), value: p.expression()}
	if end := p.tokens[p.at-1]; p.path == (span{begin, p.at}) && (end.Kind == lexer.Name || end.Kind == lexer.Word) {
		c.name = end.Text
	}
	if as := p.take("AS"); as || p.isName() {
		if !p.isName() {
			p.fail("ParseExpectedIdentForAlias", "The expected identifier for the alias in the SQL expression was not found.")
		}
		c.name = p.next().Text
	}
	return c
}

// isRows reports whether the next token is what rows are called.
func (p *parser) isRows() bool {
	t := p.peek()
	return p.isName() && (strings.EqualFold(t.Text, p.alias) || p.last != "" && strings.EqualFold(t.Text, p.last))
}
