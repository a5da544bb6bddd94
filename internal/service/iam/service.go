package iam

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Service is IAM, and the auth.Directory.
type Service struct {
	db      *store.DB
	mint    *auth.Mint
	managed func() *catalogue // AWS's own policies, read when they are first asked for

	memory atomic.Pointer[memory]
	epoch  atomic.Uint64
}

// New returns IAM over db. The first time, it makes the secret of the
// installation, with which the Mint makes keys.
func New(ctx context.Context, db *store.DB) (*Service, error) {
	mint, err := openMint(ctx, db)
	if err != nil {
		return nil, err
	}
	s := &Service{db: db, mint: mint, managed: sync.OnceValue(readCatalogue)}
	s.forget()
	return s, nil
}

// Mint returns the maker of the installation's access keys.
func (s *Service) Mint() *auth.Mint { return s.mint }

// update changes what IAM keeps, and then forgets what it remembers of it.
func (s *Service) update(ctx context.Context, fn func(tx *store.Tx) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		tx.AfterCommit(s.forget)
		return fn(tx)
	})
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	def := service.Definition{API: api.API, Policy: s.trustOf, Epoch: s.epoch.Load}
	def.Operations = append(def.Operations, s.ofUsers()...)
	def.Operations = append(def.Operations, s.ofKeys()...)
	def.Operations = append(def.Operations, s.ofGroups()...)
	def.Operations = append(def.Operations, s.ofRoles()...)
	def.Operations = append(def.Operations, s.ofPolicies()...)
	def.Operations = append(def.Operations, s.ofProfiles()...)
	return def
}

func (s *Service) ofUsers() []service.Operation {
	return []service.Operation{
		onUser(s, api.CreateUser, s.CreateUser),
		service.Op(api.GetUser, s.GetUser, s.userOrSelf),
		service.Op(api.ListUsers, s.ListUsers, anyUser),
		onUser(s, api.UpdateUser, s.UpdateUser),
		onUser(s, api.DeleteUser, s.DeleteUser),
		onUser(s, api.TagUser, s.TagUser),
		onUser(s, api.UntagUser, s.UntagUser),
		onUser(s, api.ListUserTags, s.ListUserTags),
		onUser(s, api.PutUserPermissionsBoundary, s.PutUserPermissionsBoundary),
		onUser(s, api.DeleteUserPermissionsBoundary, s.DeleteUserPermissionsBoundary),
		onUser(s, api.PutUserPolicy, s.PutUserPolicy),
		onUser(s, api.GetUserPolicy, s.GetUserPolicy),
		onUser(s, api.ListUserPolicies, s.ListUserPolicies),
		onUser(s, api.DeleteUserPolicy, s.DeleteUserPolicy),
		onUser(s, api.AttachUserPolicy, s.AttachUserPolicy),
		onUser(s, api.DetachUserPolicy, s.DetachUserPolicy),
		onUser(s, api.ListAttachedUserPolicies, s.ListAttachedUserPolicies),
		onUser(s, api.ListGroupsForUser, s.ListGroupsForUser),
	}
}

func (s *Service) ofKeys() []service.Operation {
	return []service.Operation{
		onUser(s, api.CreateAccessKey, s.CreateAccessKey),
		onUser(s, api.ListAccessKeys, s.ListAccessKeys),
		onUser(s, api.UpdateAccessKey, s.UpdateAccessKey),
		onUser(s, api.DeleteAccessKey, s.DeleteAccessKey),
		service.Op(api.GetAccessKeyLastUsed, s.GetAccessKeyLastUsed, service.Any).But("The last use of a key is not kept."),
	}
}

func (s *Service) ofGroups() []service.Operation {
	return []service.Operation{
		onGroup(s, api.CreateGroup, s.CreateGroup),
		onGroup(s, api.GetGroup, s.GetGroup),
		service.Op(api.ListGroups, s.ListGroups, anyGroup),
		onGroup(s, api.UpdateGroup, s.UpdateGroup),
		onGroup(s, api.DeleteGroup, s.DeleteGroup),
		onGroup(s, api.AddUserToGroup, s.AddUserToGroup),
		onGroup(s, api.RemoveUserFromGroup, s.RemoveUserFromGroup),
		onGroup(s, api.PutGroupPolicy, s.PutGroupPolicy),
		onGroup(s, api.GetGroupPolicy, s.GetGroupPolicy),
		onGroup(s, api.ListGroupPolicies, s.ListGroupPolicies),
		onGroup(s, api.DeleteGroupPolicy, s.DeleteGroupPolicy),
		onGroup(s, api.AttachGroupPolicy, s.AttachGroupPolicy),
		onGroup(s, api.DetachGroupPolicy, s.DetachGroupPolicy),
		onGroup(s, api.ListAttachedGroupPolicies, s.ListAttachedGroupPolicies),
	}
}

func (s *Service) ofRoles() []service.Operation {
	return []service.Operation{
		onRole(s, api.CreateRole, s.CreateRole),
		onRole(s, api.GetRole, s.GetRole).But("The last use of a role is not kept."),
		service.Op(api.ListRoles, s.ListRoles, anyRole),
		onRole(s, api.UpdateRole, s.UpdateRole),
		onRole(s, api.UpdateRoleDescription, s.UpdateRoleDescription),
		onRole(s, api.UpdateAssumeRolePolicy, s.UpdateAssumeRolePolicy),
		onRole(s, api.DeleteRole, s.DeleteRole),
		onRole(s, api.TagRole, s.TagRole),
		onRole(s, api.UntagRole, s.UntagRole),
		onRole(s, api.ListRoleTags, s.ListRoleTags),
		onRole(s, api.PutRolePermissionsBoundary, s.PutRolePermissionsBoundary),
		onRole(s, api.DeleteRolePermissionsBoundary, s.DeleteRolePermissionsBoundary),
		onRole(s, api.PutRolePolicy, s.PutRolePolicy),
		onRole(s, api.GetRolePolicy, s.GetRolePolicy),
		onRole(s, api.ListRolePolicies, s.ListRolePolicies),
		onRole(s, api.DeleteRolePolicy, s.DeleteRolePolicy),
		onRole(s, api.AttachRolePolicy, s.AttachRolePolicy),
		onRole(s, api.DetachRolePolicy, s.DetachRolePolicy),
		onRole(s, api.ListAttachedRolePolicies, s.ListAttachedRolePolicies),
		onRole(s, api.ListInstanceProfilesForRole, s.ListInstanceProfilesForRole),
		service.Op(api.CreateServiceLinkedRole, s.CreateServiceLinkedRole, linkedRoleNew).But("AWS attaches a policy to the role; here it has none."),
		onRole(s, api.DeleteServiceLinkedRole, s.DeleteServiceLinkedRole),
		service.Op(api.GetServiceLinkedRoleDeletionStatus, s.GetServiceLinkedRoleDeletionStatus, service.Any),
	}
}

func (s *Service) ofPolicies() []service.Operation {
	return []service.Operation{
		service.OpEach(api.CreatePolicy, s.CreatePolicy, createsPolicy),
		onPolicy(api.GetPolicy, s.GetPolicy),
		service.Op(api.ListPolicies, s.ListPolicies, anyPolicy),
		onPolicy(api.DeletePolicy, s.DeletePolicy),
		onPolicy(api.CreatePolicyVersion, s.CreatePolicyVersion),
		onPolicy(api.GetPolicyVersion, s.GetPolicyVersion),
		onPolicy(api.ListPolicyVersions, s.ListPolicyVersions),
		onPolicy(api.SetDefaultPolicyVersion, s.SetDefaultPolicyVersion),
		onPolicy(api.DeletePolicyVersion, s.DeletePolicyVersion),
		onPolicy(api.TagPolicy, s.TagPolicy),
		onPolicy(api.UntagPolicy, s.UntagPolicy),
		onPolicy(api.ListPolicyTags, s.ListPolicyTags),
		onPolicy(api.ListEntitiesForPolicy, s.ListEntitiesForPolicy),
		service.Op(api.SimulatePrincipalPolicy, s.SimulatePrincipalPolicy, simulated).But("MissingContextValues is empty."),
		service.Op(api.SimulateCustomPolicy, s.SimulateCustomPolicy, service.Any).But("MissingContextValues is empty. Policies of organizations are not simulated."),
	}
}

// newID returns a unique id of a kind: "AROA" and seventeen characters.
func newID(kind string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, 17)
	rand.Read(b)
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return kind + string(b)
}
