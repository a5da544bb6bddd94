package pattern

import (
	"strconv"
	"strings"
)

// columns are a pattern for lines of fields: [ip, user, ..., status = 4*].
type columns struct {
	list []column
	gap  int // number of columns before the ellipsis, -1 if there is none
}

// A column is one field of a line, with a condition if it has one.
type column struct {
	name string // empty if it has none
	is   expr[string]
}

// parseColumns reads a space-delimited pattern.
func parseColumns(text string) (*columns, error) {
	l := lexer{s: strings.TrimRight(text, " \t\r\n"), i: 1}
	c := &columns{gap: -1}
	for {
		l.space()
		if l.take("...") {
			if c.gap >= 0 {
				return nil, ErrInvalid
			}
			c.gap = len(c.list)
		} else {
			col, err := parseColumn(&l)
			if err != nil {
				return nil, err
			}
			c.list = append(c.list, col)
		}
		l.space()
		switch {
		case l.take(","):
		case l.take("]") && l.done():
			return c, nil
		default:
			return nil, ErrInvalid
		}
	}
}

func parseColumn(l *lexer) (column, error) {
	var col column
	start := *l
	if name := start.name(); name != "" {
		start.space()
		if b := start.peek(); b == ',' || b == ']' {
			*l = start
			col.name = name
			return col, nil
		}
	} else if b := l.peek(); b == ',' || b == ']' {
		return col, nil
	}
	var err error
	col.is, err = parseExpr(l, 0, func(l *lexer) (expr[string], error) {
		name := l.name()
		if name == "" || col.name != "" && name != col.name {
			return nil, ErrInvalid
		}
		col.name = name
		l.space()
		op, err := l.operator()
		if err != nil {
			return nil, err
		}
		l.space()
		val, err := l.value(op)
		if err != nil {
			return nil, err
		}
		return func(field string) bool { return val.compareField(op, field) }, nil
	})
	return col, err
}

func (l *lexer) name() string {
	return l.run(func(r rune) bool { return isWord(r) || r == '-' || r == '.' || r == '@' || r == '$' })
}

// compareField does op on a field of a line, which is a number if it looks like one.
func (v *value) compareField(op, field string) bool {
	if v.number != nil {
		if n, err := strconv.ParseFloat(field, 64); err == nil {
			return v.compare(op, field, &n)
		}
	}
	return v.compare(op, field, nil)
}

// extract tells whether a line is meant, and returns its fields by name. The
// last column takes what is left of a line that has more fields.
func (c *columns) extract(m string) (map[string]string, bool) {
	limit := len(c.list)
	if c.gap >= 0 {
		limit = 0
	}
	fields := split(m, limit)
	if len(fields) < len(c.list) || c.gap < 0 && len(fields) > len(c.list) {
		return nil, false
	}
	found := make(map[string]string, len(fields))
	skipped := len(fields) - len(c.list)
	for i, field := range fields {
		name := "$" + strconv.Itoa(i+1)
		at := i
		if c.gap >= 0 && i >= c.gap {
			at = i - skipped
		}
		if inGap := c.gap >= 0 && i >= c.gap && i < c.gap+skipped; !inGap {
			col := &c.list[at]
			if col.is != nil && !col.is(field) {
				return nil, false
			}
			if col.name != "" {
				name = "$" + strings.TrimPrefix(col.name, "$")
			}
		}
		found[name] = field
	}
	return found, true
}

// split returns the fields of a line: words, or what is between quotes or
// brackets. If limit is not 0 the last of limit fields is all that is left.
func split(m string, limit int) []string {
	var fields []string
	m = strings.TrimSpace(m)
	for m != "" {
		field, rest := cut(m)
		if limit > 0 && len(fields) == limit-1 && rest != "" {
			field, rest = m, ""
		}
		fields = append(fields, field)
		m = rest
	}
	return fields
}

// cut returns the first field of m, and what comes after it.
func cut(m string) (field, rest string) {
	closing := byte(0)
	switch m[0] {
	case '"':
		closing = '"'
	case '[':
		closing = ']'
	}
	if closing != 0 {
		if n := strings.IndexByte(m[1:], closing); n >= 0 {
			after := m[n+2:]
			if after == "" || after[0] == ' ' || after[0] == '\t' {
				return m[1 : n+1], strings.TrimLeft(after, " \t")
			}
		}
	}
	n := strings.IndexAny(m, " \t")
	if n < 0 {
		return m, ""
	}
	return m[:n], strings.TrimLeft(m[n:], " \t")
}
