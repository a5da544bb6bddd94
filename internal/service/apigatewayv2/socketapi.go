package apigatewayv2

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
)

// Routes that every WebSocket API may have.
const (
	connectRoute    = "$connect"
	disconnectRoute = "$disconnect"
	defaultRoute    = "$default"
)

// isWebSocket says whether an API is one of WebSockets, not of HTTP.
func isWebSocket(row *apiRow) bool { return aws.Value(row.ProtocolType) == api.ProtocolTypeWebsocket }

func checkSocketAPI(row *apiRow) error {
	expression := aws.Value(row.RouteSelectionExpression)
	switch {
	case row.CorsConfiguration != nil:
		return errBad("CORS configuration is supported only for HTTP APIs")
	case expression == "":
		return errBad("RouteSelectionExpression must be specified for WebSocket APIs")
	case !strings.HasPrefix(strings.Replace(expression, "${", "$", 1), "$request.body."):
		return errBad("Invalid RouteSelectionExpression specified: %s", expression)
	}
	return nil
}

func checkSocketRoute(row *routeRow) error {
	key := *row.RouteKey
	switch {
	case key == "" || len(key) > 128:
		return errBad("Invalid route key specified: %s", key)
	case strings.HasPrefix(key, "$") && key != connectRoute && key != disconnectRoute && key != defaultRoute:
		return errBad("Invalid route key specified: %s. Route keys beginning with $ are reserved", key)
	case key != connectRoute && *row.AuthorizationType != api.AuthorizationTypeNone:
		return errBad("Currently, authorization is restricted to the $connect route only")
	case aws.Value(row.RouteResponseSelectionExpression) != "" && *row.RouteResponseSelectionExpression != defaultRoute:
		return errBad("Invalid RouteResponseSelectionExpression specified. It must be $default")
	}
	return nil
}

func checkSocketIntegration(row *api.Integration) error {
	switch {
	case *row.IntegrationType == api.IntegrationTypeMock:
	case *row.IntegrationType == api.IntegrationTypeAwsProxy || *row.IntegrationType == api.IntegrationTypeAws:
		if uri.Function(aws.Value(row.IntegrationUri)) == "" {
			if *row.IntegrationType == api.IntegrationTypeAws {
				return errNotYet("integrations of WebSocket APIs with services other than Lambda")
			}
			return errBad("Invalid function ARN specified in uri: %s", aws.Value(row.IntegrationUri))
		}
	case *row.IntegrationType == api.IntegrationTypeHttp || *row.IntegrationType == api.IntegrationTypeHttpProxy:
		return errNotYet("integrations of WebSocket APIs of type " + *row.IntegrationType)
	default:
		return errBad("Invalid integration type specified: %s", *row.IntegrationType)
	}
	if *row.TimeoutInMillis < 50 || *row.TimeoutInMillis > 29_000 {
		if *row.TimeoutInMillis != maxTimeout { // the usual of HTTP APIs
			return errBad("Timeout should be between 50 ms and 29000 ms")
		}
		row.TimeoutInMillis = new(int32(29_000))
	}
	if *row.IntegrationType != api.IntegrationTypeMock && (len(row.RequestTemplates) > 0 || len(row.RequestParameters) > 0) {
		return errNotYet("request templates and parameters of WebSocket APIs")
	}
	return nil
}
