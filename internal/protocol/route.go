package protocol

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A label is a part of a path that the operation's URI has a name for.
type label struct{ name, value string }

// A route is one REST operation at its path.
type route struct {
	op      *smithy.OperationInfo
	labels  []string // names, in the order of the path
	literal []param  // what the query must hold
	headers []string // required members in headers, which tell CopyObject from PutObject
	queries []string // likewise in the query, which tell UploadPart from it
}

type param struct{ name, value string }

// A routeNode is a place in the tree of paths, between two slashes.
type routeNode struct {
	literal map[string]*routeNode
	label   *routeNode
	greedy  []greedy
	methods map[string][]*route // of the paths that end here
}

// A greedy is a label that takes several segments, and the literal ones behind it.
type greedy struct {
	tail    []string
	methods map[string][]*route
}

// newRoutes compiles the paths of a REST service.
func newRoutes(svc *smithy.Service) *routeNode {
	root := new(routeNode)
	for i := range svc.Operations {
		root.add(&svc.Operations[i])
	}
	return root
}

func (n *routeNode) add(op *smithy.OperationInfo) {
	uri, query, _ := strings.Cut(op.URI, "?")
	r := &route{op: op}
	for q := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(q, "="); name != "" && name != "x-id" {
			r.literal = append(r.literal, param{name, value})
		}
	}
	r.require()
	segments := split(uri)
	for i, s := range segments {
		switch {
		case strings.HasSuffix(s, "+}"):
			r.labels = append(r.labels, s[1:len(s)-2])
			n.addGreedy(segments[i+1:], r)
			return
		case strings.HasPrefix(s, "{"):
			r.labels = append(r.labels, s[1:len(s)-1])
			if n.label == nil {
				n.label = new(routeNode)
			}
			n = n.label
		default:
			if n.literal == nil {
				n.literal = make(map[string]*routeNode)
			}
			if n.literal[s] == nil {
				n.literal[s] = new(routeNode)
			}
			n = n.literal[s]
		}
	}
	if n.methods == nil {
		n.methods = make(map[string][]*route)
	}
	n.methods[op.Method] = append(n.methods[op.Method], r)
}

func (n *routeNode) addGreedy(tail []string, r *route) {
	i := slices.IndexFunc(n.greedy, func(g greedy) bool { return slices.Equal(g.tail, tail) })
	if i < 0 {
		n.greedy = append(n.greedy, greedy{tail: tail, methods: make(map[string][]*route)})
		slices.SortStableFunc(n.greedy, func(a, b greedy) int { return len(b.tail) - len(a.tail) })
		i = slices.IndexFunc(n.greedy, func(g greedy) bool { return slices.Equal(g.tail, tail) })
	}
	m := n.greedy[i].methods
	m[r.op.Method] = append(m[r.op.Method], r)
}

// require notes which members outside the path the operation cannot do without.
func (r *route) require() {
	if r.op.NewInput == nil {
		return
	}
	s := planOf(reflect.TypeOf(r.op.NewInput()).Elem())
	for i := range s.fields {
		switch f := &s.fields[i]; {
		case !f.required:
		case f.place == inHeader:
			r.headers = append(r.headers, f.name)
		case f.place == inQuery:
			r.queries = append(r.queries, f.name)
		}
	}
}

// split returns the segments of a path. A slash at its end makes none.
func split(path string) []string {
	path = strings.TrimPrefix(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(path, "/"), "/")
}

// A search looks for the route of one request.
type search struct {
	method string
	query  url.Values
	header http.Header
	values []string
	other  bool // the path is known, if not with that method or query
}

// find returns the route of the request and fills the values of its labels.
func (s *search) find(n *routeNode, rest []string) *route {
	if len(rest) == 0 || len(rest) == 1 && rest[0] == "" {
		return s.choose(n.methods)
	}
	if next := n.literal[rest[0]]; next != nil {
		if r := s.find(next, rest[1:]); r != nil {
			return r
		}
	}
	depth := len(s.values)
	if n.label != nil && rest[0] != "" {
		s.values = append(s.values, rest[0])
		if r := s.find(n.label, rest[1:]); r != nil {
			return r
		}
		s.values = s.values[:depth]
	}
	for _, g := range n.greedy {
		at := len(rest) - len(g.tail)
		if at < 1 || !slices.Equal(rest[at:], g.tail) {
			continue
		}
		s.values = append(s.values, strings.Join(rest[:at], "/"))
		if r := s.choose(g.methods); r != nil {
			return r
		}
		s.values = s.values[:depth]
	}
	return nil
}

// choose returns the route that asks most of the request and gets it. If none
// gets all it asks for, the one that asks least is meant, and will say what is
// missing.
func (s *search) choose(methods map[string][]*route) *route {
	routes := methods[s.method]
	s.other = s.other || len(methods) > 0
	var best, least *route
	for _, r := range routes {
		if !s.literals(r) {
			continue
		}
		if id := s.query.Get("x-id"); id == r.op.Name {
			return r
		}
		if s.complete(r) && (best == nil || r.asks() > best.asks()) {
			best = r
		}
		if least == nil || len(r.literal) > len(least.literal) || len(r.literal) == len(least.literal) && r.asks() < least.asks() {
			least = r
		}
	}
	// One that the query names goes before one that is only complete.
	if best == nil || len(least.literal) > len(best.literal) {
		return least
	}
	return best
}

func (s *search) literals(r *route) bool {
	for _, p := range r.literal {
		values, ok := s.query[p.name]
		if !ok || p.value != "" && !slices.Contains(values, p.value) {
			return false
		}
	}
	return true
}

func (s *search) complete(r *route) bool {
	for _, name := range r.headers {
		if s.header[name] == nil {
			return false
		}
	}
	for _, name := range r.queries {
		if s.query[name] == nil {
			return false
		}
	}
	return true
}

func (r *route) asks() int { return len(r.literal) + len(r.headers) + len(r.queries) }
