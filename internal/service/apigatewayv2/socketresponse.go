package apigatewayv2

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Responses of routes and of integrations say what goes back to the client of a
// WebSocket. That a route has one makes it answer.

// CreateRouteResponse has a route answer.
func (s *Service) CreateRouteResponse(ctx context.Context, call *aws.Call, in *api.CreateRouteResponseInput) (*api.CreateRouteResponseOutput, error) {
	if in.RouteResponseKey != defaultRoute {
		return nil, errBad("Invalid route response key specified. It must be $default")
	}
	row := routeResponseRow{
		ModelSelectionExpression: in.ModelSelectionExpression, ResponseModels: in.ResponseModels, ResponseParameters: in.ResponseParameters,
		RouteResponseId: new(newID(7)), RouteResponseKey: &in.RouteResponseKey,
	}
	if err := addResponse(ctx, s, call, routes, routeResponses, in.ApiId, "Route", in.RouteId, *row.RouteResponseId, row); err != nil {
		return nil, err
	}
	return (*api.CreateRouteResponseOutput)(&row), nil
}

// GetRouteResponse returns a response of a route.
func (s *Service) GetRouteResponse(ctx context.Context, call *aws.Call, in *api.GetRouteResponseInput) (*api.GetRouteResponseOutput, error) {
	return getResponse(ctx, s, call, routeResponses, in.ApiId, "RouteResponse", in.RouteId, in.RouteResponseId)
}

// GetRouteResponses lists the responses of a route.
func (s *Service) GetRouteResponses(ctx context.Context, call *aws.Call, in *api.GetRouteResponsesInput) (*api.GetRouteResponsesOutput, error) {
	rows, err := listResponses(ctx, s, call, routes, routeResponses, in.ApiId, "Route", in.RouteId)
	out := &api.GetRouteResponsesOutput{Items: []api.RouteResponse{}}
	for _, r := range rows {
		out.Items = append(out.Items, api.RouteResponse{
			ModelSelectionExpression: r.ModelSelectionExpression, ResponseModels: r.ResponseModels, ResponseParameters: r.ResponseParameters,
			RouteResponseId: r.RouteResponseId, RouteResponseKey: *r.RouteResponseKey,
		})
	}
	return out, err
}

// UpdateRouteResponse changes a response of a route.
func (s *Service) UpdateRouteResponse(ctx context.Context, call *aws.Call, in *api.UpdateRouteResponseInput) (*api.UpdateRouteResponseOutput, error) {
	if aws.Or(in.RouteResponseKey, defaultRoute) != defaultRoute {
		return nil, errBad("Invalid route response key specified. It must be $default")
	}
	row, err := changeResponse(ctx, s, call, routeResponses, in.ApiId, "RouteResponse", in.RouteId, in.RouteResponseId, func(row *routeResponseRow) error {
		setIf(&row.ModelSelectionExpression, in.ModelSelectionExpression)
		row.ResponseModels = merged(row.ResponseModels, in.ResponseModels)
		row.ResponseParameters = merged(row.ResponseParameters, in.ResponseParameters)
		return nil
	})
	return (*api.UpdateRouteResponseOutput)(row), err
}

// DeleteRouteResponse removes a response of a route.
func (s *Service) DeleteRouteResponse(ctx context.Context, call *aws.Call, in *api.DeleteRouteResponseInput) (*api.DeleteRouteResponseOutput, error) {
	return &api.DeleteRouteResponseOutput{}, dropResponse(ctx, s, call, routeResponses, in.ApiId, "RouteResponse", in.RouteId, in.RouteResponseId)
}

// CreateIntegrationResponse says what becomes of what an integration returns.
func (s *Service) CreateIntegrationResponse(ctx context.Context, call *aws.Call, in *api.CreateIntegrationResponseInput) (*api.CreateIntegrationResponseOutput, error) {
	row := integrationResponseRow{
		ContentHandlingStrategy: in.ContentHandlingStrategy, IntegrationResponseId: new(newID(7)),
		IntegrationResponseKey: &in.IntegrationResponseKey, TemplateSelectionExpression: in.TemplateSelectionExpression,
		ResponseParameters: in.ResponseParameters, ResponseTemplates: in.ResponseTemplates,
	}
	if err := checkSocketResponse(&row); err != nil {
		return nil, err
	}
	if err := addResponse(ctx, s, call, integrations, integrationResponses, in.ApiId, "Integration", in.IntegrationId, *row.IntegrationResponseId, row); err != nil {
		return nil, err
	}
	return (*api.CreateIntegrationResponseOutput)(&row), nil
}

// GetIntegrationResponse returns a response of an integration.
func (s *Service) GetIntegrationResponse(ctx context.Context, call *aws.Call, in *api.GetIntegrationResponseInput) (*api.GetIntegrationResponseOutput, error) {
	return getResponse(ctx, s, call, integrationResponses, in.ApiId, "IntegrationResponse", in.IntegrationId, in.IntegrationResponseId)
}

// GetIntegrationResponses lists the responses of an integration.
func (s *Service) GetIntegrationResponses(ctx context.Context, call *aws.Call, in *api.GetIntegrationResponsesInput) (*api.GetIntegrationResponsesOutput, error) {
	rows, err := listResponses(ctx, s, call, integrations, integrationResponses, in.ApiId, "Integration", in.IntegrationId)
	out := &api.GetIntegrationResponsesOutput{Items: []api.IntegrationResponse{}}
	for _, r := range rows {
		out.Items = append(out.Items, api.IntegrationResponse{
			ContentHandlingStrategy: r.ContentHandlingStrategy, IntegrationResponseId: r.IntegrationResponseId,
			IntegrationResponseKey: *r.IntegrationResponseKey, TemplateSelectionExpression: r.TemplateSelectionExpression,
			ResponseParameters: r.ResponseParameters, ResponseTemplates: r.ResponseTemplates,
		})
	}
	return out, err
}

// UpdateIntegrationResponse changes a response of an integration.
func (s *Service) UpdateIntegrationResponse(ctx context.Context, call *aws.Call, in *api.UpdateIntegrationResponseInput) (*api.UpdateIntegrationResponseOutput, error) {
	change := func(row *integrationResponseRow) error {
		setIf(&row.ContentHandlingStrategy, in.ContentHandlingStrategy)
		setIf(&row.IntegrationResponseKey, in.IntegrationResponseKey)
		setIf(&row.TemplateSelectionExpression, in.TemplateSelectionExpression)
		row.ResponseParameters = merged(row.ResponseParameters, in.ResponseParameters)
		row.ResponseTemplates = merged(row.ResponseTemplates, in.ResponseTemplates)
		return checkSocketResponse(row)
	}
	row, err := changeResponse(ctx, s, call, integrationResponses, in.ApiId, "IntegrationResponse", in.IntegrationId, in.IntegrationResponseId, change)
	return (*api.UpdateIntegrationResponseOutput)(row), err
}

// DeleteIntegrationResponse removes a response of an integration.
func (s *Service) DeleteIntegrationResponse(ctx context.Context, call *aws.Call, in *api.DeleteIntegrationResponseInput) (*api.DeleteIntegrationResponseOutput, error) {
	return &api.DeleteIntegrationResponseOutput{}, dropResponse(ctx, s, call, integrationResponses, in.ApiId, "IntegrationResponse", in.IntegrationId, in.IntegrationResponseId)
}

// addResponse keeps a response of the part of that kind and id.
func addResponse[P, R any](ctx context.Context, s *Service, call *aws.Call, of store.Table[partKey, P], table store.Table[responseKey, R], apiID, kind, part, id string, row R) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, of, call, apiID, kind, part)
		if err != nil {
			return err
		}
		if err := table.Put(tx, responseKey{key, id}, row); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
}

func getResponse[R any](ctx context.Context, s *Service, call *aws.Call, table store.Table[responseKey, R], apiID, kind, part, id string) (*R, error) {
	var row R
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, apiID)
		if err != nil {
			return err
		}
		row, err = table.Get(tx, responseKey{partKey{arn, part}, id})
		return refused(err, kind)
	})
	return &row, err
}

func listResponses[P, R any](ctx context.Context, s *Service, call *aws.Call, of store.Table[partKey, P], table store.Table[responseKey, R], apiID, kind, part string) (rows []R, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		rows = nil
		key, _, err := find(tx, of, call, apiID, kind, part)
		if err != nil {
			return err
		}
		for _, row := range table.Scan(tx, responseKey{Of: key}) {
			rows = append(rows, row)
		}
		return nil
	})
	return rows, err
}

// changeResponse changes a response of the part of that id.
func changeResponse[R any](ctx context.Context, s *Service, call *aws.Call, table store.Table[responseKey, R], apiID, kind, part, id string, change func(*R) error) (*R, error) {
	var row R
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, apiID)
		if err != nil {
			return err
		}
		key := responseKey{partKey{arn, part}, id}
		if row, err = table.Get(tx, key); err != nil {
			return refused(err, kind)
		}
		if err := change(&row); err != nil {
			return err
		}
		if err := table.Put(tx, key, row); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func dropResponse[R any](ctx context.Context, s *Service, call *aws.Call, table store.Table[responseKey, R], apiID, kind, part, id string) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, apiID)
		if err != nil {
			return err
		}
		key := responseKey{partKey{arn, part}, id}
		if _, err := table.Get(tx, key); err != nil {
			return refused(err, kind)
		}
		if err := table.Delete(tx, key); err != nil {
			return err
		}
		return s.changed(tx, arn)
	})
}
