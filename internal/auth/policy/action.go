package policy

import "strings"

// An actionPattern is what the elements Action and NotAction compare with.
// Names of actions have no case.
type actionPattern struct {
	any     bool    // "*"
	service string  // in lower case; "*" for each
	name    pattern // in lower case
}

func compileAction(s string) actionPattern {
	s = strings.ToLower(s)
	service, name, found := strings.Cut(s, ":")
	if !found {
		return actionPattern{any: s == "*", service: s}
	}
	return actionPattern{service: service, name: compile(name, true, false)}
}

// match reports whether p is of an action, given in lower case.
func (p *actionPattern) match(service, name string) bool {
	return p.any || (p.service == service || p.service == "*") && p.name.match(name, nil)
}

func matchAction(patterns []actionPattern, service, name string) bool {
	for i := range patterns {
		if patterns[i].match(service, name) {
			return true
		}
	}
	return false
}
