package iot

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// defaults are the names of the authorizers that are asked where none is named.
var defaults = store.NewTable[defaultKey, string]("iot.defaultauthorizer")

type defaultKey struct{ Account, Region string }

func defaultOf(call *aws.Call) defaultKey { return defaultKey{call.Account, call.Region} }

// SetDefaultAuthorizer has an authorizer be asked where none is named.
func (s *Service) SetDefaultAuthorizer(ctx context.Context, call *aws.Call, in *api.SetDefaultAuthorizerInput) (*api.SetDefaultAuthorizerOutput, error) {
	arn := authorizerARN(call, in.AuthorizerName)
	return &api.SetDefaultAuthorizerOutput{AuthorizerName: &in.AuthorizerName, AuthorizerArn: new(arn.String())}, s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findAuthorizer(tx, arn); err != nil {
			return err
		}
		name, err := defaults.Get(tx, defaultOf(call))
		if err == nil {
			return api.ResourceAlreadyExistsException.With(&api.ResourceAlreadyExistsExceptionDetail{
				ResourceId: &name, ResourceArn: new(authorizerARN(call, name).String()),
			}, "There is a default authorizer: "+name)
		}
		if err := ignoreMissing(err); err != nil {
			return err
		}
		return defaults.Put(tx, defaultOf(call), in.AuthorizerName)
	})
}

// DescribeDefaultAuthorizer describes the authorizer that is asked where none is named.
func (s *Service) DescribeDefaultAuthorizer(ctx context.Context, call *aws.Call, _ *api.DescribeDefaultAuthorizerInput) (*api.DescribeDefaultAuthorizerOutput, error) {
	out := &api.DescribeDefaultAuthorizerOutput{}
	return out, s.DB.View(ctx, func(tx *store.Tx) error {
		name, err := defaults.Get(tx, defaultOf(call))
		if errors.Is(err, store.ErrNotFound) {
			return api.ResourceNotFoundException.Errorf("There is no default authorizer.")
		}
		if err != nil {
			return err
		}
		row, err := findAuthorizer(tx, authorizerARN(call, name))
		out.AuthorizerDescription = row.described(authorizerARN(call, name))
		return err
	})
}

// ClearDefaultAuthorizer has no authorizer be asked where none is named.
func (s *Service) ClearDefaultAuthorizer(ctx context.Context, call *aws.Call, _ *api.ClearDefaultAuthorizerInput) (*api.ClearDefaultAuthorizerOutput, error) {
	return &api.ClearDefaultAuthorizerOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error { return defaults.Delete(tx, defaultOf(call)) })
}
