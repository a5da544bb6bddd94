// Package expression reads and evaluates DynamoDB's expressions: conditions,
// filters, key conditions, projections and updates.
//
// An expression is parsed once into a form that refers to names (#a) and
// values (:a) by number, and kept in a Cache by its text. A Request puts the
// names and values of one request in their places and checks what depends on
// them; only then can the expression be evaluated on items.
//
// Nothing here knows of tables, requests or the store. Every refusal is in
// AWS's words and in the order in which AWS looks for mistakes.
package expression

import (
	"container/list"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
)

// The parameters that expressions come in. Refusals name them.
const (
	ConditionExpression    = "ConditionExpression"
	FilterExpression       = "FilterExpression"
	KeyConditionExpression = "KeyConditionExpression"
	ProjectionExpression   = "ProjectionExpression"
	UpdateExpression       = "UpdateExpression"
)

// A Cache keeps parsed expressions, those used last. It may be used by many
// goroutines, and its zero value is ready.
type Cache struct {
	mu     sync.Mutex
	recent list.List // of *cached, the most recent first
	byText map[grammarText]*list.Element
}

const maxCached = 1000

type grammarText struct {
	grammar byte // 'c'ondition, 'p'rojection, 'u'pdate
	text    string
}

type cached struct {
	key grammarText
	*parsed
}

// get parses text, or finds what was parsed before. Only what is right is kept.
func (c *Cache) get(grammar byte, text string, parse func(string) (*parsed, error)) (*parsed, error) {
	key := grammarText{grammar, text}
	c.mu.Lock()
	if e := c.byText[key]; e != nil {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*cached).parsed, nil
	}
	c.mu.Unlock()
	p, err := parse(text)
	if err != nil {
		return nil, err
	}
	key.text = strings.Clone(text) // not a part of a request's body
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byText == nil {
		c.byText = make(map[grammarText]*list.Element)
	}
	if c.byText[key] == nil {
		c.byText[key] = c.recent.PushFront(&cached{key, p})
	}
	if c.recent.Len() > maxCached {
		last := c.recent.Remove(c.recent.Back()).(*cached)
		delete(c.byText, last.key)
	}
	return p, nil
}

// A Request is the names and values of one request, which its expressions may
// refer to and must all use.
type Request struct {
	cache  *Cache
	names  map[string]string
	values item.Item
	used   []*parsed
}

// NewRequest checks names and values, either of which may be nil.
func (c *Cache) NewRequest(names map[string]string, values item.Item) (*Request, error) {
	if err := checkNames(names); err != nil {
		return nil, err
	}
	if err := checkValues(values); err != nil {
		return nil, err
	}
	return &Request{cache: c, names: names, values: values}, nil
}

// maxReference is how many bytes the name of a name or a value may have.
const maxReference = 255

func checkLength(parameter, key string) error {
	if len(key) <= maxReference {
		return nil
	}
	return refuse(parameter + " contains invalid key: The expression attribute map contains a key that is too long; size of key: " + strconv.Itoa(len(key)))
}

func checkNames(names map[string]string) error {
	if names == nil {
		return nil
	}
	if len(names) == 0 {
		return refuse("ExpressionAttributeNames must not be empty")
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if err := checkLength("ExpressionAttributeNames", key); err != nil {
			return err
		}
		if !isReference(key, '#') {
			return refuse(`ExpressionAttributeNames contains invalid key: Syntax error; key: "` + key + `"`)
		}
		if n := len(names[key]); n == 0 {
			return refuse("ExpressionAttributeNames contains invalid value: Empty attribute name for key " + key)
		} else if n > item.MaxName {
			return refuse("ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than 65536 bytes for key " + key)
		}
	}
	return nil
}

func checkValues(values item.Item) error {
	if values == nil {
		return nil
	}
	n := 0
	for key := range values.Names {
		if err := checkLength("ExpressionAttributeValues", string(key)); err != nil {
			return err
		}
		if !isReference(string(key), ':') {
			return refuse(`ExpressionAttributeValues contains invalid key: Syntax error; key: "` + string(key) + `"`)
		}
		n++
	}
	if n == 0 {
		return refuse("ExpressionAttributeValues must not be empty")
	}
	if err := values.Err(); err != nil {
		return refuse("ExpressionAttributeValues contains invalid value: " + err.Message + " for key " + err.Attribute)
	}
	return nil
}

// isReference reports whether s is a reference: sign, then letters and digits.
func isReference(s string, sign byte) bool {
	return len(s) > 1 && s[0] == sign && span(s[1:], isWordPart) == len(s)-1
}

func refuse(message string) error { return aws.ValidationException.With(nil, message) }

// invalid refuses the expression in parameter because of err.
func invalid(parameter string, err error) error {
	return refuse("Invalid " + parameter + ": " + err.Error())
}

// CheckUsed refuses names and values that no expression has used.
func (r *Request) CheckUsed() error {
	var unused []string
	for name := range r.names {
		if !r.uses(func(p *parsed) []string { return p.names }, name) {
			unused = append(unused, name)
		}
	}
	if unused != nil {
		slices.Sort(unused)
		return refuse("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + strings.Join(unused, ", ") + "}")
	}
	for key := range r.values.All {
		if !r.uses(func(p *parsed) []string { return p.values }, string(key)) {
			unused = append(unused, string(key))
		}
	}
	if unused != nil {
		return refuse("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + strings.Join(unused, ", ") + "}")
	}
	return nil
}

func (r *Request) uses(refs func(*parsed) []string, ref string) bool {
	for _, p := range r.used {
		if slices.Contains(refs(p), ref) {
			return true
		}
	}
	return false
}

// A binding is what one expression of one request refers to. What the request
// does not define is empty.
type binding struct {
	names  []string
	values []item.Value
}

func (r *Request) bind(p *parsed) binding {
	r.used = append(r.used, p)
	var b binding
	if len(p.names) > 0 {
		b.names = make([]string, len(p.names))
		for i, ref := range p.names {
			b.names[i] = r.names[ref]
		}
	}
	if len(p.values) > 0 {
		b.values = make([]item.Value, len(p.values))
		for i, ref := range p.values {
			b.values[i] = r.values.Get(ref)
		}
	}
	return b
}

// name returns the name of the attribute that s names.
func (b *binding) name(s step) string {
	if s.ref > 0 {
		return b.names[s.ref-1]
	}
	return s.name
}

// find returns the value at path in it, or nil.
func (b *binding) find(path []step, it item.Item) item.Value {
	v := it.Get(b.name(path[0]))
	for _, s := range path[1:] {
		if s.index >= 0 {
			v = v.Index(s.index)
		} else {
			v = v.Field(b.name(s))
		}
	}
	return v
}

// A checker looks for references to what a request does not define.
type checker struct {
	*binding
	*parsed
}

// path returns what is wrong with a path's names.
func (c checker) path(path []step) problem {
	for _, s := range path {
		if s.ref > 0 && c.binding.names[s.ref-1] == "" {
			return "An expression attribute name used in the document path is not defined; attribute name: " + problem(c.parsed.names[s.ref-1])
		}
	}
	return ""
}

// refs returns what is wrong with the references in n, from left to right.
func (c checker) refs(n *node) problem {
	switch n.kind {
	case nodePath:
		return c.path(n.path)
	case nodeValue:
		if c.binding.values[n.value] == nil {
			return "An expression attribute value used in expression is not defined; attribute value: " + problem(c.parsed.values[n.value])
		}
	}
	for _, a := range n.args {
		if p := c.refs(a); p != "" {
			return p
		}
	}
	return ""
}

// text writes a path as AWS does: [a, [3], b].
func (b *binding) text(path []step) problem {
	parts := make([]string, len(path))
	for i, s := range path {
		if s.index >= 0 {
			parts[i] = "[" + item.Int(s.index).Text() + "]"
		} else {
			parts[i] = b.name(s)
		}
	}
	return problem("[" + strings.Join(parts, ", ") + "]")
}

// An Attribute is a top-level attribute that an expression is about.
type Attribute struct {
	Name   string
	Nested bool // it reaches into the attribute
}

// attributes lists the attributes that paths begin with, each time one does.
func (b *binding) attributes(paths func(yield func([]step))) []Attribute {
	var out []Attribute
	paths(func(path []step) { out = append(out, Attribute{b.name(path[0]), len(path) > 1}) })
	return out
}

// paths calls yield for every path in n.
func (n *node) paths(yield func([]step)) {
	if n.kind == nodePath {
		yield(n.path)
	}
	for _, a := range n.args {
		a.paths(yield)
	}
}
