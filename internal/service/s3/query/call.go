package query

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/lexer"
)

// call reads a call, whose opening parenthesis has been read.
func (p *parser) call(name string) expression {
	p.operator()
	if totalNames[name] {
		return p.total(name)
	}
	switch name {
	case "CAST":
		return p.cast()
	case "SUBSTRING":
		return p.substring()
	case "TRIM":
		return p.trim()
	case "EXTRACT":
		return p.extract()
	case "DATE_ADD", "DATE_DIFF":
		return p.dates(name)
	case "COALESCE":
		return p.coalesce()
	}
	f, ok := functions[name]
	if !ok {
		p.at -= 2
		p.fail("UnsupportedFunction", "S3 encountered an unsupported SQL function.")
		return constant(nil)
	}
	args := p.list()
	if len(args) != f.arity {
		p.arity()
	}
	return apply(args, f.call)
}

func (p *parser) arity() { p.fail("EvaluatorInvalidArguments", wordsArity) }

func (p *parser) close() { p.need(")", "ParseExpectedRightParenBuiltinFunctionCall", wordsRight) }

func (p *parser) delimiter() {
	p.need(",", "ParseExpectedArgumentDelimiter", "The expected argument delimiter in the SQL expression was not found.")
}

// apply calls f with the values of its arguments.
func apply(args []expression, f func(*scope, []Value) (Value, error)) expression {
	return func(in *scope) (Value, error) {
		values := make([]Value, len(args))
		for i, a := range args {
			var err error
			if values[i], err = a(in); err != nil {
				return nil, err
			}
		}
		return f(in, values)
	}
}

// total reads a call of an aggregate function.
func (p *parser) total(name string) expression {
	if p.inTotal {
		p.fail("UnsupportedSqlStructure", wordsStructure)
	}
	t := total{name: name}
	if p.take("*") {
		if name != "COUNT" {
			p.fail("ParseUnsupportedCallWithStar", "Only COUNT with (*) as a parameter is supported in the SQL expression.")
		}
		p.close()
	} else {
		p.inTotal = true
		args := p.list()
		p.inTotal = false
		if len(args) != 1 {
			p.fail("ParseNonUnaryAgregateFunctionCall", "Only one argument is supported for aggregate functions in the SQL expression.")
			return constant(nil)
		}
		t.of = args[0]
	}
	i := len(p.out.totals)
	p.out.totals = append(p.out.totals, t)
	return func(in *scope) (Value, error) { return t.result(&in.totals[i]) }
}

// cast reads CAST(a AS type).
func (p *parser) cast() expression {
	a := p.expression()
	p.need("AS", "ParseExpectedKeyword", wordsKeyword)
	t := p.next()
	to, ok := casts[strings.ToUpper(t.Text)]
	if !ok || t.Kind != lexer.Word {
		p.fail("ParseExpectedTypeName", "The expected type name in the SQL expression was not found.")
		return constant(nil)
	}
	if p.take("(") { // precision and scale, which count for nothing
		for n := p.next(); n.Kind == lexer.Number || n.Is(","); n = p.next() {
		}
		if !p.tokens[p.at-1].Is(")") {
			p.fail("ParseInvalidTypeParam", "The SQL expression contains a parameter value that is not valid.")
		}
	}
	p.close()
	return func(in *scope) (Value, error) {
		v, err := a(in)
		if err != nil || absent(v) {
			return v, err
		}
		out, ok := to(v)
		if !ok {
			return nil, Fault("CastFailed", wordsCast)
		}
		return out, nil
	}
}

// substring reads SUBSTRING(a FROM 1 FOR 2), or with commas.
func (p *parser) substring() expression {
	args := []expression{p.expression()}
	if p.take("FROM") {
		args = append(args, p.expression())
		if p.take("FOR") {
			args = append(args, p.expression())
		}
	} else {
		for len(args) < 3 && p.take(",") {
			args = append(args, p.expression())
		}
	}
	if len(args) < 2 {
		p.arity()
	}
	p.close()
	return apply(args, substring)
}

// trim reads TRIM([LEADING|TRAILING|BOTH] ['chars'] FROM a), or TRIM(a).
func (p *parser) trim() expression {
	side := "BOTH"
	named := false
	for _, s := range []string{"LEADING", "TRAILING", "BOTH"} {
		if p.peek().Is(s) && !p.tokens[p.at+1].Is(")") && !p.tokens[p.at+1].Is(".") {
			p.next()
			side, named = s, true
			break
		}
	}
	chars := constant(" ")
	var text expression
	if p.take("FROM") {
		text = p.expression()
	} else {
		text = p.expression()
		if p.take("FROM") {
			chars, text = text, p.expression()
		} else if named {
			p.fail("ParseExpectedKeyword", wordsKeyword)
		}
	}
	p.close()
	return apply([]expression{text, chars}, func(_ *scope, v []Value) (Value, error) {
		return texts(v, func(s []string) (Value, error) {
			out := s[0]
			if side != "TRAILING" {
				out = strings.TrimLeft(out, s[1])
			}
			if side != "LEADING" {
				out = strings.TrimRight(out, s[1])
			}
			return out, nil
		})
	})
}

// extract reads EXTRACT(part FROM a).
func (p *parser) extract() expression {
	part := strings.ToUpper(p.next().Text)
	if _, ok := (Timestamp{}).part(part); !ok {
		p.datePart()
	}
	p.need("FROM", "ParseExpectedKeyword", wordsKeyword)
	a := p.expression()
	p.close()
	return apply([]expression{a}, func(_ *scope, v []Value) (Value, error) {
		return times(v, func(t []Timestamp) (Value, error) {
			n, _ := t[0].part(part)
			return n, nil
		})
	})
}

func (p *parser) datePart() {
	p.fail("ParseExpectedDatePart", "The expected date part in the SQL expression was not found.")
}

// dates reads DATE_ADD(part, 1, a) and DATE_DIFF(part, a, b).
func (p *parser) dates(name string) expression {
	part, ok := dateParts[strings.ToUpper(p.next().Text)]
	if !ok {
		p.datePart()
	}
	p.delimiter()
	a := p.expression()
	p.delimiter()
	b := p.expression()
	p.close()
	if name == "DATE_DIFF" {
		return apply([]expression{a, b}, func(_ *scope, v []Value) (Value, error) {
			return times(v, func(t []Timestamp) (Value, error) { return t[1].since(t[0], part), nil })
		})
	}
	return apply([]expression{b, a}, func(_ *scope, v []Value) (Value, error) {
		if absent(v[1]) {
			return nil, nil
		}
		n, ok := numberOf(v[1])
		if !ok || n.kind != isInt {
			return nil, Fault("IncorrectSqlFunctionArgumentType", wordsArgument)
		}
		return times(v[:1], func(t []Timestamp) (Value, error) {
			out, ok := t[0].add(part, n.int)
			if !ok {
				return nil, Fault("IllegalSqlFunctionArgument", "An illegal argument was used in the SQL function.")
			}
			return out, nil
		})
	})
}

func (p *parser) coalesce() expression {
	args := p.list()
	if len(args) == 0 {
		p.arity()
	}
	return func(in *scope) (Value, error) {
		for _, a := range args {
			if v, err := a(in); err != nil || !absent(v) {
				return v, err
			}
		}
		return nil, nil
	}
}

// cases reads CASE WHEN c THEN a ELSE b END, or CASE v WHEN w THEN a END.
func (p *parser) cases() expression {
	p.operator()
	var subject expression
	if !p.peek().Is("WHEN") {
		subject = p.expression()
	}
	type branch struct{ when, then expression }
	var branches []branch
	for p.take("WHEN") {
		b := branch{when: p.expression()}
		if subject != nil {
			b.when = comparison("=", subject, b.when)
		}
		p.need("THEN", "ParseExpectedKeyword", wordsKeyword)
		b.then = p.expression()
		branches = append(branches, b)
	}
	if len(branches) == 0 {
		p.fail("ParseExpectedWhenClause", "The expected WHEN clause in the SQL expression was not found.")
	}
	otherwise := constant(nil)
	if p.take("ELSE") {
		otherwise = p.expression()
	}
	p.need("END", "ParseExpectedKeyword", wordsKeyword)
	return func(in *scope) (Value, error) {
		for _, b := range branches {
			v, err := b.when(in)
			if err != nil {
				return nil, err
			}
			if v == true {
				return b.then(in)
			}
		}
		return otherwise(in)
	}
}
