package apigatewayv2

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateApiMapping has paths of a domain lead to a stage of an API, which may
// be a REST API too.
func (s *Service) CreateApiMapping(ctx context.Context, call *aws.Call, in *api.CreateApiMappingInput) (*api.CreateApiMappingOutput, error) {
	m := domain.Mapping{ID: domain.NewID(), Path: aws.Value(in.ApiMappingKey), API: in.ApiId, Stage: in.Stage}
	if err := checkMapping(&m); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Map(tx, call, in.DomainName, m, refusals(call, m.API)) })
	if err != nil {
		return nil, err
	}
	return new(api.CreateApiMappingOutput(shownMapping(m))), nil
}

func refusals(call *aws.Call, id string) domain.Refusals {
	return domain.Refusals{Taken: api.ConflictException.Errorf("ApiMapping key already exists for this domain name"), NoAPI: errNoTarget(call, id)}
}

// errNoTarget refuses to lead to an API that is not there.
func errNoTarget(call *aws.Call, id string) error {
	return errBad("Invalid API identifier specified %s:%s", call.Account, id)
}

func checkMapping(m *domain.Mapping) error {
	switch {
	case !domain.IsPath(m.Path):
		return errBad("An ApiMapping key may contain only letters, numbers and one of $-_.+!*'(),")
	case m.Stage == "":
		return errBad("Invalid stage identifier specified")
	}
	return nil
}

// shownMapping is a mapping as HTTP APIs have it.
func shownMapping(m domain.Mapping) api.GetApiMappingOutput {
	return api.GetApiMappingOutput{ApiId: &m.API, ApiMappingId: &m.ID, ApiMappingKey: &m.Path, Stage: &m.Stage}
}

// findMapping returns the mapping of an id.
func (s *Service) findMapping(tx *store.Tx, call *aws.Call, name, id string) (domain.Mapping, error) {
	if _, err := s.cfg.Domains.Find(tx, call, name); err != nil {
		return domain.Mapping{}, err
	}
	for m := range s.cfg.Domains.Mappings(tx, call, name, nil) {
		if m.ID == id {
			return m, nil
		}
	}
	return domain.Mapping{}, errNo("ApiMapping")
}

// GetApiMapping returns a mapping.
func (s *Service) GetApiMapping(ctx context.Context, call *aws.Call, in *api.GetApiMappingInput) (*api.GetApiMappingOutput, error) {
	var m domain.Mapping
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = s.findMapping(tx, call, in.DomainName, in.ApiMappingId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(shownMapping(m)), nil
}

// GetApiMappings lists the mappings of a domain.
func (s *Service) GetApiMappings(ctx context.Context, call *aws.Call, in *api.GetApiMappingsInput) (*api.GetApiMappingsOutput, error) {
	limit, last, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	var after *string
	if in.NextToken != nil {
		after = new(last[1:]) // behind a slash, as tokens are not empty
	}
	var out *api.GetApiMappingsOutput
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.GetApiMappingsOutput{Items: []api.ApiMapping{}}
		if _, err := s.cfg.Domains.Find(tx, call, in.DomainName); err != nil {
			return err
		}
		for m := range s.cfg.Domains.Mappings(tx, call, in.DomainName, after) {
			if len(out.Items) == limit {
				out.NextToken = tokenAfter("/" + *out.Items[limit-1].ApiMappingKey)
				break
			}
			out.Items = append(out.Items, api.ApiMapping{ApiId: m.API, ApiMappingId: &m.ID, ApiMappingKey: &m.Path, Stage: m.Stage})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateApiMapping changes a mapping.
func (s *Service) UpdateApiMapping(ctx context.Context, call *aws.Call, in *api.UpdateApiMappingInput) (*api.UpdateApiMappingOutput, error) {
	var m domain.Mapping
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = s.findMapping(tx, call, in.DomainName, in.ApiMappingId); err != nil {
			return err
		}
		before := m.Path
		m.API, m.Path, m.Stage = in.ApiId, aws.Or(in.ApiMappingKey, m.Path), aws.Or(in.Stage, m.Stage)
		if err := checkMapping(&m); err != nil {
			return err
		}
		return s.cfg.Domains.Remap(tx, call, in.DomainName, before, m, refusals(call, m.API))
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateApiMappingOutput(shownMapping(m))), nil
}

// DeleteApiMapping removes a mapping.
func (s *Service) DeleteApiMapping(ctx context.Context, call *aws.Call, in *api.DeleteApiMappingInput) (*api.DeleteApiMappingOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		m, err := s.findMapping(tx, call, in.DomainName, in.ApiMappingId)
		if err != nil {
			return err
		}
		return s.cfg.Domains.Unmap(tx, call, in.DomainName, m.Path)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiMappingOutput{}, nil
}
