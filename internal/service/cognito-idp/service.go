package cognitoidp

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/gateway/cache"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Config is what user pools stand on.
type Config struct {
	DB       *store.DB
	Table    *dispatch.Table // of the functions of pools
	Router   *event.Router   // takes mail and text messages
	Endpoint string          // base of URLs, where domains of pools are below
	Key      string          // file of the key that what is secret is sealed with; empty in memory
	Log      *slog.Logger    // nil is slog.Default
}

// Service is user pools.
type Service struct {
	cfg     Config
	db      *store.DB
	table   *dispatch.Table
	router  *event.Router
	due     task.Bell // rung when a ticket expires sooner
	master  func() (cipher.AEAD, error)
	signers cache.Cache[*jwt.Signer] // by id of the pool
}

// New returns user pools.
func New(cfg Config) *Service {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Service{
		cfg: cfg, db: cfg.DB, table: cfg.Table, router: cfg.Router, due: task.NewBell(),
		master: master.Later(cfg.Key),
	}
}

// seal encrypts what is secret of a pool.
func (s *Service) seal(of aws.ARN, plain []byte) ([]byte, error) {
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	return box.Seal(nil, nil, plain, []byte(of.String())), nil
}

// open decrypts what seal made.
func (s *Service) open(of aws.ARN, sealed []byte) ([]byte, error) {
	box, err := s.master()
	if err != nil {
		return nil, err
	}
	return box.Open(nil, nil, sealed, []byte(of.String()))
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Pages:      []service.Page{{Prefix: "/", Takes: isPublished, Own: true, Serve: s.publish}},
		Hosts:      []service.Host{{Suffix: domainSuffix, Owns: s.ownsDomain, Serve: s.serveDomain}},
		Origin:     s.origin,
		Tasks:      []task.Task{{Name: "cognito-idp/expire", Run: s.expire, Bell: s.due}},
		Operations: slices.Concat(s.poolOperations(), s.adminOperations(), s.userOperations()),
	}
}

// poolOperations are those on pools and what they are made of.
func (s *Service) poolOperations() []service.Operation {
	const pool = "What passwords and sign-ins are a risk only AWS can tell: threat protection refuses blocked addresses alone. Keys of customers, custom senders, inbound federation and replicas are refused."
	return []service.Operation{
		service.Op(api.CreateUserPool, s.CreateUserPool, service.Any).But(pool + " Old passwords are not remembered, whatever the policy says."),
		onPool(api.DescribeUserPool, s.DescribeUserPool),
		onPool(api.UpdateUserPool, s.UpdateUserPool).But(pool),
		onPool(api.DeleteUserPool, s.DeleteUserPool),
		service.Op(api.ListUserPools, s.ListUserPools, service.Any),
		onPool(api.AddCustomAttributes, s.AddCustomAttributes),
		onPool(api.SetUserPoolMfaConfig, s.SetUserPoolMfaConfig).But("Passkeys are kept as a setting."),
		onPool(api.GetUserPoolMfaConfig, s.GetUserPoolMfaConfig),

		onPool(api.CreateUserPoolClient, s.CreateUserPoolClient),
		onPool(api.DescribeUserPoolClient, s.DescribeUserPoolClient),
		onPool(api.UpdateUserPoolClient, s.UpdateUserPoolClient),
		onPool(api.DeleteUserPoolClient, s.DeleteUserPoolClient),
		onPool(api.ListUserPoolClients, s.ListUserPoolClients),

		onPool(api.CreateUserPoolDomain, s.CreateUserPoolDomain).But("Domains of customers are refused."),
		service.Op(api.DescribeUserPoolDomain, s.DescribeUserPoolDomain, service.Any),
		onPool(api.UpdateUserPoolDomain, s.UpdateUserPoolDomain).But("Domains of customers are refused."),
		onPool(api.DeleteUserPoolDomain, s.DeleteUserPoolDomain),

		onPool(api.SetUICustomization, s.SetUICustomization).But("Styles are kept; the pages look as they do, and images are refused."),
		onPool(api.GetUICustomization, s.GetUICustomization),

		onPool(api.SetRiskConfiguration, s.SetRiskConfiguration).But("Ranges of addresses that are blocked are refused, by InitiateAuth and AdminInitiateAuth; nothing else is ever found to be a risk."),
		onPool(api.DescribeRiskConfiguration, s.DescribeRiskConfiguration),

		onPool(api.CreateResourceServer, s.CreateResourceServer),
		onPool(api.DescribeResourceServer, s.DescribeResourceServer),
		onPool(api.UpdateResourceServer, s.UpdateResourceServer),
		onPool(api.DeleteResourceServer, s.DeleteResourceServer),
		onPool(api.ListResourceServers, s.ListResourceServers),

		onPool(api.CreateIdentityProvider, s.CreateIdentityProvider).But("Providers are kept; nobody signs in by them yet."),
		onPool(api.DescribeIdentityProvider, s.DescribeIdentityProvider),
		onPool(api.GetIdentityProviderByIdentifier, s.GetIdentityProviderByIdentifier),
		onPool(api.UpdateIdentityProvider, s.UpdateIdentityProvider),
		onPool(api.DeleteIdentityProvider, s.DeleteIdentityProvider),
		onPool(api.ListIdentityProviders, s.ListIdentityProviders),

		service.Op(api.TagResource, s.TagResource, service.ResourceArn),
		service.Op(api.UntagResource, s.UntagResource, service.ResourceArn),
		service.Op(api.ListTagsForResource, s.ListTagsForResource, service.ResourceArn),
	}
}

// adminOperations are those of administrators on users and groups.
func (s *Service) adminOperations() []service.Operation {
	return []service.Operation{
		onPool(api.AdminCreateUser, s.AdminCreateUser),
		onPool(api.AdminGetUser, s.AdminGetUser),
		onPool(api.AdminDeleteUser, s.AdminDeleteUser),
		onPool(api.AdminEnableUser, s.AdminEnableUser),
		onPool(api.AdminDisableUser, s.AdminDisableUser),
		onPool(api.AdminConfirmSignUp, s.AdminConfirmSignUp),
		onPool(api.AdminSetUserPassword, s.AdminSetUserPassword),
		onPool(api.AdminResetUserPassword, s.AdminResetUserPassword),
		onPool(api.AdminUpdateUserAttributes, s.AdminUpdateUserAttributes),
		onPool(api.AdminDeleteUserAttributes, s.AdminDeleteUserAttributes),
		onPool(api.AdminUserGlobalSignOut, s.AdminUserGlobalSignOut),
		onPool(api.AdminSetUserMFAPreference, s.AdminSetUserMFAPreference).But("Passkeys are refused."),
		onPool(api.AdminInitiateAuth, s.AdminInitiateAuth).But("Devices are not remembered."),
		onPool(api.AdminRespondToAuthChallenge, s.AdminRespondToAuthChallenge).But("Devices are not remembered, and passkeys are refused."),
		onPool(api.ListUsers, s.ListUsers),

		onPool(api.CreateGroup, s.CreateGroup),
		onPool(api.GetGroup, s.GetGroup),
		onPool(api.UpdateGroup, s.UpdateGroup),
		onPool(api.DeleteGroup, s.DeleteGroup),
		onPool(api.ListGroups, s.ListGroups),
		onPool(api.AdminAddUserToGroup, s.AdminAddUserToGroup),
		onPool(api.AdminRemoveUserFromGroup, s.AdminRemoveUserFromGroup),
		onPool(api.AdminListGroupsForUser, s.AdminListGroupsForUser),
		onPool(api.ListUsersInGroup, s.ListUsersInGroup),
	}
}

// userOperations are those of users, who prove themselves who they are.
func (s *Service) userOperations() []service.Operation {
	return []service.Operation{
		service.OpEach(api.SignUp, s.SignUp, everybody),
		service.OpEach(api.ConfirmSignUp, s.ConfirmSignUp, everybody).But("Sessions to sign in by are not given."),
		service.OpEach(api.ResendConfirmationCode, s.ResendConfirmationCode, everybody),
		service.OpEach(api.InitiateAuth, s.InitiateAuth, everybody).But("Devices are not remembered."),
		service.OpEach(api.RespondToAuthChallenge, s.RespondToAuthChallenge, everybody).But("Devices are not remembered, and passkeys are refused."),
		service.OpEach(api.ForgotPassword, s.ForgotPassword, everybody),
		service.OpEach(api.ConfirmForgotPassword, s.ConfirmForgotPassword, everybody),
		service.OpEach(api.ChangePassword, s.ChangePassword, everybody),
		service.OpEach(api.GetTokensFromRefreshToken, s.GetTokensFromRefreshToken, everybody),
		service.OpEach(api.RevokeToken, s.RevokeToken, everybody),
		service.OpEach(api.GlobalSignOut, s.GlobalSignOut, everybody),
		service.OpEach(api.GetUser, s.GetUser, everybody),
		service.OpEach(api.DeleteUser, s.DeleteUser, everybody),
		service.OpEach(api.UpdateUserAttributes, s.UpdateUserAttributes, everybody),
		service.OpEach(api.DeleteUserAttributes, s.DeleteUserAttributes, everybody),
		service.OpEach(api.GetUserAttributeVerificationCode, s.GetUserAttributeVerificationCode, everybody),
		service.OpEach(api.VerifyUserAttribute, s.VerifyUserAttribute, everybody),
		service.OpEach(api.AssociateSoftwareToken, s.AssociateSoftwareToken, everybody),
		service.OpEach(api.VerifySoftwareToken, s.VerifySoftwareToken, everybody),
		service.OpEach(api.SetUserMFAPreference, s.SetUserMFAPreference, everybody).But("Passkeys are refused."),
	}
}

// onPool is the row of an operation on the pool that its input names.
func onPool[In, Out any, P interface {
	*In
	GetUserPoolId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN { return call.ARN("cognito-idp", kind+P(in).GetUserPoolId()) })
}

// everybody may do this: what it takes is in the input.
func everybody[In any](*aws.Call, *In, func(service.Access) error) error { return nil }
