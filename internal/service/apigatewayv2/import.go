package apigatewayv2

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/apigatewayv2/openapi"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ImportApi makes an API of an OpenAPI document.
func (s *Service) ImportApi(ctx context.Context, call *aws.Call, in *api.ImportApiInput) (*api.ImportApiOutput, error) {
	def, err := parse(in.Body, in.Basepath, in.FailOnWarnings)
	if err != nil {
		return nil, err
	}
	row := newAPI(def.Title)
	if err := describe(&row, def); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, err := s.addAPI(tx, call, &row)
		if err != nil {
			return err
		}
		return s.addDefinition(tx, arn, def)
	})
	if err != nil {
		return nil, err
	}
	return new(api.ImportApiOutput(s.visible(call, row))), nil
}

// ReimportApi makes an API what an OpenAPI document says. Its stages stay.
func (s *Service) ReimportApi(ctx context.Context, call *aws.Call, in *api.ReimportApiInput) (*api.ReimportApiOutput, error) {
	def, err := parse(in.Body, in.Basepath, in.FailOnWarnings)
	if err != nil {
		return nil, err
	}
	var row apiRow
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		row = found
		if err := describe(&row, def); err != nil {
			return err
		}
		all := partKey{API: arn}
		if err := routes.DeletePrefix(tx, all); err != nil {
			return err
		}
		if err := routeKeys.DeletePrefix(tx, all); err != nil {
			return err
		}
		if err := integrations.DeletePrefix(tx, all); err != nil {
			return err
		}
		if err := authorizers.DeletePrefix(tx, all); err != nil {
			return err
		}
		if err := apis.Put(tx, arn, row); err != nil {
			return err
		}
		if err := s.addDefinition(tx, arn, def); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return new(api.ReimportApiOutput(s.visible(call, row))), nil
}

func parse(body string, basepath *string, failOnWarnings *bool) (*openapi.Definition, error) {
	switch aws.Or(basepath, "ignore") {
	case "ignore":
	case "prepend", "split":
		return nil, errNotYet("base paths")
	default:
		return nil, errBad("Invalid basepath specified. Should be one of ignore, prepend, split")
	}
	def, err := openapi.Parse(body)
	if err != nil {
		return nil, err
	}
	if aws.Value(failOnWarnings) && len(def.Warnings) > 0 {
		return nil, errBad("Warnings found during import:\n\t%s", def.Warnings[0])
	}
	return def, nil
}

// describe sets what a definition says of its API as a whole.
func describe(row *apiRow, def *openapi.Definition) error {
	if def.Title == "" {
		def.Title = "Untitled"
	}
	row.Name, row.Description, row.Version = &def.Title, optional(def.Description), optional(def.Version)
	row.CorsConfiguration, row.Warnings = def.Cors, def.Warnings
	row.DisableExecuteApiEndpoint = &def.Disabled
	row.Tags = merged(row.Tags, def.Tags)
	return checkAPI(row)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// addDefinition adds the routes of a definition to an API that has none, each
// with an integration of its own.
func (s *Service) addDefinition(tx *store.Tx, arn aws.ARN, def *openapi.Definition) error {
	of, err := apis.Get(tx, arn)
	if err != nil {
		return err
	}
	ids := make(map[string]*string) // of authorizers, by name
	for _, in := range def.Authorizers {
		row := newAuthorizer(&in)
		if err := checkAuthorizer(&of, row); err != nil {
			return err
		}
		ids[in.Name] = row.AuthorizerId
		if err := authorizers.Put(tx, partKey{arn, *row.AuthorizerId}, *row); err != nil {
			return err
		}
	}
	for _, r := range def.Routes {
		row := routeRow{
			ApiKeyRequired: new(false), AuthorizationType: new(api.AuthorizationTypeNone), OperationName: optional(r.Operation),
			RouteId: new(newID(7)), RouteKey: &r.Key,
		}
		if r.Authorization != "" {
			row.AuthorizationType, row.AuthorizerId, row.AuthorizationScopes = new(r.Authorization), ids[r.Authorizer], r.Scopes
		}
		if r.Integration != nil {
			i := *r.Integration
			if err := s.addIntegration(tx, arn, &i); err != nil {
				return err
			}
			row.Target = new("integrations/" + *i.IntegrationId)
		}
		if err := addRoute(tx, arn, &row); err != nil {
			return err
		}
	}
	return nil
}
