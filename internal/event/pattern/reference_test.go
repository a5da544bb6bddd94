package pattern_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/netip"
	"strings"
)

// A reference matches as the manual says, slowly: it writes out every way to
// read a pattern and every way to choose elements of arrays.
type reference struct{ rules []map[string][]any }

func newReference(p string) *reference {
	return &reference{expand([]map[string][]any{{}}, "", ordered(p))}
}

// A pair is a member of an object, in order.
type pair struct {
	key string
	val any
}

// ordered reads JSON with its objects as pairs.
func ordered(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var read func() any
	read = func() any {
		tok, _ := d.Token()
		switch tok {
		case json.Delim('{'):
			var all []pair
			for d.More() {
				k, _ := d.Token()
				all = append(all, pair{k.(string), read()})
			}
			d.Token()
			return all
		case json.Delim('['):
			all := []any{}
			for d.More() {
				all = append(all, read())
			}
			d.Token()
			return all
		}
		return tok
	}
	return read()
}

// repeats reports whether an object of text has two members of one name below
// one another, or nests deep.
func repeats(text string) bool { return strings.Count(text, "{")+strings.Count(text, "[") > 40 }

func expand(rules []map[string][]any, path string, v any) []map[string][]any {
	for _, m := range v.([]pair) {
		below := m.key
		if path != "" {
			below = path + "." + m.key
		}
		switch x := m.val.(type) {
		case []pair:
			rules = expand(rules, below, x)
		case []any:
			if m.key == "$or" {
				var all []map[string][]any
				for _, branch := range x {
					var own []map[string][]any
					for _, r := range rules {
						own = append(own, maps.Clone(r))
					}
					all = append(all, expand(own, path, branch)...)
				}
				rules = all
				continue
			}
			for _, r := range rules {
				r[below] = x
			}
		}
	}
	return rules
}

// A leaf is a value of an event with the elements of arrays that it is in.
type leaf struct {
	v  any
	in map[int]int
}

func (r *reference) match(event string) bool {
	if !json.Valid([]byte(event)) {
		return false
	}
	top, ok := ordered(event).([]pair)
	if !ok {
		return false
	}
	leaves := map[string][]leaf{}
	arrays := 0
	var walk func(path string, v any, in map[int]int)
	walk = func(path string, v any, in map[int]int) {
		switch x := v.(type) {
		case []pair:
			for _, m := range x {
				below := m.key
				if path != "" {
					below = path + "." + m.key
				}
				walk(below, m.val, in)
			}
		case []any:
			arrays++
			id := arrays
			for i, e := range x {
				inner := maps.Clone(in)
				switch e.(type) {
				case []pair, []any:
					inner[id] = i
				}
				walk(path, e, inner)
			}
		default:
			leaves[path] = append(leaves[path], leaf{v, in})
		}
	}
	walk("", top, map[int]int{})
	for _, rule := range r.rules {
		var paths []string
		for p := range rule {
			paths = append(paths, p)
		}
		if choose(rule, paths, leaves, map[int]int{}) {
			return true
		}
	}
	return false
}

// choose tries every value for every path.
func choose(rule map[string][]any, paths []string, leaves map[string][]leaf, chosen map[int]int) bool {
	if len(paths) == 0 {
		return true
	}
	p, rest := paths[0], paths[1:]
	if len(leaves[p]) == 0 {
		for _, want := range rule[p] {
			if m, ok := want.([]pair); ok && m[0].key == "exists" && m[0].val == false {
				return choose(rule, rest, leaves, chosen)
			}
		}
		return false
	}
next:
	for _, l := range leaves[p] {
		passes := false
		for _, want := range rule[p] {
			passes = passes || accepts(want, l.v)
		}
		if !passes {
			continue
		}
		both := maps.Clone(chosen)
		for a, i := range l.in {
			if j, ok := both[a]; ok && i != j {
				continue next
			}
			both[a] = i
		}
		if choose(rule, rest, leaves, both) {
			return true
		}
	}
	return false
}

func accepts(want, v any) bool {
	m, ok := want.([]pair)
	if !ok {
		return same(want, v)
	}
	s, isText := v.(string)
	switch op, arg := m[0].key, m[0].val; op {
	case "exists":
		return arg == true
	case "exactly":
		return v == arg
	case "equals-ignore-case":
		return isText && strings.EqualFold(s, arg.(string))
	case "prefix", "suffix":
		return isText && affixed(op, arg, s)
	case "wildcard":
		return isText && globbed([]rune(arg.(string)), []rune(s))
	case "cidr":
		ip, ok := address(s)
		return isText && ok && netip.MustParsePrefix(arg.(string)).Contains(ip)
	case "numeric":
		return compares(arg.([]any), v)
	case "anything-but":
		inner, isOp := arg.([]pair)
		list, isList := arg.([]any)
		switch {
		case isOp && inner[0].key == "":
			return false
		case isOp:
			if l, ok := inner[0].val.([]any); ok {
				list = l
			} else {
				list = []any{inner[0].val}
			}
			for _, x := range list {
				if accepts([]pair{{inner[0].key, x}}, v) {
					return false
				}
			}
			return true
		case !isList:
			list = []any{arg}
		}
		for _, x := range list {
			if _, text := x.(string); text && x == v || !text && same(x, v) {
				return false
			}
		}
		return true
	}
	panic(fmt.Sprintf("operator %s", m[0].key))
}

func affixed(op string, arg any, s string) bool {
	if fold, ok := arg.([]pair); ok {
		want, have := []rune(fold[0].val.(string)), []rune(s)
		if len(have) < len(want) {
			return false
		}
		have = have[len(have)-len(want):]
		if op == "prefix" {
			have = []rune(s)[:len(want)]
		}
		return strings.EqualFold(string(have), string(want))
	}
	if op == "prefix" {
		return strings.HasPrefix(s, arg.(string))
	}
	return strings.HasSuffix(s, arg.(string))
}

func globbed(g, s []rune) bool {
	switch {
	case len(g) == 0:
		return len(s) == 0
	case g[0] == '*':
		return globbed(g[1:], s) || len(s) > 0 && globbed(g, s[1:])
	case g[0] == '\\':
		g = g[1:]
	}
	return len(s) > 0 && g[0] == s[0] && globbed(g[1:], s[1:])
}

func address(s string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" || bytes.ContainsAny([]byte(s), ".") && strings.Contains(s, ":") {
		return ip, false
	}
	return ip.Unmap(), true
}

// exact returns a number that a float64 holds in full.
func exact(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	if err != nil {
		return 0, false
	}
	if e := strings.IndexAny(string(n), "eE"); e >= 0 && len(n)-e > 5 {
		return 0, strings.Trim(string(n)[:e], "-0.") == "" // rationals of such size are no fun
	}
	want, _ := new(big.Rat).SetString(string(n))
	have, _ := new(big.Rat).SetString(fmt.Sprint(f))
	return f, want.Cmp(have) == 0
}

func same(want, v any) bool {
	if want == v {
		return true
	}
	if a, ok := want.(string); ok {
		b, ok := v.(string)
		ip, isIP := address(a)
		other, alsoIP := address(b)
		return ok && isIP && alsoIP && ip == other
	}
	a, ok := exact(want)
	b, also := exact(v)
	return ok && also && a == b
}

func compares(terms []any, v any) bool {
	n, ok := exact(v)
	for ; ok && len(terms) > 0; terms = terms[2:] {
		m, _ := exact(terms[1])
		switch terms[0] {
		case "<":
			ok = n < m
		case "<=":
			ok = n <= m
		case ">":
			ok = n > m
		case ">=":
			ok = n >= m
		case "=":
			ok = n == m
		}
	}
	return ok
}
