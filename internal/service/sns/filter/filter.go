// Package filter is the language of SNS's filter policies: that of EventBridge's
// patterns, on the attributes of messages or on what is in their bodies, with
// limits of its own.
package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A refusal is why something is no policy, in the words of SNS.
type refusal string

func (r refusal) Error() string { return string(r) }

// Limits of policies.
const (
	maxKeys         = 5
	maxCombinations = 150
	maxDepth        = 64
)

// A Policy is a filter policy.
type Policy struct{ pattern *pattern.Pattern }

// Parse reads a policy. One for attributes has no nested keys.
func Parse(text string, nested bool) (*Policy, error) {
	if err := CheckJSON(text); err != nil {
		return nil, err
	}
	v, err := tree.ParseString(text)
	if err != nil {
		return nil, err
	}
	root, ok := v.(*tree.Object)
	if !ok {
		return nil, refusal("failed to parse JSON. Filter policy is not an object")
	}
	c := &counter{nested: nested}
	combinations, err := c.object(root, 1)
	if err != nil {
		return nil, err
	}
	p, err := pattern.Parse([]byte(text))
	switch {
	case err != nil:
		return nil, refusal(err.Error())
	case c.keys > maxKeys:
		return nil, refusal(fmt.Sprintf("Filter policy can not have more than %d keys", maxKeys))
	case combinations > maxCombinations:
		return nil, refusal("Filter policy is too complex")
	}
	return &Policy{p}, nil
}

// ErrNested is the error of nested keys in a policy for attributes.
var ErrNested error = refusal("Filter policy scope MessageAttributes does not support nested filter policy")

// CheckJSON refuses what is not JSON, in AWS's words.
func CheckJSON(text string) error {
	_, err := tree.ParseString(text)
	if e, ok := errors.AsType[*tree.SyntaxError](err); ok {
		return refusal("failed to parse JSON. " + tree.Place(e.Message, []byte(text), e.Offset))
	}
	return err
}

// A counter counts the keys of a policy.
type counter struct {
	nested bool
	keys   int
}

// object counts the keys of an object at that depth, and says how many
// combinations of values they have: deeper ones count for more.
func (c *counter) object(o *tree.Object, depth int) (combinations int, err error) {
	if depth > maxDepth {
		return 0, refusal("nested too deep")
	}
	combinations = 1
	for name, v := range o.All() {
		count := 0
		switch v := v.(type) {
		case []any:
			if name == "$or" {
				count, err = c.or(v, depth)
				break
			}
			c.keys++
			count = len(v) * depth
		case *tree.Object:
			if !c.nested {
				return 0, ErrNested
			}
			count, err = c.object(v, depth+1)
		}
		if err != nil {
			return 0, err
		}
		combinations = min(combinations*count, maxCombinations+1) // and no overflow
	}
	return combinations, nil
}

// or counts the keys of alternatives.
func (c *counter) or(list []any, depth int) (combinations int, err error) {
	for _, v := range list {
		o, ok := v.(*tree.Object)
		if !ok {
			continue // as the pattern will say
		}
		count, err := c.object(o, depth)
		if err != nil {
			return 0, err
		}
		combinations += count
	}
	return combinations, nil
}

// Match reports whether e meets the policy.
func (p *Policy) Match(e *pattern.Event) bool { return e != nil && p.pattern.Matches(e) }

// An Attribute is an attribute of a message.
type Attribute struct{ Type, Value string }

// Attributes are those of a message as policies see them, or nil if there are none:
// then no policy is met, not even one that asks for none.
func Attributes(attributes map[string]Attribute) *pattern.Event {
	seen := make(map[string]any, len(attributes))
	for name, a := range attributes {
		if v := a.value(); v != nil {
			seen[name] = v
		}
	}
	if len(seen) == 0 {
		return nil
	}
	text, err := json.Marshal(seen)
	if err != nil {
		return nil
	}
	return Body(string(text))
}

// value is what policies see of a: nothing of what is binary.
func (a Attribute) value() any {
	kind, _, _ := strings.Cut(a.Type, ".")
	switch {
	case kind == "Binary":
		return nil
	case a.Type == "String.Array" && json.Unmarshal([]byte(a.Value), new([]any)) == nil,
		kind == "Number" && json.Unmarshal([]byte(a.Value), new(float64)) == nil:
		return json.RawMessage(a.Value)
	}
	return a.Value
}

// Body is a body as policies see it, or nil if it is no JSON object.
func Body(text string) *pattern.Event {
	e, err := pattern.ParseEvent([]byte(text))
	if err != nil {
		return nil
	}
	return e
}
