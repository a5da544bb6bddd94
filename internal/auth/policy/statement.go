package policy

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A statement is one of a document, compiled. Lists that are nil do not limit it.
type statement struct {
	effect        Effect
	principals    []principalPattern
	notPrincipals []principalPattern
	actions       []actionPattern
	notActions    []actionPattern
	resources     []arnPattern
	notResources  []arnPattern
	conditions    []condition
}

func (s *sourceStatement) compile(vars bool) (statement, error) {
	var out statement
	switch s.effect {
	case "Allow":
		out.effect = Allow
	case "Deny":
		out.effect = Deny
	default:
		return out, errLegacy
	}
	out.principals = compileEach(s.principals, compilePrincipal)
	out.notPrincipals = compileEach(s.notPrincipals, compilePrincipal)
	out.actions = compileEach(s.actions, compileAction)
	out.notActions = compileEach(s.notActions, compileAction)
	arn := func(text string) arnPattern { return compileARN(text, vars) }
	out.resources = compileEach(s.resources, arn)
	out.notResources = compileEach(s.notResource, arn)
	for _, c := range s.conditions {
		compiled, ok := newCondition(c.operator, c.key, c.values, vars)
		if !ok {
			return out, errSyntax
		}
		out.conditions = append(out.conditions, compiled)
	}
	return out, nil
}

// compileEach keeps an empty list from a list that is absent.
func compileEach[In, Out any](in []In, f func(In) Out) []Out {
	if in == nil {
		return nil
	}
	out := make([]Out, len(in))
	for i := range in {
		out[i] = f(in[i])
	}
	return out
}

// applies reports whether s is about r, whoever asks.
func (s *statement) applies(r *Request, service, name string) bool {
	switch {
	case s.actions != nil && !matchAction(s.actions, service, name),
		s.notActions != nil && matchAction(s.notActions, service, name),
		s.actions == nil && s.notActions == nil,
		s.resources != nil && !matchResource(s.resources, r),
		s.notResources != nil && matchResource(s.notResources, r):
		return false
	}
	return true
}

// holds reports whether the conditions of s are true of r.
func (s *statement) holds(r *Request) bool {
	for i := range s.conditions {
		if !s.conditions[i].holds(r) {
			return false
		}
	}
	return true
}

func matchResource(patterns []arnPattern, r *Request) bool {
	for i := range patterns {
		if patterns[i].match(&r.Resource, r) {
			return true
		}
	}
	return false
}

// A reach says how closely the policy of a resource names who asks.
type reach uint8

const (
	nobody   reach = iota
	account        // the account they belong to: which then says what they may
	role           // the role whose session it is, or everyone: within limits of boundary and session
	directly       // themselves
)

// reaches returns how closely s names who asks.
func (s *statement) reaches(r *Request) reach {
	switch {
	case s.principals != nil:
		return reachOf(s.principals, r)
	case s.notPrincipals == nil:
		return nobody
	}
	// An account among those who are not meant stands for its root alone.
	if got := reachOf(s.notPrincipals, r); got >= role {
		return nobody
	}
	return role
}

func reachOf(patterns []principalPattern, r *Request) reach {
	best := nobody
	for i := range patterns {
		best = max(best, patterns[i].match(r))
	}
	return best
}

// A principalPattern is one name in the element Principal.
type principalPattern struct {
	kind    string
	name    string
	account string // set if the name is of a whole account
}

func compilePrincipal(s sourcePrincipal) principalPattern {
	p := principalPattern{kind: s.kind, name: s.name}
	if s.kind == "AWS" {
		if s.name == "*" {
			p.kind = "*"
		}
		if rest, ok := strings.CutPrefix(s.name, "arn:aws:iam::"); ok {
			rest, ok = strings.CutSuffix(rest, ":root")
			if ok && isAccount(rest) {
				p.account = rest
			}
		} else if isAccount(s.name) {
			p.account = s.name
		}
	}
	return p
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func (p *principalPattern) match(r *Request) reach {
	who := &r.Call.Principal
	switch {
	case p.kind == "*":
		if who.Kind == aws.User || who.Kind == aws.Session {
			return role
		}
		return directly
	case p.kind == "Service":
		if who.Kind == aws.Service && p.isService(who.ARN, r.Call.Region) {
			return directly
		}
	case who.Kind == aws.Service:
		// Origin access identities are parts of the platform that policies
		// name as users.
		if p.kind == "AWS" && p.name == who.ARN || p.kind == "CanonicalUser" && p.name == who.ID && who.ID != "" {
			return directly
		}
	case p.kind == "Federated" && who.Kind == aws.Federated && p.name == who.ARN:
		return directly
	case p.kind != "AWS" || who.Kind == aws.Anonymous || who.Kind == aws.Federated:
		return nobody
	case p.account != "":
		switch {
		case p.account != who.Account:
			return nobody
		case who.Kind == aws.Root:
			return directly
		}
		return account
	case p.name == who.ARN, p.name == who.ID && who.Kind == aws.User:
		return directly
	case who.Role != "" && (p.name == who.Role || p.isRoleID(who.ID)):
		return role
	}
	return nobody
}

// isService reports whether p names a service, in its region or anywhere.
func (p *principalPattern) isService(name, region string) bool {
	if p.name == name {
		return true
	}
	label, domain, _ := strings.Cut(name, ".")
	return p.name == label+"."+region+"."+domain
}

// isRoleID reports whether p is the "AROA…" of a session's "AROA…:name".
func (p *principalPattern) isRoleID(id string) bool {
	rest, ok := strings.CutPrefix(id, p.name)
	return ok && p.name != "" && strings.HasPrefix(rest, ":")
}
