// Package filter is the language of SNS's filter policies. It looks like that of
// EventBridge's patterns and differs: in its operators and limits, in how it
// looks into attributes of messages, and in its words.
//
// A policy is a tree of keys whose leaves are lists of conditions. A message
// matches if, of every key, one of the values it has there meets one of the
// conditions.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// A refusal is why something is no policy, in the words of SNS.
type refusal string

func (r refusal) Error() string { return string(r) }

func refusef(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// Limits of policies.
const (
	maxKeys         = 5
	maxCombinations = 150
	maxDepth        = 64
)

// A Policy is a filter policy.
type Policy struct{ root node }

// A node is what a policy asks of one object: all of keys, and of each list of
// alternatives one.
type node struct {
	keys []key
	or   [][]node
}

// A key is a member that is asked for: by what is in it, or by conditions.
type key struct {
	name string
	sub  *node
	any  []condition
}

// Parse reads a policy. One for attributes has no nested keys.
func Parse(text string, nested bool) (*Policy, error) {
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	members, ok := v.(object)
	if !ok {
		return nil, refusal("failed to parse JSON. Filter policy is not an object")
	}
	p := &parser{nested: nested}
	root, combinations, err := p.object(members, 1)
	switch {
	case err != nil:
		return nil, err
	case p.keys > maxKeys:
		return nil, refusef("Filter policy can not have more than %d keys", maxKeys)
	case combinations > maxCombinations:
		return nil, refusal("Filter policy is too complex")
	}
	return &Policy{root: root}, nil
}

// ErrNested is the error of nested keys in a policy for attributes.
var ErrNested error = refusal("Filter policy scope MessageAttributes does not support nested filter policy")

// An object is a JSON object in the order of its members.
type object []member

type member struct {
	name  string
	value any // object, []any, json.Number, string, bool or nil
}

// CheckJSON refuses what is not JSON, in AWS's words.
func CheckJSON(text string) error {
	_, err := tree.ParseString(text)
	if e, ok := errors.AsType[*tree.SyntaxError](err); ok {
		return refusal("failed to parse JSON. " + tree.Place(e.Message, []byte(text), e.Offset))
	}
	return err
}

// decode reads JSON, with objects in order.
func decode(text string) (any, error) {
	if err := CheckJSON(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, fmt.Errorf("failed to parse JSON. %w", err)
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, refusal("nested too deep")
	}
	switch t {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			o = append(o, member{name.(string), v})
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

// A parser makes nodes of objects.
type parser struct {
	nested bool
	keys   int
}

// object reads the keys of an object at that depth, and says how many
// combinations of values they have.
func (p *parser) object(o object, depth int) (n node, combinations int, err error) {
	combinations = 1
	for _, m := range o {
		count := 0
		switch v := m.value.(type) {
		case []any:
			if m.name == "$or" && isOr(v) {
				var alternatives []node
				alternatives, count, err = p.or(v, depth)
				n.or = append(n.or, alternatives)
				break
			}
			p.keys++
			k := key{name: m.name}
			k.any, err = conditions(v)
			n.keys, count = append(n.keys, k), len(v)*depth
		case object:
			if !p.nested {
				return n, 0, ErrNested
			}
			var sub node
			sub, count, err = p.object(v, depth+1)
			n.keys = append(n.keys, key{name: m.name, sub: &sub})
		default:
			return n, 0, refusef("%q must be an object or an array", m.name)
		}
		if err != nil {
			return n, 0, err
		}
		if combinations *= count; combinations > maxCombinations {
			combinations = maxCombinations + 1 // and no overflow
		}
	}
	return n, combinations, nil
}

// isOr reports whether a list is one of alternatives: $or may also be a key.
func isOr(list []any) bool {
	if len(list) < 2 {
		return false
	}
	for _, v := range list {
		o, ok := v.(object)
		if !ok || len(o) == 0 {
			return false
		}
		for _, m := range o {
			if operators[m.name] != nil {
				return false
			}
		}
	}
	return true
}

func (p *parser) or(list []any, depth int) (all []node, combinations int, err error) {
	for _, v := range list {
		n, count, err := p.object(v.(object), depth)
		if err != nil {
			return nil, 0, err
		}
		all, combinations = append(all, n), combinations+count
	}
	return all, combinations, nil
}

// An Attribute is an attribute of a message.
type Attribute struct{ Type, Value string }

// MatchAttributes reports whether attributes meet the policy.
func (p *Policy) MatchAttributes(attributes map[string]Attribute) bool {
	return p.root.match(func(name string) (any, bool) {
		a, found := attributes[name]
		if !found {
			return nil, false
		}
		kind, _, _ := strings.Cut(a.Type, ".")
		switch {
		case a.Type == "String.Array":
			if v, err := decode(a.Value); err == nil {
				return v, true
			}
		case kind == "Number":
			return json.Number(a.Value), true
		case kind == "Binary":
			return binary{}, true
		}
		return a.Value, true
	})
}

// binary is a value that meets no condition but that it exists.
type binary struct{}

// MatchBody reports whether a body is a JSON object that meets the policy.
func (p *Policy) MatchBody(body string) bool {
	v, err := decode(body)
	if err != nil {
		return false
	}
	o, ok := v.(object)
	return ok && p.root.match(o.get)
}

func (o object) get(name string) (any, bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return o[i].value, true
		}
	}
	return nil, false
}

func (n *node) match(get func(name string) (any, bool)) bool {
	for _, k := range n.keys {
		v, found := get(k.name)
		if !k.match(v, found) {
			return false
		}
	}
	for _, alternatives := range n.or {
		matched := false
		for i := range alternatives {
			matched = matched || alternatives[i].match(get)
		}
		if !matched {
			return false
		}
	}
	return true
}

// match reports whether what is under the key, if anything is, meets it. Of a
// list one element is enough.
func (k *key) match(v any, found bool) bool {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if k.match(e, true) {
				return true
			}
		}
		return len(list) == 0 && k.match(nil, false)
	}
	if k.sub != nil {
		o, _ := v.(object)
		return k.sub.match(o.get)
	}
	for _, c := range k.any {
		if c(v, found) {
			return true
		}
	}
	return false
}

// compact is JSON for messages.
func compact(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}
