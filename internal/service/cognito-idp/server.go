package cognitoidp

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// servers are resource servers, by identifier: whose scopes tokens may have.
var servers = store.NewTable[partKey, api.ResourceServerType]("cognito-idp.server")

// hasScope reports whether a resource server of the pool has a scope.
func hasScope(tx *store.Tx, p *userPool, scope string) bool {
	cut := strings.LastIndexByte(scope, '/')
	if cut < 0 {
		return false
	}
	row, err := servers.Get(tx, partKey{p.arn, scope[:cut]})
	if err != nil {
		return false
	}
	for _, s := range row.Scopes {
		if s.ScopeName == scope[cut+1:] {
			return true
		}
	}
	return false
}

// findServer returns a resource server of a pool.
func findServer(tx *store.Tx, call *aws.Call, poolID, identifier string) (partKey, api.ResourceServerType, error) {
	p, err := findPool(tx, call, poolID)
	if err != nil {
		return partKey{}, api.ResourceServerType{}, err
	}
	key := partKey{p.arn, identifier}
	row, err := servers.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = api.ResourceNotFoundException.Errorf("Resource server %s does not exist.", identifier)
	}
	return key, row, err
}

// CreateResourceServer makes a resource server.
func (s *Service) CreateResourceServer(ctx context.Context, call *aws.Call, in *api.CreateResourceServerInput) (*api.CreateResourceServerOutput, error) {
	row := api.ResourceServerType{UserPoolId: &in.UserPoolId, Identifier: &in.Identifier, Name: &in.Name, Scopes: in.Scopes}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := findServer(tx, call, in.UserPoolId, in.Identifier)
		switch {
		case err == nil:
			return invalid("%s already exists in user pool %s.", in.Identifier, in.UserPoolId)
		case key == partKey{} || !errors.Is(err, api.ResourceNotFoundException):
			return err
		}
		return servers.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateResourceServerOutput{ResourceServer: &row}, nil
}

// DescribeResourceServer returns a resource server.
func (s *Service) DescribeResourceServer(ctx context.Context, call *aws.Call, in *api.DescribeResourceServerInput) (*api.DescribeResourceServerOutput, error) {
	var row api.ResourceServerType
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findServer(tx, call, in.UserPoolId, in.Identifier)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeResourceServerOutput{ResourceServer: &row}, nil
}

// UpdateResourceServer changes a resource server.
func (s *Service) UpdateResourceServer(ctx context.Context, call *aws.Call, in *api.UpdateResourceServerInput) (*api.UpdateResourceServerOutput, error) {
	var row api.ResourceServerType
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := findServer(tx, call, in.UserPoolId, in.Identifier)
		if err != nil {
			return err
		}
		row = found
		row.Name, row.Scopes = &in.Name, in.Scopes
		return servers.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateResourceServerOutput{ResourceServer: &row}, nil
}

// DeleteResourceServer removes a resource server.
func (s *Service) DeleteResourceServer(ctx context.Context, call *aws.Call, in *api.DeleteResourceServerInput) (*api.DeleteResourceServerOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := findServer(tx, call, in.UserPoolId, in.Identifier)
		if err != nil {
			return err
		}
		return servers.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteResourceServerOutput{}, nil
}

// ListResourceServers lists the resource servers of a pool.
func (s *Service) ListResourceServers(ctx context.Context, call *aws.Call, in *api.ListResourceServersInput) (*api.ListResourceServersOutput, error) {
	out := &api.ListResourceServersOutput{}
	err := s.listParts(ctx, call, in.UserPoolId, in.NextToken, func(tx *store.Tx, from partKey) (err error) {
		out.ResourceServers = []api.ResourceServerType{}
		out.NextToken, err = page(servers.ScanAfter(tx, partKey{Pool: from.Pool}, from), partName, min(upTo(in.MaxResults), 50), func(_ partKey, row api.ResourceServerType) (bool, error) {
			out.ResourceServers = append(out.ResourceServers, row)
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
