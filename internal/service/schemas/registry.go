package schemas

import (
	"context"
	"regexp"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	registryNames = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)
	schemaNames   = regexp.MustCompile(`^[0-9A-Za-z_.@-]{1,385}$`)
)

// CreateRegistry makes a registry.
func (s *Service) CreateRegistry(ctx context.Context, call *aws.Call, in *api.CreateRegistryInput) (*api.CreateRegistryOutput, error) {
	if !registryNames.MatchString(in.RegistryName) || strings.HasPrefix(in.RegistryName, "aws.") {
		return nil, api.BadRequestException.Errorf("Registry name %s is not valid.", in.RegistryName)
	}
	arn := registryOf(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := registries.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists {
			return api.ConflictException.Errorf("Registry with name %s already exists.", in.RegistryName)
		}
		return registries.Put(tx, arn, registry{Description: aws.Value(in.Description), Tags: in.Tags})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRegistryOutput{Description: in.Description, RegistryArn: new(arn.String()), RegistryName: &in.RegistryName, Tags: in.Tags}, nil
}

// UpdateRegistry changes the description of a registry.
func (s *Service) UpdateRegistry(ctx context.Context, call *aws.Call, in *api.UpdateRegistryInput) (*api.UpdateRegistryOutput, error) {
	arn := registryOf(call, in)
	var r registry
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if r, err = findRegistry(tx, arn); err != nil {
			return err
		}
		r.Description = aws.Or(in.Description, r.Description)
		return registries.Put(tx, arn, r)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateRegistryOutput{Description: optional(r.Description), RegistryArn: new(arn.String()), RegistryName: &in.RegistryName, Tags: r.Tags}, nil
}

// DescribeRegistry describes a registry.
func (s *Service) DescribeRegistry(ctx context.Context, call *aws.Call, in *api.DescribeRegistryInput) (*api.DescribeRegistryOutput, error) {
	arn := registryOf(call, in)
	var r registry
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		r, err = findRegistry(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeRegistryOutput{Description: optional(r.Description), RegistryArn: new(arn.String()), RegistryName: &in.RegistryName, Tags: r.Tags}, nil
}

// DeleteRegistry deletes a registry that has no schemas.
func (s *Service) DeleteRegistry(ctx context.Context, call *aws.Call, in *api.DeleteRegistryInput) (*api.DeleteRegistryOutput, error) {
	arn := registryOf(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findRegistry(tx, arn); err != nil {
			return err
		}
		for range within(tx, call, in.RegistryName, "") {
			return api.ConflictException.Errorf("Registry %s has schemas, and cannot be deleted.", in.RegistryName)
		}
		return registries.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRegistryOutput{}, nil
}

// ListRegistries lists registries by name.
func (s *Service) ListRegistries(ctx context.Context, call *aws.Call, in *api.ListRegistriesInput) (*api.ListRegistriesOutput, error) {
	limit, after, err := pageOf(in.Limit, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &api.ListRegistriesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.ListRegistriesOutput{Registries: []api.RegistrySummary{}}
		if aws.Or(in.Scope, "LOCAL") != "LOCAL" {
			return nil
		}
		for arn, r := range registries.ScanAfter(tx, call.ARN("schemas", ""), registryARN(call, after)) {
			name := strings.TrimPrefix(arn.Resource, registryKind)
			if !strings.HasPrefix(name, aws.Value(in.RegistryNamePrefix)) {
				continue
			}
			if len(out.Registries) == limit {
				out.NextToken = tokenAfter(*out.Registries[limit-1].RegistryName)
				break
			}
			out.Registries = append(out.Registries, api.RegistrySummary{RegistryArn: new(arn.String()), RegistryName: &name, Tags: r.Tags})
		}
		return nil
	})
	return out, err
}
