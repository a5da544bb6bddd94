package jsonata

import "math"

// native is a function of ours: its arguments are as its signature says.
type native func(m *machine, a []value, in value) value

// builtins are the functions of JSONata and those that Step Functions adds, by name without $.
var builtins map[string]*function

func define(table map[string]struct {
	signature string
	f         native
}) {
	for name, d := range table {
		fn := &function{name: name, native: d.f}
		if d.signature != "" {
			fn.signature = parseSignature(d.signature)
		}
		builtins[name] = fn
	}
}

type table = map[string]struct {
	signature string
	f         native
}

func init() {
	builtins = map[string]*function{}
	define(table{
		"sum":        {"<a<n>:n>", sum},
		"count":      {"<a:n>", func(_ *machine, a []value, _ value) value { return float64(len(asList(a[0]))) }},
		"max":        {"<a<n>:n>", extreme(1)},
		"min":        {"<a<n>:n>", extreme(-1)},
		"average":    {"<a<n>:n>", average},
		"boolean":    {"<x-:b>", boolean},
		"not":        {"<x-:b>", not},
		"exists":     {"<x:b>", func(_ *machine, a []value, _ value) value { return !isUndef(a[0]) }},
		"type":       {"<x:s>", func(_ *machine, a []value, _ value) value { return typeOf(a[0]) }},
		"number":     {"<(nsb)-:n>", toNumber},
		"floor":      {"<n-:n>", rounding(math.Floor)},
		"ceil":       {"<n-:n>", rounding(math.Ceil)},
		"abs":        {"<n-:n>", abs},
		"round":      {"<n-n?:n>", round},
		"sqrt":       {"<n-:n>", sqrt},
		"power":      {"<n-n:n>", power},
		"map":        {"<af>", mapOver},
		"filter":     {"<af>", filterBy},
		"single":     {"<af?>", single},
		"reduce":     {"<afj?:j>", reduce},
		"zip":        {"<a+>", zip},
		"sift":       {"<o-f?:o>", sift},
		"each":       {"<o-f:a>", each},
		"keys":       {"<x-:a<s>>", keys},
		"lookup":     {"<x-s:x>", func(m *machine, a []value, _ value) value { return unwrap(m.field(a[0], a[1].(string)), false) }},
		"append":     {"<xx:a>", func(m *machine, a []value, _ value) value { return m.appended(a[0], a[1]) }},
		"spread":     {"<x-:a<o>>", spread},
		"merge":      {"<a<o>:o>", merge},
		"reverse":    {"<a:a>", reverse},
		"sort":       {"<af?:a>", sortBy},
		"shuffle":    {"<a:a>", shuffle},
		"distinct":   {"<x:x>", distinct},
		"error":      {"<s?:x>", raise},
		"assert":     {"<bs?:x>", assert},
		"clone":      {"<(oa)-:o>", func(m *machine, a []value, _ value) value { return m.clone(a[0]) }},
		"random":     {"<n?:n>", random},
		"eval":       {"<sx?:x>", evalText},
		"formatBase": {"<n-n?:s>", formatBase},
	})
	define(stringFunctions)
	define(timeFunctions)
	define(stepFunctions)
}

func raise(_ *machine, a []value, _ value) value {
	text, ok := a[0].(string)
	if !ok {
		text = "$error() function evaluated"
	}
	fail("D3137", text)
	return nil
}

func assert(_ *machine, a []value, _ value) value {
	if a[0] == true {
		return undef
	}
	text, ok := a[1].(string)
	if !ok {
		text = "$assert() statement failed"
	}
	fail("D3141", text)
	return nil
}

func evalText(m *machine, a []value, in value) value {
	if !m.env.Eval {
		fail("T1006")
	}
	text, ok := a[0].(string)
	if !ok {
		return undef
	}
	p, err := Parse(text)
	if err != nil {
		fail("D3120", Message(err))
	}
	if !isUndef(a[1]) {
		in = a[1]
		if list, ok := listOf(in); ok {
			in = &seq{items: []value{list}, sequence: true, outer: true}
		}
	}
	v, err := m.attempt(p.root, in)
	if err != nil {
		fail("D3121", Message(err))
	}
	return v
}

func (m *machine) attempt(n *node, in value) (v value, err error) {
	defer rescue(&err)
	return m.eval(n, in, m.root), nil
}
