package apigatewayv2

import (
	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/router"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// addQuick adds to a new API a route to target and the stage $default.
func (s *Service) addQuick(tx *store.Tx, arn aws.ARN, at, routeKey, credentials *string) error {
	if at == nil {
		return errBad("Target must be specified for quick create")
	}
	i := api.Integration{
		ApiGatewayManaged: new(true), ConnectionType: new(api.ConnectionTypeInternet), CredentialsArn: credentials,
		IntegrationType: new(api.IntegrationTypeAwsProxy), IntegrationUri: at, PayloadFormatVersion: new(proxy.V2),
	}
	if uri.Function(*at) == "" {
		i.IntegrationType, i.IntegrationMethod, i.PayloadFormatVersion = new(api.IntegrationTypeHttpProxy), new("ANY"), nil
	}
	if err := s.addIntegration(tx, arn, &i); err != nil {
		return err
	}
	r := routeRow{
		ApiGatewayManaged: new(true), ApiKeyRequired: new(false), AuthorizationType: new(api.AuthorizationTypeNone),
		RouteId: new(newID(7)), RouteKey: new(aws.Or(routeKey, router.Default)), Target: new("integrations/" + *i.IntegrationId),
	}
	if err := addRoute(tx, arn, &r); err != nil {
		return err
	}
	return s.addStage(tx, arn, &stageRow{
		ApiGatewayManaged: new(true), AutoDeploy: new(true), CreatedDate: now(), LastUpdatedDate: now(), StageName: new(defaultStage),
		DefaultRouteSettings: &api.RouteSettings{DetailedMetricsEnabled: new(false)},
	})
}
