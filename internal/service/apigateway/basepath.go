package apigateway

import (
	"context"
	"net/http"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/domain"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A gateway is what domains know of REST APIs.
type gateway struct{ *Service }

// Owns implements domain.Gateway.
func (g gateway) Owns(ctx context.Context, id string) bool { return g.owns(ctx, id) }

// HasStage implements domain.Gateway.
func (g gateway) HasStage(tx *store.Tx, call *aws.Call, id, stage string) (hasAPI, hasStage bool, err error) {
	if hasAPI, err = apis.Has(tx, apiARN(call, id)); err == nil && hasAPI {
		hasStage, err = stages.Has(tx, partKey{apiARN(call, id), stage})
	}
	return hasAPI, hasStage, err
}

// ServeVia implements domain.Gateway.
func (g gateway) ServeVia(w http.ResponseWriter, r *http.Request, call *aws.Call, id string, via *domain.Via) {
	g.answerTo(w, r, call, id, via)
}

var refuseMapping = domain.Refusals{
	Taken: api.ConflictException.Errorf("Base path already exists for this domain name"),
	NoAPI: errBad("Invalid REST API identifier specified"),
}

// CreateBasePathMapping has paths of a domain lead to an API.
func (s *Service) CreateBasePathMapping(ctx context.Context, call *aws.Call, in *api.CreateBasePathMappingInput) (*api.BasePathMapping, error) {
	m := domain.Mapping{ID: domain.NewID(), Path: pathOfBase(in.BasePath), API: in.RestApiId, Stage: stageOfBase(in.Stage)}
	if err := checkBase(m.Path); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return s.cfg.Domains.Map(tx, call, in.DomainName, m, refuseMapping) })
	if err != nil {
		return nil, err
	}
	return new(baseMapping(m)), nil
}

// pathOfBase is the path of a mapping by its base path, which may say that it has none.
func pathOfBase(base *string) string {
	if aws.Value(base) == noPath {
		return ""
	}
	return aws.Value(base)
}

func stageOfBase(stage *string) string { return pathOfBase(stage) }

// baseMapping is a mapping as REST APIs show it.
func baseMapping(m domain.Mapping) api.BasePathMapping {
	row := api.BasePathMapping{BasePath: new(m.Path), RestApiId: new(m.API)}
	if m.Path == "" {
		row.BasePath = new(noPath)
	}
	if m.Stage != "" {
		row.Stage = new(m.Stage)
	}
	return row
}

func checkBase(path string) error {
	if strings.Contains(path, "/") {
		return errBad("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	}
	if !domain.IsPath(path) {
		return errBad("Invalid base path specified: %s", path)
	}
	return nil
}

// findMapping returns the mapping of a base path.
func (s *Service) findMapping(tx *store.Tx, call *aws.Call, name, base string) (domain.Mapping, error) {
	if _, err := s.cfg.Domains.Find(tx, call, name); err != nil {
		return domain.Mapping{}, err
	}
	for m := range s.cfg.Domains.Mappings(tx, call, name, nil) {
		if m.Path == pathOfBase(&base) {
			return m, nil
		}
	}
	return domain.Mapping{}, api.NotFoundException.Errorf("Invalid base path mapping identifier specified")
}

// GetBasePathMapping returns a mapping.
func (s *Service) GetBasePathMapping(ctx context.Context, call *aws.Call, in *api.GetBasePathMappingInput) (*api.BasePathMapping, error) {
	var m domain.Mapping
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		m, err = s.findMapping(tx, call, in.DomainName, in.BasePath)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(baseMapping(m)), nil
}

// GetBasePathMappings lists the mappings of a domain.
func (s *Service) GetBasePathMappings(ctx context.Context, call *aws.Call, in *api.GetBasePathMappingsInput) (*api.GetBasePathMappingsOutput, error) {
	p, err := pageOf(in.Limit, in.Position)
	if err != nil {
		return nil, err
	}
	out := new(api.GetBasePathMappingsOutput)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := s.cfg.Domains.Find(tx, call, in.DomainName); err != nil {
			return err
		}
		var after *string
		if p.after != "" {
			after = new(pathOfBase(&p.after))
		}
		all := s.cfg.Domains.Mappings(tx, call, in.DomainName, after)
		out.Items, out.Position = pageFrom(p, all, func(m domain.Mapping) (api.BasePathMapping, string) {
			row := baseMapping(m)
			return row, *row.BasePath
		})
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateBasePathMapping changes a mapping.
func (s *Service) UpdateBasePathMapping(ctx context.Context, call *aws.Call, in *api.UpdateBasePathMappingInput) (*api.BasePathMapping, error) {
	var m domain.Mapping
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if m, err = s.findMapping(tx, call, in.DomainName, in.BasePath); err != nil {
			return err
		}
		before := m.Path
		err = replace(in.PatchOperations, []string{"/basePath", "/stage", "/restapiId"}, func(c *change) error {
			switch c.path {
			case "/basePath":
				m.Path = pathOfBase(&c.value)
				return checkBase(m.Path)
			case "/stage":
				m.Stage = stageOfBase(c.text())
			default:
				m.API = c.value
			}
			return nil
		})
		if err != nil {
			return err
		}
		return s.cfg.Domains.Remap(tx, call, in.DomainName, before, m, refuseMapping)
	})
	if err != nil {
		return nil, err
	}
	return new(baseMapping(m)), nil
}

// DeleteBasePathMapping removes a mapping.
func (s *Service) DeleteBasePathMapping(ctx context.Context, call *aws.Call, in *api.DeleteBasePathMappingInput) (*api.DeleteBasePathMappingOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		m, err := s.findMapping(tx, call, in.DomainName, in.BasePath)
		if err != nil {
			return err
		}
		return s.cfg.Domains.Unmap(tx, call, in.DomainName, m.Path)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteBasePathMappingOutput{}, nil
}
