package apigatewayv2

import (
	"context"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateApi makes an API; with a target also a route to it and a stage.
func (s *Service) CreateApi(ctx context.Context, call *aws.Call, in *api.CreateApiInput) (*api.CreateApiOutput, error) {
	row := newAPI(in.Name)
	if row.ProtocolType = &in.ProtocolType; in.ProtocolType == api.ProtocolTypeWebsocket {
		row.RouteSelectionExpression = nil
		row.DisableSchemaValidation = in.DisableSchemaValidation
	}
	row.Description, row.Version, row.Tags = in.Description, in.Version, in.Tags
	row.DisableExecuteApiEndpoint = new(aws.Value(in.DisableExecuteApiEndpoint))
	row.CorsConfiguration = in.CorsConfiguration
	setIf(&row.RouteSelectionExpression, in.RouteSelectionExpression)
	setIf(&row.ApiKeySelectionExpression, in.ApiKeySelectionExpression)
	setIf(&row.IpAddressType, in.IpAddressType)
	if err := checkAPI(&row); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, err := s.addAPI(tx, call, &row)
		if err != nil || in.Target == nil && in.RouteKey == nil && in.CredentialsArn == nil {
			return err
		}
		if isWebSocket(&row) {
			return errBad("Target, route key and credentials are supported only for HTTP APIs")
		}
		return s.addQuick(tx, arn, in.Target, in.RouteKey, in.CredentialsArn)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateApiOutput(s.visible(call, row))), nil
}

// newAPI returns an API as one is that says nothing but its name.
func newAPI(name string) apiRow {
	return apiRow{
		ApiId:                     new(newID(10)),
		ApiKeySelectionExpression: new("$request.header.x-api-key"),
		CreatedDate:               now(),
		DisableExecuteApiEndpoint: new(false),
		IpAddressType:             new("ipv4"),
		Name:                      &name,
		ProtocolType:              new(api.ProtocolTypeHttp),
		RouteSelectionExpression:  new(httpSelection),
	}
}

const httpSelection = "$request.method $request.path"

// setIf sets *member to value, unless that is nil.
func setIf[T any](member **T, value *T) {
	if value != nil {
		*member = value
	}
}

func checkAPI(row *apiRow) error {
	switch {
	case len(*row.Name) == 0 || len(*row.Name) > 128:
		return errBad("Invalid API name specified")
	case isWebSocket(row):
		return checkSocketAPI(row)
	case *row.ProtocolType != api.ProtocolTypeHttp:
		return errBad("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	case *row.RouteSelectionExpression != httpSelection:
		return errBad("Invalid RouteSelectionExpression specified. For HTTP protocol Apis, RouteSelectionExpression must be %s", httpSelection)
	}
	return checkCors(row.CorsConfiguration)
}

// addAPI keeps a new API.
func (s *Service) addAPI(tx *store.Tx, call *aws.Call, row *apiRow) (aws.ARN, error) {
	arn := apiARN(call, *row.ApiId)
	if err := homes.Put(tx, homeARN(*row.ApiId), home{call.Account, call.Region}); err != nil {
		return arn, err
	}
	return arn, apis.Put(tx, arn, *row)
}

// visible returns row with the address at which the caller finds the API.
func (s *Service) visible(call *aws.Call, row apiRow) apiRow {
	row.ApiEndpoint = new(s.endpoint(call, *row.ApiId))
	if isWebSocket(&row) {
		row.ApiEndpoint = new("ws" + strings.TrimPrefix(*row.ApiEndpoint, "http"))
	}
	return row
}

// endpoint is the address of an API, as seen from where the caller asked.
func (s *Service) endpoint(call *aws.Call, id string) string {
	scheme, host := "http", call.Host
	if call.Secure {
		scheme = "https"
	}
	if u, err := url.Parse(s.cfg.Endpoint); host == "" && err == nil && u.Host != "" {
		scheme, host = u.Scheme, u.Host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	if name == "" || net.ParseIP(strings.Trim(name, "[]")) != nil {
		name = "localhost" // an address has no names below it
	}
	name = id + ".execute-api." + name
	if port != "" {
		name = net.JoinHostPort(name, port)
	}
	return scheme + "://" + name
}

// GetApi returns an API.
func (s *Service) GetApi(ctx context.Context, call *aws.Call, in *api.GetApiInput) (*api.GetApiOutput, error) {
	var row apiRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAPI(tx, call, in.ApiId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return new(s.visible(call, row)), nil
}

// GetApis lists the APIs of an account in a region.
func (s *Service) GetApis(ctx context.Context, call *aws.Call, in *api.GetApisInput) (*api.GetApisOutput, error) {
	out := &api.GetApisOutput{Items: []api.Api{}}
	limit, after, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.Items, out.NextToken = out.Items[:0], nil
		for arn, row := range apis.ScanAfter(tx, aws.ARN{Account: call.Account, Region: call.Region}, apiARN(call, after)) {
			if len(out.Items) == limit {
				out.NextToken = tokenAfter(*out.Items[limit-1].ApiId)
				break
			}
			if arn.Account == call.Account && arn.Region == call.Region {
				out.Items = append(out.Items, listedAPI(s.visible(call, row)))
			}
		}
		return nil
	})
	return out, err
}

func listedAPI(r apiRow) api.Api {
	return api.Api{
		ApiEndpoint: r.ApiEndpoint, ApiGatewayManaged: r.ApiGatewayManaged, ApiId: r.ApiId, ApiKeySelectionExpression: r.ApiKeySelectionExpression,
		CorsConfiguration: r.CorsConfiguration, CreatedDate: r.CreatedDate, Description: r.Description, DisableSchemaValidation: r.DisableSchemaValidation,
		DisableExecuteApiEndpoint: r.DisableExecuteApiEndpoint, ImportInfo: r.ImportInfo, IpAddressType: r.IpAddressType, Name: aws.Value(r.Name),
		ProtocolType: aws.Value(r.ProtocolType), RouteSelectionExpression: aws.Value(r.RouteSelectionExpression), Tags: r.Tags, Version: r.Version, Warnings: r.Warnings,
	}
}

// UpdateApi changes what is said of an API.
func (s *Service) UpdateApi(ctx context.Context, call *aws.Call, in *api.UpdateApiInput) (*api.UpdateApiOutput, error) {
	if in.Target != nil || in.RouteKey != nil || in.CredentialsArn != nil {
		return nil, errNotYet("changes of the target that an API was created with")
	}
	row, err := s.changeAPI(ctx, call, in.ApiId, func(row *apiRow) error {
		setIf(&row.Name, in.Name)
		setIf(&row.Description, in.Description)
		setIf(&row.Version, in.Version)
		setIf(&row.DisableExecuteApiEndpoint, in.DisableExecuteApiEndpoint)
		setIf(&row.RouteSelectionExpression, in.RouteSelectionExpression)
		setIf(&row.ApiKeySelectionExpression, in.ApiKeySelectionExpression)
		setIf(&row.IpAddressType, in.IpAddressType)
		setIf(&row.CorsConfiguration, in.CorsConfiguration)
		return checkAPI(row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateApiOutput(s.visible(call, row))), nil
}

// changeAPI changes the row of an API, and has its stages deployed.
func (s *Service) changeAPI(ctx context.Context, call *aws.Call, id string, change func(*apiRow) error) (apiRow, error) {
	var row apiRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findAPI(tx, call, id)
		if err != nil {
			return err
		}
		if row = found; row.Tags != nil {
			row.Tags = maps.Clone(row.Tags)
		}
		if err := change(&row); err != nil {
			return err
		}
		if err := apis.Put(tx, arn, row); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
	return row, err
}

// DeleteCorsConfiguration lets an API answer other origins no more.
func (s *Service) DeleteCorsConfiguration(ctx context.Context, call *aws.Call, in *api.DeleteCorsConfigurationInput) (*api.DeleteCorsConfigurationOutput, error) {
	_, err := s.changeAPI(ctx, call, in.ApiId, func(row *apiRow) error {
		row.CorsConfiguration = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteCorsConfigurationOutput{}, nil
}

// DeleteApi removes an API and all that is part of it.
func (s *Service) DeleteApi(ctx context.Context, call *aws.Call, in *api.DeleteApiInput) (*api.DeleteApiOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if err := s.cfg.Domains.CheckUnmapped(tx, call, in.ApiId); err != nil {
			return err
		}
		all := partKey{API: arn}
		for _, remove := range []func() error{
			func() error { return apis.Delete(tx, arn) },
			func() error { return homes.Delete(tx, homeARN(in.ApiId)) },
			func() error { return routes.DeletePrefix(tx, all) },
			func() error { return routeKeys.DeletePrefix(tx, all) },
			func() error { return integrations.DeletePrefix(tx, all) },
			func() error { return models.DeletePrefix(tx, all) },
			func() error { return routeResponses.DeletePrefix(tx, responseKey{Of: all}) },
			func() error { return integrationResponses.DeletePrefix(tx, responseKey{Of: all}) },
			func() error { return authorizers.DeletePrefix(tx, all) },
			func() error { return stages.DeletePrefix(tx, all) },
			func() error { return deployments.DeletePrefix(tx, all) },
			func() error { return deployed.DeletePrefix(tx, deployedKey{API: arn}) },
		} {
			if err := remove(); err != nil {
				return err
			}
		}
		return s.changed(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteApiOutput{}, nil
}

var corsMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "*"}

func checkCors(c *api.Cors) error {
	if c == nil {
		return nil
	}
	for _, m := range c.AllowMethods {
		if !slices.Contains(corsMethods, m) {
			return errBad("Invalid format for allowMethods: %s", m)
		}
	}
	for _, o := range c.AllowOrigins {
		if o != "*" && !strings.Contains(o, "://") {
			return errBad("Invalid format for origin %s. Origin should start with http://, https:// or custom scheme, or be *.", o)
		}
		if o == "*" && aws.Value(c.AllowCredentials) {
			return errBad("allowCredentials is not supported for origin *")
		}
	}
	return nil
}
