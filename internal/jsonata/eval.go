package jsonata

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// frame is a scope of variables.
type frame struct {
	names  []string
	values []value
	parent *frame
	lookup func(name string) (value, bool) // of the outermost
	at     *item                           // the context, when paths need to find its parents
}

func (f *frame) bind(name string, v value) {
	for i, n := range f.names {
		if n == name {
			f.values[i] = v
			return
		}
	}
	f.names, f.values = append(f.names, name), append(f.values, v)
}

func (f *frame) get(name string) value {
	for ; f != nil; f = f.parent {
		for i, n := range f.names {
			if n == name {
				return f.values[i]
			}
		}
		if f.lookup != nil {
			if v, ok := f.lookup(name); ok {
				return v
			}
		}
	}
	if b := builtins[name]; b != nil {
		return b
	}
	return undef
}

func (f *frame) context() *item {
	for ; f != nil; f = f.parent {
		if f.at != nil {
			return f.at
		}
	}
	return nil
}

// eval computes n where the context is in.
func (m *machine) eval(n *node, in value, f *frame) value {
	m.tick()
	if m.depth++; m.depth > m.limit {
		fail("U1001")
	}
	v := m.compute(n, in, f)
	if n.kind != nPath {
		for _, s := range n.stages {
			if s.filter != nil {
				v = m.filter(s.filter, v, f)
			}
		}
		if n.hasGroup {
			v = m.groupBy(n.group, v, f)
		}
	}
	m.depth--
	return unwrap(v, n.keep)
}

func (m *machine) compute(n *node, in value, f *frame) value {
	switch n.kind {
	case nLiteral:
		return n.value
	case nName:
		return m.field(in, n.text)
	case nVariable:
		return variable(n.text, in, f)
	case nWildcard:
		return m.wildcard(in)
	case nDescendant:
		return m.descendants(in)
	case nParent:
		if at := f.context(); at != nil && at.up != nil {
			return at.up.v
		}
		return undef
	case nRegex:
		return n.regex
	case nPath:
		return m.path(n, in, f)
	case nBinary:
		return m.binary(n, in, f)
	case nNegate:
		return m.negate(m.eval(n.right, in, f))
	case nArray:
		return m.array(n, in, f)
	case nObject:
		return m.groupBy(n.pairs, in, f)
	case nBlock:
		return m.block(n, in, f)
	case nBind:
		v := m.eval(n.right, in, f)
		f.bind(n.left.text, v)
		return v
	}
	return m.computeCall(n, in, f)
}

func (m *machine) computeCall(n *node, in value, f *frame) value {
	switch n.kind {
	case nCondition:
		if truth(m.eval(n.left, in, f)) {
			return m.eval(n.right, in, f)
		}
		if n.other == nil {
			return undef
		}
		return m.eval(n.other, in, f)
	case nCoalesce:
		if v := m.eval(n.left, in, f); !isUndef(v) {
			return v
		}
		return m.eval(n.right, in, f)
	case nElvis:
		if v := m.eval(n.left, in, f); truth(v) {
			return v
		}
		return m.eval(n.right, in, f)
	case nCall:
		return m.call(n, in, f, nil)
	case nPartial:
		return m.partial(n, in, f)
	case nLambda:
		return &function{lambda: n, frame: f, input: in}
	case nApply:
		return m.applyTo(n, in, f)
	case nTransform:
		return m.transformer(n, f)
	}
	return undef
}

func variable(name string, in value, f *frame) value {
	if name == "" {
		if s, ok := in.(*seq); ok && s.outer {
			return s.items[0]
		}
		return in
	}
	return f.get(name)
}

// field is a member of an object, or of all objects of a list.
func (m *machine) field(in value, name string) value {
	switch in := in.(type) {
	case *tree.Object:
		if v, found := in.Get(name); found {
			return v
		}
		return undef
	case []value:
		return m.fields(in, name)
	case *seq:
		return m.fields(in.items, name)
	}
	return undef
}

func (m *machine) fields(list []value, name string) value {
	out := &seq{sequence: true}
	for _, x := range list {
		m.tick()
		v := m.field(x, name)
		if inner, ok := listOf(v); ok {
			out.items = append(out.items, inner...)
		} else if !isUndef(v) {
			out.items = append(out.items, v)
		}
	}
	m.spend(16 * len(out.items))
	return out
}

func (m *machine) wildcard(in value) value {
	if s, ok := in.(*seq); ok && s.outer {
		in = s.items[0]
	}
	out := &seq{sequence: true}
	add := func(v value) {
		if _, ok := listOf(v); ok {
			out.items = flatten(out.items, v)
		} else {
			out.items = append(out.items, v)
		}
	}
	switch in := in.(type) {
	case *tree.Object:
		for _, v := range in.All() {
			add(v)
		}
	default:
		list, _ := listOf(in)
		for _, v := range list {
			add(v)
		}
	}
	m.spend(16 * len(out.items))
	return out
}

func flatten(out []value, v value) []value {
	if list, ok := listOf(v); ok {
		for _, x := range list {
			out = flatten(out, x)
		}
		return out
	}
	return append(out, v)
}

func (m *machine) descendants(in value) value {
	if isUndef(in) {
		return undef
	}
	out := &seq{sequence: true}
	m.descend(in, out)
	return out
}

func (m *machine) descend(v value, out *seq) {
	m.tick()
	list, isList := listOf(v)
	if !isList {
		out.items = append(out.items, v)
		m.spend(16)
	}
	for _, x := range list {
		m.descend(x, out)
	}
	if o, ok := v.(*tree.Object); ok {
		for _, x := range o.All() {
			m.descend(x, out)
		}
	}
}

func (m *machine) negate(v value) value {
	switch {
	case isUndef(v):
		return v
	case !isNumber(v):
		fail("D1002", stringify(v))
	}
	return negative(v)
}

func (m *machine) array(n *node, in value, f *frame) value {
	out := &seq{cons: n.cons}
	for _, x := range n.list {
		v := m.eval(x, in, f)
		list, isList := listOf(v)
		switch {
		case isUndef(v):
		case isList && x.kind != nArray:
			out.items = append(out.items, list...)
		default:
			out.items = append(out.items, v)
		}
	}
	m.spend(16 * len(out.items))
	return out
}

func (m *machine) block(n *node, in value, f *frame) value {
	inner := &frame{parent: f}
	v := undef
	for _, x := range n.list {
		v = m.eval(x, in, inner)
	}
	return v
}

func (m *machine) binary(n *node, in value, f *frame) value {
	left := m.eval(n.left, in, f)
	switch n.text {
	case "and":
		return truth(left) && truth(m.eval(n.right, in, f))
	case "or":
		return truth(left) || truth(m.eval(n.right, in, f))
	}
	right := m.eval(n.right, in, f)
	switch n.text {
	case "+", "-", "*", "/", "%":
		return arithmetic(n.text, left, right)
	case "=", "!=":
		if isUndef(left) || isUndef(right) {
			return false
		}
		return equal(left, right) == (n.text == "=")
	case "<", "<=", ">", ">=":
		return compare(n.text, left, right)
	case "&":
		a, b := m.concatenated(left), m.concatenated(right)
		m.spend(len(a) + len(b))
		return a + b
	case "..":
		return m.span(left, right)
	case "in":
		if isUndef(left) || isUndef(right) {
			return false
		}
		for _, x := range asList(right) {
			if equal(left, x) {
				return true
			}
		}
		return false
	}
	fail("S0204", n.text)
	return nil
}

func (m *machine) concatenated(v value) string {
	if isUndef(v) {
		return ""
	}
	return m.text(v)
}

func arithmetic(op string, left, right value) value {
	if !isUndef(left) && !isNumber(left) {
		fail("T2001", op)
	}
	if !isUndef(right) && !isNumber(right) {
		fail("T2002", op)
	}
	if isUndef(left) || isUndef(right) {
		return undef
	}
	a, b := toFloat(left), toFloat(right)
	for _, f := range []float64{a, b} {
		if math.IsInf(f, 0) || math.IsNaN(f) {
			fail("D1001", outputFloat(f))
		}
	}
	var f float64
	switch op {
	case "+":
		f = a + b
	case "-":
		f = a - b
	case "*":
		f = a * b
	case "/":
		f = a / b
	case "%":
		f = math.Mod(a, b)
	}
	_, long := left.(json.Number)
	_, long2 := right.(json.Number)
	if long || long2 || math.Abs(f) >= exact {
		if v, ok := exactly(op, left, right); ok {
			return v
		}
	}
	return f
}

// exactly computes with whole numbers that float64 cannot hold.
func exactly(op string, left, right value) (value, bool) {
	a, ok := wholeOf(left)
	b, ok2 := wholeOf(right)
	if !ok || !ok2 {
		return nil, false
	}
	var c int64
	switch op {
	case "+":
		c = a + b
		ok = (c > a) == (b > 0)
	case "-":
		c = a - b
		ok = (c < a) == (b > 0)
	case "*":
		c = a * b
		ok = a != 0 && c/a == b && !(a == -1 && b == math.MinInt64)
	case "%":
		if b == 0 || b == -1 {
			return nil, false
		}
		c = a % b
	default:
		return nil, false
	}
	return tree.Value(json.Number(formatInt(c))), ok
}

func compare(op string, left, right value) value {
	comparable := func(v value) bool {
		_, isText := v.(string)
		return isText || isNumber(v) || isUndef(v)
	}
	if !comparable(left) || !comparable(right) {
		fail("T2010", op)
	}
	if isUndef(left) || isUndef(right) {
		return undef
	}
	if isNumber(left) != isNumber(right) {
		fail("T2009", left, right, op)
	}
	c := order(left, right)
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// order compares two strings or two numbers.
func order(a, b value) int {
	if x, ok := a.(string); ok {
		return strings.Compare(x, b.(string))
	}
	x, ok := wholeOf(a)
	if y, ok2 := wholeOf(b); ok && ok2 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	f, g := toFloat(a), toFloat(b)
	switch {
	case f < g:
		return -1
	case f > g:
		return 1
	}
	return 0
}

// maxSpan is how many numbers a range gives, as AWS was seen to allow.
const maxSpan = 873_782

func (m *machine) span(left, right value) value {
	check := func(v value, code string) {
		if _, ok := wholeOf(v); !isUndef(v) && (!isNumber(v) || !ok) {
			fail(code)
		}
	}
	check(left, "T2003")
	check(right, "T2004")
	if isUndef(left) || isUndef(right) {
		return undef
	}
	a, _ := wholeOf(left)
	b, _ := wholeOf(right)
	if a > b {
		return undef
	}
	n := b - a + 1
	if n > maxSpan || n <= 0 {
		fail("D2014", int(n))
	}
	m.spend(24 * int(n))
	items := make([]value, n)
	for i := range items {
		items[i] = float64(a + int64(i))
	}
	return &seq{items: items, sequence: true}
}
