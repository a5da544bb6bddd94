package cloudcontrol

import (
	"context"
	"errors"
	"maps"

	api "github.com/aloft-cloud/aloft/internal/api/cloudcontrol"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
	"github.com/aloft-cloud/aloft/internal/store"
)

// model returns a resource: what it was made with, and what can be read of it.
func (s *Service) model(ctx context.Context, call *aws.Call, typ, id string) (*madeResource, error) {
	missing := api.ResourceNotFoundException.Errorf("Resource of type '%s' with identifier '%s' was not found.", typ, id)
	var m madeResource
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		m, err = resources.Get(tx, resourceKey{place(call), typ, id})
		return err
	})
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if !resource.Reads(typ) {
		if !known {
			return nil, missing
		}
		return &m, nil
	}
	actual, err := resource.Read(&resource.Op{Env: resource.Env{Table: s.table}, Ctx: ctx, Call: call, Type: typ, PhysicalID: id})
	if resource.IsGone(err) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	if m.Properties == nil {
		m.Properties = tree{}
	}
	maps.Copy(m.Properties, actual)
	return &m, nil
}

// GetResource returns a resource as it is.
func (s *Service) GetResource(ctx context.Context, call *aws.Call, in *api.GetResourceInput) (*api.GetResourceOutput, error) {
	if s.types().Find(in.TypeName) == nil {
		return nil, api.TypeNotFoundException.Errorf("The type '%s' cannot be found.", in.TypeName)
	}
	m, err := s.model(ctx, call, in.TypeName, in.Identifier)
	if err != nil {
		return nil, err
	}
	return &api.GetResourceOutput{TypeName: &in.TypeName, ResourceDescription: describe(in.Identifier, m)}, nil
}

func describe(id string, m *madeResource) *api.ResourceDescription {
	all := make(map[string]any)
	maps.Copy(all, m.Properties)
	maps.Copy(all, m.Attributes)
	return &api.ResourceDescription{Identifier: &id, Properties: new(resource.JSON(all))}
}

// ListResources lists the resources of a type that requests have made.
func (s *Service) ListResources(ctx context.Context, call *aws.Call, in *api.ListResourcesInput) (*api.ListResourcesOutput, error) {
	if s.types().Find(in.TypeName) == nil {
		return nil, api.TypeNotFoundException.Errorf("The type '%s' cannot be found.", in.TypeName)
	}
	out := &api.ListResourcesOutput{TypeName: &in.TypeName}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.ResourceDescriptions = []api.ResourceDescription{}
		for key, m := range resources.Scan(tx, resourceKey{Place: place(call), Type: in.TypeName}) {
			out.ResourceDescriptions = append(out.ResourceDescriptions, *describe(key.Identifier, &m))
		}
		return nil
	})
	return out, err
}
