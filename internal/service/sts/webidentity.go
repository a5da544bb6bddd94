package sts

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
)

// identityPools is how policies name the provider that identity pools are.
const identityPools = "cognito-identity.amazonaws.com"

// AssumeRoleWithWebIdentity gives out credentials for a session of a role to who
// brings a token of an identity provider, of which there is one: identity pools.
// When the token is verified, the call is made again in the provider's name, for
// the role to decide.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, call *aws.Call, in *api.AssumeRoleWithWebIdentityInput) (*api.AssumeRoleWithWebIdentityOutput, error) {
	token, err := jwt.Parse(in.WebIdentityToken)
	if err != nil {
		return nil, api.InvalidIdentityTokenException.Errorf("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	if call.Principal.Kind == aws.Federated {
		return s.federate(ctx, in, token)
	}
	issuer, _ := token.Claims["iss"].(string)
	if issuer != backend.IdentityIssuer {
		return nil, api.InvalidIdentityTokenException.Errorf("No OpenIDConnect provider found in your account for %s", issuer)
	}
	keys, err := s.issuers.Keys(ctx, issuer, token.KeyID)
	if err != nil {
		return nil, err
	}
	pool, _ := token.Claims["aud"].(string)
	if token.Verify(keys, issuer, []string{pool}, time.Now()) != nil {
		return nil, api.InvalidIdentityTokenException.Errorf("Couldn't retrieve verification key from your identity provider, or the token is not valid")
	}
	as := *call
	as.Principal = aws.Principal{Kind: aws.Federated, ARN: identityPools}
	as.RequestID = aws.NewRequestID()
	return dispatch.Call(ctx, s.table, &as, api.AssumeRoleWithWebIdentity, in)
}

// federates is what the token says, for the role to judge, once it is verified.
func federates(call *aws.Call, in *api.AssumeRoleWithWebIdentityInput, check func(service.Access) error) error {
	if call.Principal.Kind != aws.Federated {
		return nil // the handler finds out whose the token is
	}
	role, err := parseRole(in.RoleArn)
	if err != nil {
		return err
	}
	token, err := jwt.Parse(in.WebIdentityToken)
	if err != nil {
		return err
	}
	keys := service.Keys{"sts:RoleSessionName": {in.RoleSessionName}}
	for _, claim := range []string{"aud", "sub", "amr"} {
		keys[identityPools+":"+claim] = jwt.Values(token.Claims[claim])
	}
	actions := []string{"sts:AssumeRoleWithWebIdentity"}
	if len(tagsOf(token)) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	for _, action := range actions {
		if err := check(service.Access{Action: action, Resource: role, Keys: keys}); err != nil {
			return err
		}
	}
	return nil
}

// federate gives out credentials to whom a verified token is of.
func (s *Service) federate(ctx context.Context, in *api.AssumeRoleWithWebIdentityInput, token *jwt.Token) (*api.AssumeRoleWithWebIdentityOutput, error) {
	role, err := parseRole(in.RoleArn)
	if err != nil {
		return nil, err
	}
	id, longest, err := s.roles.FindRole(ctx, role)
	if err != nil {
		return nil, err
	}
	lasts := min(usualDuration, longest)
	if in.DurationSeconds != nil {
		if lasts = time.Duration(*in.DurationSeconds) * time.Second; lasts > longest {
			return nil, api.ValidationError.Errorf("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}
	}
	t := &aws.Temporary{Issued: time.Now(), Expires: time.Now().Add(lasts), Tags: tagsOf(token)}
	if err := limit(t, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	name := role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
	session := aws.ARN{Service: "sts", Account: role.Account, Resource: "assumed-role/" + name + "/" + in.RoleSessionName}
	c, err := s.mint.NewSession(aws.Principal{
		Kind: aws.Session, ARN: session.String(), ID: id + ":" + in.RoleSessionName, Account: role.Account, Role: in.RoleArn, Temporary: t,
	})
	if err != nil {
		return nil, err
	}
	subject, _ := token.Claims["sub"].(string)
	audience, _ := token.Claims["aud"].(string)
	return &api.AssumeRoleWithWebIdentityOutput{
		Credentials: credentials(c), SubjectFromWebIdentityToken: &subject, Audience: &audience, Provider: new(identityPools),
		AssumedRoleUser: &api.AssumedRoleUser{AssumedRoleId: id + ":" + in.RoleSessionName, Arn: session.String()},
	}, nil
}

// tagsOf are the tags that a token gives the session.
func tagsOf(token *jwt.Token) map[string]string {
	said, _ := token.Claims["https://aws.amazon.com/tags"].(map[string]any)
	principal, _ := said["principal_tags"].(map[string]any)
	tags := make(map[string]string)
	for name, values := range principal {
		if all := jwt.Values(values); len(all) > 0 {
			tags[name] = all[0]
		}
	}
	return tags
}
