// Package router finds the route of an HTTP API that a request is for, as API
// Gateway does: the most specific path wins, literal before variable before
// greedy variable, then the method before ANY, and $default takes the rest. The
// cost depends on the path alone, not on how many routes there are.
package router

import (
	"net/url"
	"slices"
	"strings"
)

// Default is the key of the route for what no other takes.
const Default = "$default"

// AnyMethod is the method of routes that take all.
const AnyMethod = "ANY"

var methods = []string{AnyMethod, "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

// ErrKey is the error of a route key that is not one.
const ErrKey keyError = `The provided route key is not formatted properly for HTTP protocol. Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default"`

// A keyError speaks as API Gateway does.
type keyError string

func (e keyError) Error() string { return string(e) }

// A Key is the key of a route, taken apart.
type Key struct {
	Method string // empty for $default
	Path   string
}

// ParseKey reads a route key: "GET /pets/{id}", "ANY /{proxy+}", "$default".
func ParseKey(key string) (Key, error) {
	if key == Default {
		return Key{}, nil
	}
	method, path, ok := strings.Cut(key, " ")
	if !ok || !slices.Contains(methods, method) || !strings.HasPrefix(path, "/") {
		return Key{}, ErrKey
	}
	segments := strings.Split(path[1:], "/")
	seen := make(map[string]bool)
	for i, s := range segments {
		name, greedy, isVar := variable(s)
		switch {
		case !isVar && strings.ContainsAny(s, "{} ?#"):
			return Key{}, ErrKey
		case !isVar:
		case name == "" || strings.ContainsAny(name, "{}+") || seen[name] || greedy && i < len(segments)-1:
			return Key{}, ErrKey
		default:
			seen[name] = true
		}
	}
	return Key{method, path}, nil
}

// variable takes a segment such as {id} or {proxy+} apart.
func variable(segment string) (name string, greedy, ok bool) {
	if !strings.HasPrefix(segment, "{") || !strings.HasSuffix(segment, "}") {
		return "", false, false
	}
	name = segment[1 : len(segment)-1]
	name, greedy = strings.CutSuffix(name, "+")
	return name, greedy, true
}

// A Param is a variable of a path and its value, decoded and as it came.
type Param struct{ Name, Value, Raw string }

// A Tree holds routes that lead to values of type T.
type Tree[T any] struct {
	root     node[T]
	fallback *T
}

type node[T any] struct {
	literal  map[string]*node[T]
	variable *node[T]
	greedy   map[string]*leaf[T] // by method
	ends     map[string]*leaf[T] // by method
}

type leaf[T any] struct {
	names []string // of the path's variables, in order
	value T
}

// Add adds a route. The last of two with one key stays.
func (t *Tree[T]) Add(key string, value T) error {
	k, err := ParseKey(key)
	if err != nil {
		return err
	}
	if k.Method == "" {
		t.fallback = &value
		return nil
	}
	n, l := &t.root, &leaf[T]{value: value}
	for s := range strings.SplitSeq(k.Path[1:], "/") {
		name, greedy, ok := variable(s)
		if ok {
			l.names = append(l.names, name)
		}
		switch {
		case greedy:
			put(&n.greedy, k.Method, l)
			return nil
		case ok:
			if n.variable == nil {
				n.variable = new(node[T])
			}
			n = n.variable
		default:
			if n.literal == nil {
				n.literal = make(map[string]*node[T])
			}
			if n.literal[s] == nil {
				n.literal[s] = new(node[T])
			}
			n = n.literal[s]
		}
	}
	put(&n.ends, k.Method, l)
	return nil
}

func put[T any](m *map[string]*leaf[T], method string, l *leaf[T]) {
	if *m == nil {
		*m = make(map[string]*leaf[T])
	}
	(*m)[method] = l
}

// Find returns the value of the route for a request with that method and raw
// path, and the path's variables.
func (t *Tree[T]) Find(method, path string) (value T, params []Param, ok bool) {
	s := search[T]{method: method}
	if l := s.find(&t.root, strings.Split(strings.TrimPrefix(path, "/"), "/")); l != nil {
		for i, name := range l.names {
			params = append(params, Param{name, decode(s.values[i]), s.values[i]})
		}
		return l.value, params, true
	}
	if t.fallback != nil {
		return *t.fallback, nil, true
	}
	return value, nil, false
}

type search[T any] struct {
	method string
	values []string
}

func (s *search[T]) find(n *node[T], rest []string) *leaf[T] {
	if len(rest) == 0 {
		return s.choose(n.ends)
	}
	segment := rest[0]
	next := n.literal[segment]
	if next == nil && strings.Contains(segment, "%") {
		next = n.literal[decode(segment)]
	}
	if next != nil {
		if l := s.find(next, rest[1:]); l != nil {
			return l
		}
	}
	depth := len(s.values)
	if n.variable != nil && segment != "" {
		s.values = append(s.values, segment)
		if l := s.find(n.variable, rest[1:]); l != nil {
			return l
		}
		s.values = s.values[:depth]
	}
	if all := strings.Join(rest, "/"); n.greedy != nil && all != "" {
		if l := s.choose(n.greedy); l != nil {
			s.values = append(s.values, all)
			return l
		}
	}
	return nil
}

func (s *search[T]) choose(m map[string]*leaf[T]) *leaf[T] {
	if l := m[s.method]; l != nil {
		return l
	}
	return m[AnyMethod]
}

// decode decodes a part of a raw path; what is malformed stays as it is.
func decode(raw string) string {
	if s, err := url.PathUnescape(raw); err == nil {
		return s
	}
	return raw
}
