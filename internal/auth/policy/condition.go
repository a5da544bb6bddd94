package policy

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A condition is one key under one operator, with the values it is compared with.
type condition struct {
	key      string // in lower case
	op       operator
	each     quantifier
	ifExists bool
	wants    []want
}

// An operator is what a condition compares by.
type operator struct {
	family  family
	negated bool
	test    test
}

type family uint8

const (
	stringFamily family = iota
	numericFamily
	dateFamily
	boolFamily
	binaryFamily
	addressFamily
	arnFamily
	nullFamily
)

// A test says how two values of a family are compared.
type test uint8

const (
	equal test = iota
	like       // with wildcards
	equalFold
	less
	lessOrEqual
	greater
	greaterOrEqual
)

type quantifier uint8

const (
	once quantifier = iota
	forAllValues
	forAnyValue
)

func findOperator(name string) (operator, bool) {
	switch name {
	case "StringEquals":
		return operator{stringFamily, false, equal}, true
	case "StringNotEquals":
		return operator{stringFamily, true, equal}, true
	case "StringEqualsIgnoreCase":
		return operator{stringFamily, false, equalFold}, true
	case "StringNotEqualsIgnoreCase":
		return operator{stringFamily, true, equalFold}, true
	case "StringLike":
		return operator{stringFamily, false, like}, true
	case "StringNotLike":
		return operator{stringFamily, true, like}, true
	case "Bool":
		return operator{boolFamily, false, equal}, true
	case "BinaryEquals":
		return operator{binaryFamily, false, equal}, true
	case "IpAddress":
		return operator{addressFamily, false, equal}, true
	case "NotIpAddress":
		return operator{addressFamily, true, equal}, true
	case "ArnEquals", "ArnLike":
		return operator{arnFamily, false, like}, true
	case "ArnNotEquals", "ArnNotLike":
		return operator{arnFamily, true, like}, true
	case "Null":
		return operator{nullFamily, false, equal}, true
	}
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		return findOrder(numericFamily, rest)
	}
	if rest, ok := strings.CutPrefix(name, "Date"); ok {
		return findOrder(dateFamily, rest)
	}
	return operator{}, false
}

// findOrder finds an operator of a family that has an order.
func findOrder(f family, name string) (operator, bool) {
	switch name {
	case "Equals":
		return operator{f, false, equal}, true
	case "NotEquals":
		return operator{f, true, equal}, true
	case "LessThan":
		return operator{f, false, less}, true
	case "LessThanEquals":
		return operator{f, false, lessOrEqual}, true
	case "GreaterThan":
		return operator{f, false, greater}, true
	case "GreaterThanEquals":
		return operator{f, false, greaterOrEqual}, true
	}
	return operator{}, false
}

// newCondition compiles a condition, or reports that there is no such operator.
func newCondition(name, key string, values []string, vars bool) (condition, bool) {
	c := condition{key: strings.ToLower(key)}
	if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.each, name = forAllValues, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.each, name = forAnyValue, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	var ok bool
	if c.op, ok = findOperator(name); !ok || c.op.family == nullFamily && (c.ifExists || c.each != once) {
		return condition{}, false
	}
	for _, v := range values {
		c.wants = append(c.wants, c.op.newWant(v, vars))
	}
	return c, true
}

// A want is a value in a policy, compiled for its operator. One that is not
// of the operator's family matches nothing.
type want struct {
	bad     bool
	pattern pattern
	arn     arnPattern
	number  float64
	time    time.Time
	network netip.Prefix
	text    string
}

func (op operator) newWant(s string, vars bool) want {
	var w want
	var err error
	switch op.family {
	case stringFamily:
		if op.test == equalFold {
			s = strings.ToLower(s)
		}
		w.pattern = compile(s, op.test == like, vars)
	case arnFamily:
		w.arn = compileARN(s, vars)
	case numericFamily:
		w.number, err = strconv.ParseFloat(s, 64)
	case dateFamily:
		w.time, err = parseTime(s)
	case addressFamily:
		w.network, err = parseNetwork(s)
	case binaryFamily:
		var b []byte
		b, err = base64.StdEncoding.DecodeString(s)
		w.text = string(b)
	case boolFamily, nullFamily:
		w.text = strings.ToLower(s)
	}
	w.bad = err != nil
	return w
}

// holds reports whether c is true of r.
func (c *condition) holds(r *Request) bool {
	v := r.lookup(c.key)
	present := v.found && (v.many == nil || len(v.many) > 0)
	if c.op.family == nullFamily {
		return slices.ContainsFunc(c.wants, func(w want) bool { return w.text == strconv.FormatBool(!present) })
	}
	if !present {
		// A request without the key is not equal to anything, and all of its
		// no values are.
		return c.ifExists || c.each == forAllValues || c.op.negated && c.each == once
	}
	if v.many == nil {
		return c.accepts(v.one, r)
	}
	switch accepts := func(s string) bool { return c.accepts(s, r) }; {
	case c.each == forAllValues, c.each == once && c.op.negated:
		return !slices.ContainsFunc(v.many, func(s string) bool { return !accepts(s) })
	default:
		return slices.ContainsFunc(v.many, accepts)
	}
}

// accepts reports whether one value of a request is equal to one of those that
// c wants or, negated, to none.
func (c *condition) accepts(s string, r *Request) bool {
	for i := range c.wants {
		if c.op.match(&c.wants[i], s, r) {
			return !c.op.negated
		}
	}
	return c.op.negated
}

// match reports whether s is as w wants it.
func (op operator) match(w *want, s string, r *Request) bool {
	if w.bad {
		return false
	}
	switch op.family {
	case stringFamily:
		if op.test == equalFold {
			return w.pattern.matchFold(s, r)
		}
		return w.pattern.match(s, r)
	case arnFamily:
		return w.arn.matchText(s, r)
	case numericFamily:
		n, err := strconv.ParseFloat(s, 64)
		return err == nil && op.ordered(compareNumbers(n, w.number))
	case dateFamily:
		t, err := parseTime(s)
		return err == nil && op.ordered(t.Compare(w.time))
	case addressFamily:
		a, err := netip.ParseAddr(s)
		return err == nil && w.network.Contains(a.Unmap())
	case binaryFamily:
		b, err := base64.StdEncoding.DecodeString(s)
		return err == nil && string(b) == w.text
	}
	return strings.EqualFold(s, w.text)
}

// matchFold is match for a pattern whose text is in lower case.
func (p *pattern) matchFold(s string, r *Request) bool {
	if p.kind == exact {
		return strings.EqualFold(p.text, s)
	}
	text, ok := p.expand(r)
	return ok && strings.EqualFold(text, s)
}

func compareNumbers(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	}
	return 2 // not a number
}

// ordered reports whether a comparison came out as op wants it.
func (op operator) ordered(sign int) bool {
	switch op.test {
	case less:
		return sign == -1
	case lessOrEqual:
		return sign == -1 || sign == 0
	case greater:
		return sign == 1
	case greaterOrEqual:
		return sign == 1 || sign == 0
	}
	return sign == 0
}

// parseTime reads a date as W3C writes it, or seconds since 1970.
func parseTime(s string) (time.Time, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), nil
	}
	var t time.Time
	var err error
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02", "2006-01"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return t, err
}

// parseNetwork reads a range of addresses, or one address.
func parseNetwork(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
}
