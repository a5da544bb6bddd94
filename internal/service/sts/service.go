package sts

import (
	"context"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/sts"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
)

// Service is STS.
type Service struct {
	roles   Roles
	mint    *auth.Mint
	table   *dispatch.Table
	issuers *jwt.Issuers
}

// New returns STS, which makes credentials with mint, and gets what issuers of
// tokens publish by fetch.
func New(roles Roles, mint *auth.Mint, table *dispatch.Table, fetch func(ctx context.Context, url string) ([]byte, error)) *Service {
	return &Service{roles: roles, mint: mint, table: table, issuers: jwt.NewIssuers(fetch)}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API: api.API,
		Operations: []service.Operation{
			service.OpEach(api.AssumeRole, s.AssumeRole, assumes).But("There are no devices for a second factor."),
			service.OpEach(api.AssumeRoleWithWebIdentity, s.AssumeRoleWithWebIdentity, federates).But("Tokens are those of identity pools; other providers are refused."),
			service.OpEach(api.GetCallerIdentity, s.GetCallerIdentity, everybody).But("Denies do not apply, as on AWS."),
			service.OpEach(api.GetSessionToken, s.GetSessionToken, everybody).But("There are no devices for a second factor."),
			service.Op(api.GetAccessKeyInfo, s.GetAccessKeyInfo, service.Any),
		},
	}
}

// everybody may do this who says who they are; the handler sees to that.
func everybody[In any](*aws.Call, *In, func(service.Access) error) error { return nil }

// assumes is what one must be allowed to take on a role: that, and to bring
// tags and an identity to it.
func assumes(_ *aws.Call, in *api.AssumeRoleInput, check func(service.Access) error) error {
	role, err := parseRole(in.RoleArn)
	if err != nil {
		return err
	}
	keys := service.Keys{"sts:RoleSessionName": {in.RoleSessionName}}
	if in.ExternalId != nil {
		keys["sts:ExternalId"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		keys["sts:SourceIdentity"] = []string{*in.SourceIdentity}
	}
	if in.DurationSeconds != nil {
		keys["sts:DurationSeconds"] = []string{strconv.Itoa(int(*in.DurationSeconds))}
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys["sts:TransitiveTagKeys"] = in.TransitiveTagKeys
	}
	for _, t := range in.Tags {
		keys["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
	}
	actions := []string{"sts:AssumeRole"}
	if len(in.Tags) > 0 {
		actions = append(actions, "sts:TagSession")
	}
	if in.SourceIdentity != nil {
		actions = append(actions, "sts:SetSourceIdentity")
	}
	for _, action := range actions {
		if err := check(service.Access{Action: action, Resource: role, Keys: keys}); err != nil {
			return err
		}
	}
	return nil
}

// parseRole reads the ARN of a role.
func parseRole(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "iam" || arn.Region != "" || len(arn.Resource) <= len("role/") || arn.Resource[:len("role/")] != "role/" {
		return arn, api.ValidationError.Errorf("%s is invalid", text)
	}
	return arn, nil
}
