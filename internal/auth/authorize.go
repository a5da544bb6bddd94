package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

// Authorize implements dispatch.Authorizer: it refuses what the policies that
// apply do not allow call to do.
func (a *Auth) Authorize(ctx context.Context, call *aws.Call, access service.Access) error {
	if access.Action == passRole && access.Resource.Account != "" && access.Resource.Account != call.Account {
		return aws.AccessDenied.Errorf("Cross-account pass role is not allowed.") // whatever policies say, and to root too
	}
	res, err := a.resource(ctx, call, &access)
	if err != nil {
		return err
	}
	p := &call.Principal
	if t := p.Temporary; t != nil {
		// Work that outlives its request goes on in the caller's name, but not for ever.
		if !t.Expires.IsZero() && !time.Now().Before(t.Expires) {
			return errExpired(strings.HasPrefix(access.Action, "s3:"))
		}
		if p.Kind != aws.Session && strings.HasPrefix(access.Action, "iam:") {
			return errUnknownKey(false) // a user's own temporary credentials are not for IAM, without a second factor
		}
	}
	set := policy.Set{Resource: res.policy, Closed: isClosed(&access), Granted: access.Granted}
	if p.Kind == aws.Root && p.Temporary == nil {
		switch {
		case set.Closed && !a.cfg.Open && strings.HasPrefix(access.Action, "sts:"):
			return aws.AccessDenied.Errorf("Roles may not be assumed by root accounts.")
		case res.policy == nil && res.owner == p.Account && !set.Closed:
			return nil
		}
	}
	r := policy.Request{Call: call, Action: access.Action, Resource: access.Resource, Owner: res.owner, Keys: access.Keys}
	if p.Kind == aws.User || p.Kind == aws.Session {
		g, err := a.cfg.Directory.Grants(ctx, p)
		if err != nil {
			return fmt.Errorf("policies of %s: %w", p.ARN, err)
		}
		set.Identity, set.Boundary, r.Tags = g.Identity, g.Boundary, g.Tags
	}
	if p.Temporary != nil {
		if err := a.limit(ctx, p.Temporary, &set); err != nil {
			return err
		}
	}
	d := policy.Decide(&r, &set)
	if def := a.services[access.Resource.Service]; !d.Allowed && !d.Denied && def != nil && def.Opens != nil {
		if set.Open, err = def.Opens(ctx, call, &access); err != nil {
			return fmt.Errorf("access control list of %s: %w", access.Resource, err)
		}
		if set.Open != "" {
			d = policy.Decide(&r, &set)
		}
	}
	if d.Allowed {
		return nil
	}
	if strings.HasPrefix(access.Action, "s3:") && res.owner != p.Account && p.Kind != aws.Service {
		return errDenied(call, &access, nil) // a stranger is not told what policies there are
	}
	return errDenied(call, &access, d.Reason)
}

// CheckSigned refuses a call that nobody signed, for an operation that
// everybody may use who says who they are.
func CheckSigned(call *aws.Call) error {
	if call.Principal.Kind == aws.Anonymous {
		return errUnsigned()
	}
	return nil
}

// isClosed reports whether nobody, not even an administrator, may do this to a
// resource whose own policy does not let them: take on a role, use a key.
func isClosed(access *service.Access) bool {
	switch access.Resource.Service {
	case "iam":
		return strings.HasPrefix(access.Action, "sts:")
	case "kms":
		return strings.HasPrefix(access.Resource.Resource, "key/")
	}
	return false
}

// limit fills in what the holder of temporary credentials was limited to.
func (a *Auth) limit(ctx context.Context, t *aws.Temporary, set *policy.Set) error {
	set.Limited = len(t.Policies)+len(t.ManagedPolicies) > 0
	for _, text := range t.Policies {
		d, err := a.compile(text)
		if err != nil {
			return fmt.Errorf("policy of a session: %w", err)
		}
		set.Session = append(set.Session, d)
	}
	for _, arn := range t.ManagedPolicies {
		d, err := a.cfg.Directory.Policy(ctx, arn)
		if err == ErrNotFound {
			continue // it allows nothing any more
		}
		if err != nil {
			return fmt.Errorf("policy %s: %w", arn, err)
		}
		set.Session = append(set.Session, d)
	}
	return nil
}

// An answer is what a service said of a resource, at an epoch of its own.
type answer struct {
	epoch  uint64
	policy *policy.Document // nil if it has none
	owner  string
}

// resource returns the policy and the owner of what is accessed.
func (a *Auth) resource(ctx context.Context, call *aws.Call, access *service.Access) (answer, error) {
	arn := access.Resource
	def := a.services[arn.Service]
	switch {
	case def == nil,
		arn.Service == "iam" && !isClosed(access), // who may take on a role may not change it
		access.Action == "s3:CreateBucket":        // what is yet to be made is the caller's, whoever has that name
		return answer{owner: ownerOf(call, arn, "")}, nil
	}
	if arn.Service == "s3" {
		arn.Resource = container(arn)
	}
	var epoch uint64
	if def.Epoch != nil {
		epoch = def.Epoch()
		if said, ok := a.said.get(arn); ok && said.epoch == epoch {
			said.owner = ownerOf(call, arn, said.owner)
			return said, nil
		}
	}
	said, err := a.ask(ctx, def, arn)
	if err != nil {
		return said, err
	}
	if said.epoch = epoch; def.Epoch != nil {
		a.said.put(arn, said)
	}
	said.owner = ownerOf(call, arn, said.owner)
	return said, nil
}

// container is whose policy is that of an object: its bucket's, or its access
// point's, which has an account and is named accesspoint/jobs.
func container(arn aws.ARN) string {
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	if arn.Account == "" {
		return kind
	}
	name, _, _ := strings.Cut(rest, "/")
	return kind + "/" + name
}

// ask asks a service for the policy and the owner of a resource.
func (a *Auth) ask(ctx context.Context, def *service.Definition, arn aws.ARN) (said answer, err error) {
	if def.Owner != nil {
		if said.owner, err = def.Owner(ctx, arn); err != nil {
			return said, fmt.Errorf("owner of %s: %w", arn, err)
		}
	}
	if def.Policy == nil {
		return said, nil
	}
	text, err := def.Policy(ctx, arn)
	if err != nil {
		return said, fmt.Errorf("policy of %s: %w", arn, err)
	}
	if text == "" {
		return said, nil
	}
	if said.policy, err = a.compile(text); err != nil {
		return said, fmt.Errorf("policy of %s: %w", arn, err)
	}
	return said, nil
}

// ownerOf returns the account of a resource: as its service says, as its ARN
// says, or the caller's own.
func ownerOf(call *aws.Call, arn aws.ARN, said string) string {
	switch {
	case said != "":
		return said
	case arn.Account != "" && arn.Account != "aws": // AWS's own policies are everybody's
		return arn.Account
	case call.Principal.Account != "":
		return call.Principal.Account
	}
	return call.Account
}
