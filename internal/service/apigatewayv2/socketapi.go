package apigatewayv2

import (
	"net/url"
	"regexp"
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

// Where WebSocket APIs may find API keys.
const (
	headerKey     = "$request.header.x-api-key"
	authorizerKey = "$context.authorizer.usageIdentifierKey"
)

// isWebSocket says whether an API is one of WebSockets, not of HTTP.
func isWebSocket(row *apiRow) bool { return aws.Value(row.ProtocolType) == api.ProtocolTypeWebsocket }

func checkSocketAPI(row *apiRow) error {
	expression := aws.Value(row.RouteSelectionExpression)
	keys := strings.ReplaceAll(strings.ReplaceAll(aws.Value(row.ApiKeySelectionExpression), "${", "$"), "}", "")
	switch {
	case row.CorsConfiguration != nil:
		return errBad("CORS configuration is supported only for HTTP APIs")
	case expression == "":
		return errBad("RouteSelectionExpression must be specified for WebSocket APIs")
	case !strings.HasPrefix(strings.Replace(expression, "${", "$", 1), "$request.body."):
		return errBad("Invalid RouteSelectionExpression specified: %s", expression)
	case keys != headerKey && keys != authorizerKey:
		return errBad("Invalid ApiKeySelectionExpression specified. Must be one of: [%s, %s]", headerKey, authorizerKey)
	}
	row.ApiKeySelectionExpression = &keys
	return nil
}

var routeParameter = regexp.MustCompile(`^route\.request\.(header|querystring|multivalueheader|multivaluequerystring)\.[a-zA-Z0-9._$-]+$`)

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
	for name := range row.RequestParameters {
		if !routeParameter.MatchString(name) {
			return errBad("Invalid request parameter specified: %s", name)
		}
	}
	return nil
}

func checkSocketIntegration(row *api.Integration) error {
	at := aws.Value(row.IntegrationUri)
	function := uri.Function(at) != ""
	switch *row.IntegrationType {
	case api.IntegrationTypeMock:
	case api.IntegrationTypeAwsProxy:
		if !function {
			return errBad("Invalid function ARN specified in uri: %s", at)
		}
	case api.IntegrationTypeAws:
		if function {
			break
		}
		switch {
		case !strings.HasPrefix(at, "arn:aws:apigateway:") || strings.Count(at, ":") < 5:
			return errBad("Invalid ARN specified in the request: %s", at)
		case aws.Value(row.CredentialsArn) == "":
			return errBad("Credentials must be specified for AWS integrations")
		}
	case api.IntegrationTypeHttp, api.IntegrationTypeHttpProxy:
		if u, err := url.Parse(uri.Fill(at, nil)); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errBad("Invalid HTTP endpoint specified for URI")
		}
		if row.IntegrationMethod == nil {
			return errBad("HttpMethod must be specified for %s integrations", *row.IntegrationType)
		}
	default:
		return errBad("Invalid integration type specified: %s", *row.IntegrationType)
	}
	if role := aws.Value(row.CredentialsArn); strings.Contains(role, "*") {
		return errNotYet("credentials of the caller")
	}
	if aws.Value(row.ConnectionId) != "" || aws.Or(row.ConnectionType, api.ConnectionTypeInternet) != api.ConnectionTypeInternet {
		return errNotYet("private integrations")
	}
	return checkSocketMapping(row)
}

// checkSocketMapping checks how an integration maps what comes, and how long it
// may take.
func checkSocketMapping(row *api.Integration) error {
	if *row.TimeoutInMillis < 50 || *row.TimeoutInMillis > 29_000 {
		if *row.TimeoutInMillis != maxTimeout { // the usual of HTTP APIs
			return errBad("Timeout should be between 50 ms and 29000 ms")
		}
		row.TimeoutInMillis = new(int32(29_000))
	}
	for to, from := range row.RequestParameters {
		if !integrationParameter.MatchString(to) || !mappedFrom.MatchString(from) {
			return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", from)
		}
	}
	if *row.IntegrationType == api.IntegrationTypeAwsProxy && (len(row.RequestTemplates) > 0 || len(row.RequestParameters) > 0) {
		return errBad("Request templates and parameters are not supported for AWS_PROXY integrations")
	}
	row.PassthroughBehavior = new(aws.Or(row.PassthroughBehavior, api.PassthroughBehaviorWhenNoMatch))
	switch *row.IntegrationType {
	case api.IntegrationTypeAws, api.IntegrationTypeHttp, api.IntegrationTypeMock:
		row.IntegrationResponseSelectionExpression = new("${integration.response.statuscode}")
		if *row.IntegrationType == api.IntegrationTypeAws && uri.Function(aws.Value(row.IntegrationUri)) != "" {
			row.IntegrationResponseSelectionExpression = new("${integration.response.body.errorMessage}")
		}
	}
	return nil
}

var (
	integrationParameter = regexp.MustCompile(`^integration\.request\.(header|querystring|path)\.[a-zA-Z0-9._$-]+$`)
	mappedFrom           = regexp.MustCompile(`^'.*'$|^(route\.request\.(header|querystring|multivalueheader|multivaluequerystring|body)|context|stageVariables)\b`)
)

// checkSocketResponse refuses a response of an integration that is none.
func checkSocketResponse(row *integrationResponseRow) error {
	key := *row.IntegrationResponseKey
	if key != defaultRoute {
		if len(key) < 2 || key[0] != '/' || key[len(key)-1] != '/' {
			return errBad("Invalid integration response key specified: %s. It must be $default or a pattern between slashes", key)
		}
		if _, err := responsePattern(key); err != nil {
			return errBad("Invalid integration response key specified: %s", key)
		}
	}
	return nil
}
