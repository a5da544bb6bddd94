package policy

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A Set is all the policies that apply to a request.
type Set struct {
	Identity []*Document // of who asks: a user's and its groups', or a role's
	Boundary *Document   // beyond which Identity does not reach; nil if there is none
	Resource *Document   // of what is asked for; nil if it has none

	// Open is to whom a list that the resource has besides its policy opens it:
	// an account, "*" for all, or "".
	Open string

	// Limited says that who asks holds temporary credentials that were limited
	// to what Session allows.
	Limited bool
	Session []*Document

	// Closed says that nothing is allowed unless Resource allows it, even to
	// those of its own account: roles and keys are so.
	Closed bool

	// Granted says that the resource lets who asks, as if Resource did by name.
	Granted bool
}

// A Kind is what a policy is of.
type Kind uint8

// Kinds of policies.
const (
	IdentityPolicy Kind = iota
	ResourcePolicy
	BoundaryPolicy
	SessionPolicy
)

// String returns what AWS calls a policy of kind k in refusals.
func (k Kind) String() string {
	return [...]string{"identity-based policy", "resource-based policy", "permissions boundary", "session policy"}[k]
}

// A Decision is whether a request is allowed, and why not.
type Decision struct {
	Allowed bool
	Denied  bool // a policy of Kind says Deny; else none of Kind says Allow
	Kind    Kind
}

// Reason explains a refusal as AWS does: "because no identity-based policy
// allows the s3:GetObject action".
func (d Decision) Reason(action string) string {
	switch {
	case !d.Denied:
		return "because no " + d.Kind.String() + " allows the " + action + " action"
	case d.Kind == IdentityPolicy:
		return "with an explicit deny in an " + d.Kind.String()
	}
	return "with an explicit deny in a " + d.Kind.String()
}

// Decide says whether r is allowed by all the policies together:
// a Deny anywhere refuses; what crosses accounts both sides must allow; else
// either side may, within the limits of the boundary and of the session.
func Decide(r *Request, set *Set) Decision {
	service, name := splitAction(r.Action)
	identity := anyOf(set.Identity, r, service, name)
	resource, reach := set.Resource.reaching(r, service, name)
	if set.Granted && resource != Deny {
		resource, reach = Allow, directly
	}
	if set.Open != "" && resource != Deny {
		open := compilePrincipal(sourcePrincipal{kind: "AWS", name: set.Open})
		reach = max(reach, open.match(r))
	}
	boundary, session := Allow, Allow
	if set.Boundary != nil {
		boundary = set.Boundary.effect(r, service, name)
	}
	if set.Limited {
		session = anyOf(set.Session, r, service, name)
	}
	who := r.Call.Principal.Kind
	if who == aws.Root {
		identity = Allow
	}
	switch {
	case identity == Deny:
		return Decision{Denied: true, Kind: IdentityPolicy}
	case resource == Deny:
		return Decision{Denied: true, Kind: ResourcePolicy}
	case boundary == Deny:
		return Decision{Denied: true, Kind: BoundaryPolicy}
	case session == Deny:
		return Decision{Denied: true, Kind: SessionPolicy}
	}
	missing := func(k Kind) Decision { return Decision{Kind: k} }
	foreign := r.Call.Principal.Account != r.Owner
	switch {
	case who == aws.Service || who == aws.Anonymous || who == aws.Federated:
		if reach < directly {
			return missing(ResourcePolicy)
		}
		return Decision{Allowed: true}
	case (foreign || set.Closed) && reach == nobody:
		if identity != Allow && !set.Closed {
			return missing(IdentityPolicy)
		}
		return missing(ResourcePolicy)
	case !foreign && reach == directly:
		return Decision{Allowed: true}
	case identity != Allow && (foreign || reach < role):
		return missing(IdentityPolicy)
	case boundary != Allow:
		return missing(BoundaryPolicy)
	case session != Allow:
		return missing(SessionPolicy)
	}
	return Decision{Allowed: true}
}

// splitAction splits "s3:GetObject" into "s3" and "getobject".
func splitAction(action string) (service, name string) {
	service, name, _ = strings.Cut(strings.ToLower(action), ":")
	return service, name
}

// anyOf returns what several documents say together.
func anyOf(docs []*Document, r *Request, service, name string) Effect {
	said := Silent
	for _, d := range docs {
		if said = max(said, d.effect(r, service, name)); said == Deny {
			break
		}
	}
	return said
}

// Effect returns what d, the policy of an identity, says of r.
func (d *Document) Effect(r *Request) Effect {
	service, name := splitAction(r.Action)
	return d.effect(r, service, name)
}

func (d *Document) effect(r *Request, service, name string) Effect {
	said := Silent
	for i := range d.statements {
		s := &d.statements[i]
		if s.effect > said && s.applies(r, service, name) && s.holds(r) {
			if said = s.effect; said == Deny {
				break
			}
		}
	}
	return said
}

// reaching returns what d, the policy of a resource, says of r, and if that is
// Allow how closely it names who asks.
func (d *Document) reaching(r *Request, service, name string) (Effect, reach) {
	said, best := Silent, nobody
	if d == nil {
		return said, best
	}
	for i := range d.statements {
		s := &d.statements[i]
		if !s.applies(r, service, name) {
			continue
		}
		near := s.reaches(r)
		if near == nobody || !s.holds(r) {
			continue
		}
		if s.effect == Deny {
			return Deny, nobody
		}
		said, best = Allow, max(best, near)
	}
	return said, best
}

// Matches returns the statements of d, by number, that say effect of r. It
// takes d for the policy of an identity.
func (d *Document) Matches(r *Request, effect Effect) []int {
	service, name := splitAction(r.Action)
	var found []int
	for i := range d.statements {
		s := &d.statements[i]
		if s.effect == effect && s.applies(r, service, name) && s.holds(r) {
			found = append(found, i)
		}
	}
	return found
}
