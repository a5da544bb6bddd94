package iam

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"unicode"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth/policy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Inline policies of an identity have together at most so many characters
// that are not space.
var maxInline = map[string]int{user: 2048, group: 5120, role: 10240}

// sizeOf counts the characters of a document as AWS does.
func sizeOf(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// escape writes a document as IAM gives it out.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func (s *Service) putInline(ctx context.Context, call *aws.Call, kind, owner, name, document string) error {
	if err := checkDocument(document, policy.ForIdentity); err != nil {
		return err
	}
	return s.update(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		if isLinked(&row) {
			return errProtected(row.Name)
		}
		key, total := row.owner(call.Account), sizeOf(document)
		for other, p := range inlines.Scan(tx, partKey{Owner: key}) {
			if other.Name != name {
				total += sizeOf(p.Document)
			}
		}
		if total > maxInline[kind] {
			return api.LimitExceededException.Errorf("Maximum policy size of %d bytes exceeded for %s %s", maxInline[kind], kind, row.Name)
		}
		return inlines.Put(tx, partKey{key, name}, inline{document})
	})
}

// findInline returns the document of an inline policy, and the owner's name.
func (s *Service) findInline(ctx context.Context, call *aws.Call, kind, owner, name string) (document, ownerName string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		p, err := inlines.Get(tx, partKey{row.owner(call.Account), name})
		if errors.Is(err, store.ErrNotFound) {
			return errNone(kind+" policy", name)
		}
		document, ownerName = escape(p.Document), row.Name
		return err
	})
	return document, ownerName, err
}

func (s *Service) deleteInline(ctx context.Context, call *aws.Call, kind, owner, name string) error {
	return s.update(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		key := partKey{row.owner(call.Account), name}
		switch there, err := inlines.Has(tx, key); {
		case err != nil:
			return err
		case !there:
			return errNone(kind+" policy", name)
		}
		return inlines.Delete(tx, key)
	})
}

func (s *Service) listInline(ctx context.Context, call *aws.Call, kind, owner string, p page) (found []string, truncated *bool, marker *string, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findIdentity(tx, call.Account, kind, owner)
		if err != nil {
			return err
		}
		found, truncated, marker, err = cut(p, func(yield func(string, string) bool) {
			for key := range inlines.Scan(tx, partKey{Owner: row.owner(call.Account)}) {
				if !yield(key.Name, key.Name) {
					return
				}
			}
		})
		return err
	})
	return found, truncated, marker, err
}

// PutUserPolicy sets an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, call *aws.Call, in *api.PutUserPolicyInput) (*api.PutUserPolicyOutput, error) {
	return &api.PutUserPolicyOutput{}, s.putInline(ctx, call, user, in.UserName, in.PolicyName, in.PolicyDocument)
}

// PutGroupPolicy sets an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, call *aws.Call, in *api.PutGroupPolicyInput) (*api.PutGroupPolicyOutput, error) {
	return &api.PutGroupPolicyOutput{}, s.putInline(ctx, call, group, in.GroupName, in.PolicyName, in.PolicyDocument)
}

// PutRolePolicy sets an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, call *aws.Call, in *api.PutRolePolicyInput) (*api.PutRolePolicyOutput, error) {
	return &api.PutRolePolicyOutput{}, s.putInline(ctx, call, role, in.RoleName, in.PolicyName, in.PolicyDocument)
}

// GetUserPolicy returns an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, call *aws.Call, in *api.GetUserPolicyInput) (*api.GetUserPolicyOutput, error) {
	document, name, err := s.findInline(ctx, call, user, in.UserName, in.PolicyName)
	return &api.GetUserPolicyOutput{UserName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// GetGroupPolicy returns an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, call *aws.Call, in *api.GetGroupPolicyInput) (*api.GetGroupPolicyOutput, error) {
	document, name, err := s.findInline(ctx, call, group, in.GroupName, in.PolicyName)
	return &api.GetGroupPolicyOutput{GroupName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// GetRolePolicy returns an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, call *aws.Call, in *api.GetRolePolicyInput) (*api.GetRolePolicyOutput, error) {
	document, name, err := s.findInline(ctx, call, role, in.RoleName, in.PolicyName)
	return &api.GetRolePolicyOutput{RoleName: name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// DeleteUserPolicy deletes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, call *aws.Call, in *api.DeleteUserPolicyInput) (*api.DeleteUserPolicyOutput, error) {
	return &api.DeleteUserPolicyOutput{}, s.deleteInline(ctx, call, user, in.UserName, in.PolicyName)
}

// DeleteGroupPolicy deletes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, call *aws.Call, in *api.DeleteGroupPolicyInput) (*api.DeleteGroupPolicyOutput, error) {
	return &api.DeleteGroupPolicyOutput{}, s.deleteInline(ctx, call, group, in.GroupName, in.PolicyName)
}

// DeleteRolePolicy deletes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, call *aws.Call, in *api.DeleteRolePolicyInput) (*api.DeleteRolePolicyOutput, error) {
	return &api.DeleteRolePolicyOutput{}, s.deleteInline(ctx, call, role, in.RoleName, in.PolicyName)
}

// ListUserPolicies lists the inline policies of a user.
func (s *Service) ListUserPolicies(ctx context.Context, call *aws.Call, in *api.ListUserPoliciesInput) (*api.ListUserPoliciesOutput, error) {
	found, truncated, marker, err := s.listInline(ctx, call, user, in.UserName, page{in.Marker, in.MaxItems})
	return &api.ListUserPoliciesOutput{PolicyNames: found, IsTruncated: truncated, Marker: marker}, err
}

// ListGroupPolicies lists the inline policies of a group.
func (s *Service) ListGroupPolicies(ctx context.Context, call *aws.Call, in *api.ListGroupPoliciesInput) (*api.ListGroupPoliciesOutput, error) {
	found, truncated, marker, err := s.listInline(ctx, call, group, in.GroupName, page{in.Marker, in.MaxItems})
	return &api.ListGroupPoliciesOutput{PolicyNames: found, IsTruncated: truncated, Marker: marker}, err
}

// ListRolePolicies lists the inline policies of a role.
func (s *Service) ListRolePolicies(ctx context.Context, call *aws.Call, in *api.ListRolePoliciesInput) (*api.ListRolePoliciesOutput, error) {
	found, truncated, marker, err := s.listInline(ctx, call, role, in.RoleName, page{in.Marker, in.MaxItems})
	return &api.ListRolePoliciesOutput{PolicyNames: found, IsTruncated: truncated, Marker: marker}, err
}
