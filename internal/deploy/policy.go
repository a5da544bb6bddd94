package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
)

// A StackPolicy says which resources updates may change.
type StackPolicy struct{ Statement []policyStatement }

type policyStatement struct {
	Effect                string
	Action, NotAction     words
	Resource, NotResource words
	Principal             any
	Condition             map[string]map[string]words // by operator and key: ResourceType
}

// words are one string, or several.
type words []string

// UnmarshalJSON implements json.Unmarshaler.
func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

var errStackPolicy = errors.New("invalid stack policy")

// ParseStackPolicy reads a stack policy. An empty one allows all.
func ParseStackPolicy(text string) (*StackPolicy, error) {
	if text == "" {
		return nil, nil
	}
	p := &StackPolicy{}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, fmt.Errorf("%w: %w", errStackPolicy, err)
	}
	for _, s := range p.Statement {
		switch {
		case s.Effect != "Allow" && s.Effect != "Deny", s.Principal != nil && s.Principal != "*",
			(s.Action == nil) == (s.NotAction == nil), (s.Resource == nil) == (s.NotResource == nil):
			return nil, errStackPolicy
		}
		for _, action := range append(slices.Clone(s.Action), s.NotAction...) {
			if !slices.Contains([]string{"Update:*", "Update:Modify", "Update:Replace", "Update:Delete", "*"}, action) {
				return nil, errStackPolicy
			}
		}
		for operator, keys := range s.Condition {
			_, ofType := keys["ResourceType"]
			if operator != "StringEquals" && operator != "StringLike" || !ofType || len(keys) != 1 {
				return nil, errStackPolicy
			}
		}
	}
	return p, nil
}

// denies says why a resource may not be changed so, or "" if it may.
func (p *StackPolicy) denies(action, id, typ string) string {
	if p == nil || len(p.Statement) == 0 {
		return ""
	}
	allowed := false
	for i, s := range p.Statement {
		if !s.applies(action, id, typ) {
			continue
		}
		if s.Effect == "Deny" {
			return fmt.Sprintf("Action denied by stack policy: Statement [#%d] does not allow [%s] for resource [%s]", i+1, action, id)
		}
		allowed = true
	}
	if !allowed {
		return fmt.Sprintf("Action not allowed by stack policy: no statement allows [%s] for resource [%s]", action, id)
	}
	return ""
}

func (s *policyStatement) applies(action, id, typ string) bool {
	of := "LogicalResourceId/" + id
	if s.Action != nil && !s.Action.match(action) || s.NotAction != nil && s.NotAction.match(action) ||
		s.Resource != nil && !s.Resource.match(of) || s.NotResource != nil && s.NotResource.match(of) {
		return false
	}
	for operator, keys := range s.Condition {
		types := keys["ResourceType"]
		if operator == "StringEquals" && !slices.Contains(types, typ) || operator == "StringLike" && !types.match(typ) {
			return false
		}
	}
	return true
}

func (w words) match(s string) bool {
	return slices.ContainsFunc(w, func(pattern string) bool {
		ok, err := path.Match(pattern, s)
		return pattern == "*" || ok && err == nil
	})
}
