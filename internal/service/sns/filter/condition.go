package filter

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
)

// A condition reports whether a value meets it; found says whether there is one.
type condition func(v any, found bool) bool

// operators make conditions of what stands behind their names.
var operators map[string]func(v any) (condition, error)

func init() {
	operators = map[string]func(v any) (condition, error){
		"prefix":             textual("prefix", strings.HasPrefix),
		"suffix":             textual("suffix", strings.HasSuffix),
		"equals-ignore-case": textual("equals-ignore-case", strings.EqualFold),
		"wildcard":           textual("wildcard", wildcard),
		"anything-but":       anythingBut,
		"exists":             exists,
		"numeric":            numeric,
		"cidr":               cidr,
	}
}

// conditions reads the list of conditions of a key.
func conditions(list []any) ([]condition, error) {
	if len(list) == 0 {
		return nil, refusal("Empty arrays are not allowed")
	}
	var all []condition
	for _, v := range list {
		c, err := newCondition(v)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func newCondition(v any) (condition, error) {
	o, ok := v.(object)
	if !ok {
		return equal(v)
	}
	if len(o) != 1 {
		return nil, refusal("Only one key allowed in match expression")
	}
	op := operators[o[0].name]
	if op == nil {
		return nil, refusef("Unrecognized match type %s", o[0].name)
	}
	return op(o[0].value)
}

// equal is met by the same value. Numbers are the same if they are equal.
func equal(want any) (condition, error) {
	switch want := want.(type) {
	case json.Number:
		n, err := number(want)
		return func(v any, found bool) bool {
			got, err := number(v)
			return err == nil && got.Cmp(n) == 0
		}, err
	case string, bool, nil:
		return func(v any, found bool) bool { return found && v == want }, nil
	}
	return nil, refusal("Match value must be String, number, true, false, or null")
}

var errNumber error = refusal("not a number")

// maxExponent keeps numbers within bounds.
const maxDigits = 64

func number(v any) (*big.Rat, error) {
	n, ok := v.(json.Number)
	if !ok || len(n) > maxDigits {
		return nil, errNumber
	}
	if _, exponent, found := strings.Cut(strings.ToLower(string(n)), "e"); found && len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return nil, errNumber
	}
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return nil, errNumber
	}
	return r, nil
}

// textual is an operator on texts.
func textual(name string, is func(s, what string) bool) func(v any) (condition, error) {
	return func(v any) (condition, error) {
		what, ok := v.(string)
		if !ok {
			return nil, refusef("%s match pattern must be a string", name)
		}
		return func(v any, _ bool) bool {
			s, ok := v.(string)
			return ok && is(s, what)
		}, nil
	}
}

// wildcard reports whether s is like pattern, in which * is any text.
func wildcard(s, pattern string) bool {
	first, rest, many := strings.Cut(pattern, "*")
	if !many {
		return s == pattern
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for {
		part, more, found := strings.Cut(rest, "*")
		if !found {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], more
	}
}

// anythingBut is met by values that meet none of what it lists.
func anythingBut(v any) (condition, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, refusal("Empty arrays are not allowed")
	}
	var all []condition
	for _, v := range list {
		o, isObject := v.(object)
		if isObject && (len(o) != 1 || o[0].name == "exists" || o[0].name == "numeric" || o[0].name == "anything-but") {
			return nil, refusal("Unsupported anything-but pattern")
		}
		if !isObject {
			if _, isText := v.(string); !isText {
				if _, err := number(v); err != nil {
					return nil, refusal("Inside anything but list, start|null|boolean is not supported.")
				}
			}
			c, err := equal(v)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
			continue
		}
		inner, isList := o[0].value.([]any)
		if !isList {
			inner = []any{o[0].value}
		}
		for _, v := range inner {
			c, err := newCondition(object{{o[0].name, v}})
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return func(v any, found bool) bool {
		if !found || v == (binary{}) {
			return false
		}
		for _, c := range all {
			if c(v, found) {
				return false
			}
		}
		return true
	}, nil
}

func exists(v any) (condition, error) {
	want, ok := v.(bool)
	if !ok {
		return nil, refusal("exists match pattern must be either true or false.")
	}
	return func(_ any, found bool) bool { return found == want }, nil
}

// numeric is met by numbers that meet all its comparisons.
func numeric(v any) (condition, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 || len(list)%2 != 0 || len(list) > 4 {
		return nil, refusal("Value of numeric must be an array of operators and numbers.")
	}
	type comparison struct {
		is func(d int) bool
		to *big.Rat
	}
	var all []comparison
	for i := 0; i < len(list); i += 2 {
		op, _ := list[i].(string)
		is := comparisons[op]
		if is == nil {
			return nil, refusef("Unrecognized numeric range operator: %s", compact(list[i]))
		}
		to, err := number(list[i+1])
		if err != nil {
			return nil, refusef("Value of %s must be numeric", op)
		}
		all = append(all, comparison{is, to})
	}
	return func(v any, _ bool) bool {
		n, err := number(v)
		if err != nil {
			return false
		}
		for _, c := range all {
			if !c.is(n.Cmp(c.to)) {
				return false
			}
		}
		return true
	}, nil
}

var comparisons = map[string]func(d int) bool{
	"=":  func(d int) bool { return d == 0 },
	"<":  func(d int) bool { return d < 0 },
	"<=": func(d int) bool { return d <= 0 },
	">":  func(d int) bool { return d > 0 },
	">=": func(d int) bool { return d >= 0 },
}

// cidr is met by addresses in a network.
func cidr(v any) (condition, error) {
	text, _ := v.(string)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, refusef("Malformed CIDR, one '/' required")
	}
	return func(v any, _ bool) bool {
		s, _ := v.(string)
		ip, err := netip.ParseAddr(s)
		return err == nil && network.Contains(ip)
	}, nil
}
