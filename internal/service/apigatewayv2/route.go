package apigatewayv2

import (
	"context"
	"errors"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateRoute adds a route to an API.
func (s *Service) CreateRoute(ctx context.Context, call *aws.Call, in *api.CreateRouteInput) (*api.CreateRouteOutput, error) {
	row := routeRow{
		RouteResponseSelectionExpression: in.RouteResponseSelectionExpression, ModelSelectionExpression: in.ModelSelectionExpression,
		RequestModels: in.RequestModels, RequestParameters: in.RequestParameters,
		ApiKeyRequired: new(aws.Value(in.ApiKeyRequired)), AuthorizationScopes: in.AuthorizationScopes, AuthorizationType: new(aws.Or(in.AuthorizationType, api.AuthorizationTypeNone)),
		AuthorizerId: in.AuthorizerId, OperationName: in.OperationName, RouteId: new(newID(7)), RouteKey: &in.RouteKey, Target: in.Target,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if err := addRoute(tx, arn, &row); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateRouteOutput(row)), nil
}

// addRoute keeps a new route of the API.
func addRoute(tx *store.Tx, arn aws.ARN, row *routeRow) error {
	if err := checkRoute(tx, arn, row); err != nil {
		return err
	}
	if err := claimKey(tx, arn, *row.RouteKey, *row.RouteId); err != nil {
		return err
	}
	return routes.Put(tx, partKey{arn, *row.RouteId}, *row)
}

// claimKey makes the route key that of one route.
func claimKey(tx *store.Tx, arn aws.ARN, key, id string) error {
	_, err := routeKeys.Get(tx, partKey{arn, key})
	if err == nil {
		return api.ConflictException.Errorf("Route with key %s already exists for this API", key)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return routeKeys.Put(tx, partKey{arn, key}, id)
}

// checkModels refuses models where there are none, and those that are not there.
func checkModels(tx *store.Tx, arn aws.ARN, of *apiRow, row *routeRow) error {
	if !isWebSocket(of) {
		if row.ModelSelectionExpression != nil || row.RequestModels != nil || row.RequestParameters != nil {
			return errBad("Models and request parameters are supported only for WebSocket APIs")
		}
		return nil
	}
	known := schemasOf(tx, arn)
	for _, name := range row.RequestModels {
		if _, ok := known[name]; !ok {
			return api.NotFoundException.Errorf("Invalid model name specified: %s", name)
		}
	}
	return tx.Err()
}

func checkRoute(tx *store.Tx, arn aws.ARN, row *routeRow) error {
	of, err := apis.Get(tx, arn)
	if err != nil {
		return err
	}
	if isWebSocket(&of) {
		err = checkSocketRoute(row)
	} else if _, wrong := router.ParseKey(*row.RouteKey); wrong != nil {
		err = errBad("%s", wrong)
	}
	switch {
	case err != nil:
		return err
	case row.RouteResponseSelectionExpression != nil && !isWebSocket(&of):
		return errBad("Route responses are supported only for WebSocket APIs")
	case aws.Value(row.ApiKeyRequired) && !isWebSocket(&of):
		return errBad("API keys are supported only for WebSocket APIs")
	}
	if err := checkModels(tx, arn, &of, row); err != nil {
		return err
	}
	if row.Target == nil {
		return checkAuthorization(tx, arn, row)
	}
	id, ok := strings.CutPrefix(*row.Target, "integrations/")
	if !ok || id == "" {
		return errBad("Invalid target specified: %s", *row.Target)
	}
	if found, err := integrations.Has(tx, partKey{arn, id}); err != nil || !found {
		if err == nil {
			err = errNo("Integration")
		}
		return err
	}
	return checkAuthorization(tx, arn, row)
}

// GetRoute returns a route.
func (s *Service) GetRoute(ctx context.Context, call *aws.Call, in *api.GetRouteInput) (*api.GetRouteOutput, error) {
	var row routeRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, routes, call, in.ApiId, "Route", in.RouteId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetRoutes lists the routes of an API.
func (s *Service) GetRoutes(ctx context.Context, call *aws.Call, in *api.GetRoutesInput) (*api.GetRoutesOutput, error) {
	out := new(api.GetRoutesOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.NextToken, err = list(tx, routes, call, in.ApiId, in.MaxResults, in.NextToken, listedRoute)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func listedRoute(r routeRow) api.Route {
	return api.Route{
		ApiGatewayManaged: r.ApiGatewayManaged, ApiKeyRequired: r.ApiKeyRequired, AuthorizationScopes: r.AuthorizationScopes, AuthorizationType: r.AuthorizationType,
		AuthorizerId: r.AuthorizerId, OperationName: r.OperationName, RouteId: r.RouteId, RouteKey: aws.Value(r.RouteKey), Target: r.Target,
		RouteResponseSelectionExpression: r.RouteResponseSelectionExpression, ModelSelectionExpression: r.ModelSelectionExpression,
		RequestModels: r.RequestModels, RequestParameters: r.RequestParameters,
	}
}

// UpdateRoute changes a route.
func (s *Service) UpdateRoute(ctx context.Context, call *aws.Call, in *api.UpdateRouteInput) (*api.UpdateRouteOutput, error) {
	var row routeRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, routes, call, in.ApiId, "Route", in.RouteId)
		if err != nil {
			return err
		}
		row = found
		was := *row.RouteKey
		setIf(&row.RouteKey, in.RouteKey)
		setIf(&row.ApiKeyRequired, in.ApiKeyRequired)
		setIf(&row.AuthorizationType, in.AuthorizationType)
		setIf(&row.AuthorizerId, in.AuthorizerId)
		setIf(&row.OperationName, in.OperationName)
		setIf(&row.Target, in.Target)
		setIf(&row.RouteResponseSelectionExpression, in.RouteResponseSelectionExpression)
		setIf(&row.ModelSelectionExpression, in.ModelSelectionExpression)
		row.RequestModels = merged(row.RequestModels, in.RequestModels)
		row.RequestParameters = merged(row.RequestParameters, in.RequestParameters)
		if in.AuthorizationScopes != nil {
			row.AuthorizationScopes = in.AuthorizationScopes
		}
		if err := checkRoute(tx, key.API, &row); err != nil {
			return err
		}
		if *row.RouteKey != was {
			if err := routeKeys.Delete(tx, partKey{key.API, was}); err != nil {
				return err
			}
			if err := claimKey(tx, key.API, *row.RouteKey, key.ID); err != nil {
				return err
			}
		}
		if err := routes.Put(tx, key, row); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateRouteOutput(row)), nil
}

// DeleteRouteRequestParameter removes a parameter that a route says it has.
func (s *Service) DeleteRouteRequestParameter(ctx context.Context, call *aws.Call, in *api.DeleteRouteRequestParameterInput) (*api.DeleteRouteRequestParameterOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, routes, call, in.ApiId, "Route", in.RouteId)
		if err != nil {
			return err
		}
		if _, ok := row.RequestParameters[in.RequestParameterKey]; !ok {
			return errNo("RequestParameter")
		}
		row.RequestParameters = maps.Clone(row.RequestParameters)
		delete(row.RequestParameters, in.RequestParameterKey)
		if err := routes.Put(tx, key, row); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRouteRequestParameterOutput{}, nil
}

// DeleteRoute removes a route.
func (s *Service) DeleteRoute(ctx context.Context, call *aws.Call, in *api.DeleteRouteInput) (*api.DeleteRouteOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, row, err := find(tx, routes, call, in.ApiId, "Route", in.RouteId)
		if err != nil {
			return err
		}
		if err := routeKeys.Delete(tx, partKey{key.API, *row.RouteKey}); err != nil {
			return err
		}
		if err := routes.Delete(tx, key); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteRouteOutput{}, nil
}
