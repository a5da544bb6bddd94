package vtl

import (
	"math"
	"strings"
)

type literal struct{ v any }

func (l literal) eval(*run) (any, error) { return l.v, nil }

type interpolated struct{ body []node }

func (s *interpolated) eval(r *run) (any, error) { return r.captured(s.body) }

type array struct{ items []expr }

func (a *array) eval(r *run) (any, error) {
	l := &List{Items: make([]any, len(a.items))}
	for i, e := range a.items {
		v, err := e.eval(r)
		if err != nil {
			return nil, err
		}
		l.Items[i] = v
	}
	return l, r.spend(16 * len(a.items))
}

type span struct{ from, to expr }

func (s *span) eval(r *run) (any, error) {
	from, err := s.from.eval(r)
	if err != nil {
		return nil, err
	}
	to, err := s.to.eval(r)
	if err != nil {
		return nil, err
	}
	a, ok := from.(int64)
	b, ok2 := to.(int64)
	if !ok || !ok2 {
		return nil, nil
	}
	n := b - a
	step := int64(1)
	if n < 0 {
		n, step = -n, -1
	}
	if n < 0 || n > int64(r.MaxSteps) {
		return nil, ErrSteps
	}
	if err := r.spend(16 * int(n)); err != nil {
		return nil, err
	}
	l := &List{Items: make([]any, 0, n+1)}
	for i := int64(0); i <= n; i++ {
		l.Items = append(l.Items, a+i*step)
	}
	return l, nil
}

type object struct{ keys, values []expr }

func (o *object) eval(r *run) (any, error) {
	m := NewMap()
	for i := range o.keys {
		k, err := o.keys[i].eval(r)
		if err != nil {
			return nil, err
		}
		v, err := o.values[i].eval(r)
		if err != nil {
			return nil, err
		}
		m.Set(String(k), v)
	}
	return m, r.spend(32 * len(o.keys))
}

type not struct{ e expr }

func (n *not) eval(r *run) (any, error) {
	v, err := n.e.eval(r)
	return !truth(v), err
}

type operation struct {
	op          string
	left, right expr
}

func (o *operation) eval(r *run) (any, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	a, err := o.left.eval(r)
	if err != nil {
		return nil, err
	}
	switch {
	case o.op == "&&" && !truth(a):
		return false, nil
	case o.op == "||" && truth(a):
		return true, nil
	}
	b, err := o.right.eval(r)
	if err != nil {
		return nil, err
	}
	switch o.op {
	case "&&", "||":
		return truth(b), nil
	case "==":
		return r.equal(a, b), nil
	case "!=":
		return !r.equal(a, b), nil
	case "<", ">", "<=", ">=":
		return order(o.op, a, b), nil
	}
	return r.compute(o.op, a, b)
}

// equal reports whether two values are the same. Values of two kinds are, if
// they print alike.
func (r *run) equal(a, b any) bool {
	if r.Quiet && (a == nil || a == "") && (b == nil || b == "") {
		return true
	}
	if a == nil || b == nil {
		return a == b
	}
	x, xOK := float(a)
	y, yOK := float(b)
	if xOK && yOK {
		return x == y
	}
	return String(a) == String(b)
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func order(op string, a, b any) bool {
	x, xOK := float(a)
	y, yOK := float(b)
	c := 0
	switch {
	case xOK && yOK:
		if c = 1; x < y {
			c = -1
		} else if x == y {
			c = 0
		}
	default:
		s, ok := a.(string)
		t, ok2 := b.(string)
		if !ok || !ok2 {
			return false
		}
		c = strings.Compare(s, t)
	}
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

// compute does arithmetic. What is no number has no result, but + puts texts
// together.
func (r *run) compute(op string, a, b any) (any, error) {
	m, aInt := a.(int64)
	n, bInt := b.(int64)
	if aInt && bInt {
		return whole(op, m, n), nil
	}
	x, aOK := float(a)
	y, bOK := float(b)
	if !aOK || !bOK {
		_, aText := a.(string)
		_, bText := b.(string)
		if op != "+" || a == nil || b == nil || !aText && !bText {
			return nil, nil
		}
		s, t := String(a), String(b)
		return s + t, r.spend(len(s) + len(t))
	}
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	}
	if y == 0 {
		return nil, nil
	}
	if op == "%" {
		return math.Mod(x, y), nil
	}
	return x / y, nil
}

func whole(op string, m, n int64) any {
	switch op {
	case "+":
		return m + n
	case "-":
		return m - n
	case "*":
		return m * n
	}
	if n == 0 {
		return nil
	}
	if op == "%" {
		return m % n
	}
	return m / n
}
