package apigatewayv2

import (
	"context"
	"maps"
	"net/url"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/apigatewayv2/openapi"
	"github.com/aloft-cloud/aloft/internal/store"
)

// exportVersion is the only version of exports that there is.
const exportVersion = "1.0"

// ExportApi returns an HTTP API, or what a stage of it serves, as an OpenAPI
// document.
func (s *Service) ExportApi(ctx context.Context, call *aws.Call, in *api.ExportApiInput) (*api.ExportApiOutput, error) {
	if v := aws.Or(in.ExportVersion, exportVersion); v != exportVersion {
		return nil, errBad("Invalid export version specified: %s", v)
	}
	e := openapi.Export{YAML: in.OutputType == "YAML", Extensions: aws.Or(in.IncludeExtensions, true), Stage: aws.Value(in.StageName)}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, row, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if isWebSocket(&row) {
			return errBad("Only HTTP APIs can be exported")
		}
		targets, cors := liveRoutes(tx, arn), row.CorsConfiguration
		if in.StageName != nil {
			_, stage, err := find(tx, stages, call, in.ApiId, "stage", *in.StageName)
			if err != nil {
				return err
			}
			if targets, cors, err = stageRoutes(tx, arn, &row, &stage); err != nil {
				return err
			}
		}
		u, err := url.Parse(s.endpoint(call, in.ApiId))
		if err != nil {
			return err
		}
		e.Host = u.Host
		e.Definition = define(&row, targets, cors)
		return nameOperations(tx, arn, e.Definition)
	})
	if err != nil {
		return nil, err
	}
	body, err := e.Write()
	if err != nil {
		return nil, err
	}
	return &api.ExportApiOutput{Body: body}, nil
}

// define is an API as a document says it.
func define(row *apiRow, targets map[string]target, cors *api.Cors) *openapi.Definition {
	d := &openapi.Definition{
		Title: aws.Value(row.Name), Description: aws.Value(row.Description), Version: aws.Value(row.Version), Tags: row.Tags,
		Cors: cors, Disabled: aws.Value(row.DisableExecuteApiEndpoint),
	}
	if d.Version == "" {
		d.Version = aws.Value(row.CreatedDate).UTC().Format("2006-01-02 15:04:05UTC")
	}
	seen := make(map[string]bool)
	for _, key := range slices.Sorted(maps.Keys(targets)) {
		t := targets[key]
		r := openapi.Route{Key: key, Integration: t.Integration, Authorization: t.Authorization, Scopes: t.Scopes}
		if a := t.Authorizer; a != nil {
			r.Authorizer = *a.Name
			if !seen[r.Authorizer] {
				seen[r.Authorizer] = true
				d.Authorizers = append(d.Authorizers, api.CreateAuthorizerInput{
					Name: *a.Name, AuthorizerType: *a.AuthorizerType, IdentitySource: a.IdentitySource, IdentityValidationExpression: a.IdentityValidationExpression,
					AuthorizerUri: a.AuthorizerUri, AuthorizerCredentialsArn: a.AuthorizerCredentialsArn, AuthorizerPayloadFormatVersion: a.AuthorizerPayloadFormatVersion,
					AuthorizerResultTtlInSeconds: a.AuthorizerResultTtlInSeconds, EnableSimpleResponses: a.EnableSimpleResponses, JwtConfiguration: a.JwtConfiguration,
				})
			}
		}
		d.Routes = append(d.Routes, r)
	}
	return d
}

// nameOperations gives the routes of d the names of their operations.
func nameOperations(tx *store.Tx, arn aws.ARN, d *openapi.Definition) error {
	names := make(map[string]string)
	for _, r := range routes.Scan(tx, partKey{API: arn}) {
		names[*r.RouteKey] = aws.Value(r.OperationName)
	}
	for i := range d.Routes {
		d.Routes[i].Operation = names[d.Routes[i].Key]
	}
	return tx.Err()
}
