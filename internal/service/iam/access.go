package iam

import (
	"cmp"
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

type handler[In, Out any] = func(context.Context, *aws.Call, *In) (*Out, error)

// onUser is the row of an operation on the user that its input names, or if
// it names none on whoever calls.
func onUser[In, Out any, P interface {
	*In
	GetUserName() string
}](s *Service, op smithy.Operation[In, Out], handle handler[In, Out]) service.Operation {
	return on(s, op, handle, user, func(call *aws.Call, in *In) string {
		return cmp.Or(P(in).GetUserName(), callerName(call))
	})
}

func onGroup[In, Out any, P interface {
	*In
	GetGroupName() string
}](s *Service, op smithy.Operation[In, Out], handle handler[In, Out]) service.Operation {
	return on(s, op, handle, group, func(_ *aws.Call, in *In) string { return P(in).GetGroupName() })
}

func onRole[In, Out any, P interface {
	*In
	GetRoleName() string
}](s *Service, op smithy.Operation[In, Out], handle handler[In, Out]) service.Operation {
	return on(s, op, handle, role, func(_ *aws.Call, in *In) string { return P(in).GetRoleName() })
}

func on[In, Out any](s *Service, op smithy.Operation[In, Out], handle handler[In, Out], kind string, name func(*aws.Call, *In) string) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn := s.named(call, kind, name(call, in), in)
		return check(service.Access{Action: action, Resource: arn, Keys: keysIn(in)})
	})
}

// onPolicy is the row of an operation on a managed policy.
func onPolicy[In, Out any, P interface {
	*In
	GetPolicyArn() string
}](op smithy.Operation[In, Out], handle handler[In, Out]) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := parsePolicyARN(P(in).GetPolicyArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: action, Resource: arn, Keys: keysIn(in)})
	})
}

// named returns the ARN of an identity, with its path: the one it has, or the
// one that in gives it.
func (s *Service) named(call *aws.Call, kind, name string, in any) aws.ARN {
	row := identity{Name: name, Path: "/"}
	if p, ok := in.(interface{ GetPath() string }); ok {
		row.Path = cmp.Or(p.GetPath(), "/")
	}
	err := s.db.View(context.Background(), func(tx *store.Tx) error {
		found, err := identities.Get(tx, newNameKey(call.Account, kind, name))
		if err == nil {
			row = found
		}
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return aws.ARN{Service: "iam", Account: call.Account, Resource: kind + "/"} // the operation will fail too
	}
	return row.arn(call.Account, kind)
}

// keysIn returns the condition keys that an input has values for.
func keysIn(in any) service.Keys {
	keys := service.Keys{}
	if p, ok := in.(interface{ GetPolicyArn() string }); ok {
		keys["iam:PolicyARN"] = []string{p.GetPolicyArn()}
	}
	if p, ok := in.(interface{ GetPermissionsBoundary() string }); ok && p.GetPermissionsBoundary() != "" {
		keys["iam:PermissionsBoundary"] = []string{p.GetPermissionsBoundary()}
	}
	var tags []api.Tag
	switch in := in.(type) {
	case *api.CreateUserInput:
		tags = in.Tags
	case *api.CreateRoleInput:
		tags = in.Tags
	case *api.CreatePolicyInput:
		tags = in.Tags
	case *api.TagUserInput:
		tags = in.Tags
	case *api.TagRoleInput:
		tags = in.Tags
	case *api.TagPolicyInput:
		tags = in.Tags
	case *api.UntagUserInput:
		keys["aws:TagKeys"] = in.TagKeys
	case *api.UntagRoleInput:
		keys["aws:TagKeys"] = in.TagKeys
	case *api.UntagPolicyInput:
		keys["aws:TagKeys"] = in.TagKeys
	}
	for _, t := range tags {
		keys["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
	}
	return keys
}

// userOrSelf is what GetUser is about.
func (s *Service) userOrSelf(call *aws.Call, in *api.GetUserInput) aws.ARN {
	if in.UserName == nil && call.Principal.Kind == aws.Root {
		return aws.ARN{Service: "iam", Account: call.Account, Resource: "root"}
	}
	return s.named(call, user, cmp.Or(aws.Value(in.UserName), callerName(call)), in)
}

func all(call *aws.Call, kind string) aws.ARN {
	return aws.ARN{Service: "iam", Account: call.Account, Resource: kind + "/"}
}

func anyUser(call *aws.Call, _ *api.ListUsersInput) aws.ARN      { return all(call, user) }
func anyGroup(call *aws.Call, _ *api.ListGroupsInput) aws.ARN    { return all(call, group) }
func anyRole(call *aws.Call, _ *api.ListRolesInput) aws.ARN      { return all(call, role) }
func anyPolicy(call *aws.Call, _ *api.ListPoliciesInput) aws.ARN { return all(call, "policy") }

func createsPolicy(call *aws.Call, in *api.CreatePolicyInput, check func(service.Access) error) error {
	return check(service.Access{Action: "iam:CreatePolicy", Resource: newPolicyARN(call, in), Keys: keysIn(in)})
}

func simulated(_ *aws.Call, in *api.SimulatePrincipalPolicyInput) aws.ARN {
	return service.Named(in.PolicySourceArn)
}
