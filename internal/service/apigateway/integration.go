package apigateway

import (
	"context"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Kinds of integrations.
const (
	typeAWS       = "AWS"
	typeAWSProxy  = "AWS_PROXY"
	typeHTTP      = "HTTP"
	typeHTTPProxy = "HTTP_PROXY"
	typeMock      = "MOCK"
)

// usualTimeout and maxTimeout are how long an integration may take, in
// milliseconds.
const (
	usualTimeout = 29_000
	maxTimeout   = 300_000
	maxStreaming = 900_000
)

// What happens to bodies that no template is for.
const (
	whenNoMatch     = "WHEN_NO_MATCH"
	whenNoTemplates = "WHEN_NO_TEMPLATES"
	never           = "NEVER"
)

// PutIntegration sets what answers a method. The responses of one that was
// there are gone.
func (s *Service) PutIntegration(ctx context.Context, call *aws.Call, in *api.PutIntegrationInput) (*api.Integration, error) {
	i := api.Integration{
		Type: &in.Type, HttpMethod: in.IntegrationHttpMethod, Uri: in.Uri, ConnectionType: in.ConnectionType, ConnectionId: in.ConnectionId,
		Credentials: in.Credentials, RequestParameters: in.RequestParameters, RequestTemplates: in.RequestTemplates,
		PassthroughBehavior: in.PassthroughBehavior, ContentHandling: in.ContentHandling, TimeoutInMillis: in.TimeoutInMillis,
		CacheNamespace: in.CacheNamespace, CacheKeyParameters: in.CacheKeyParameters, TlsConfig: in.TlsConfig,
		ResponseTransferMode: in.ResponseTransferMode, IntegrationTarget: in.IntegrationTarget,
	}
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		completeIntegration(&i, in.ResourceId)
		if err := checkIntegration(&i); err != nil {
			return err
		}
		(*m).MethodIntegration = &i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &i, nil
}

// completeIntegration fills in what was not said.
func completeIntegration(i *api.Integration, resourceID string) {
	if i.PassthroughBehavior == nil {
		i.PassthroughBehavior = new(whenNoMatch)
	}
	if i.TimeoutInMillis == nil {
		i.TimeoutInMillis = new(int32(usualTimeout))
	}
	if i.CacheNamespace == nil {
		i.CacheNamespace = &resourceID
	}
	if i.CacheKeyParameters == nil {
		i.CacheKeyParameters = []string{}
	}
	if i.ConnectionType == nil && (*i.Type == typeHTTP || *i.Type == typeHTTPProxy) {
		i.ConnectionType = new(api.ConnectionTypeInternet)
	}
	if *i.Type == typeMock {
		i.Uri, i.HttpMethod = nil, nil
	}
}

// checkIntegration refuses an integration that cannot be.
func checkIntegration(i *api.Integration) error {
	switch *i.PassthroughBehavior {
	case whenNoMatch, whenNoTemplates, never:
	default:
		return errBad("Invalid passthrough behavior specified. Must be one of: [WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]")
	}
	streams := aws.Value(i.ResponseTransferMode) == streamed
	switch {
	case streams && *i.Type != typeAWSProxy && *i.Type != typeHTTPProxy:
		return errBad("Response transfer mode STREAM is only supported for AWS_PROXY and HTTP_PROXY integrations")
	case streams && (*i.TimeoutInMillis < 50 || *i.TimeoutInMillis > maxStreaming):
		return errBad("Timeout should be between 50 ms and 900000 ms")
	case !streams && (*i.TimeoutInMillis < 50 || *i.TimeoutInMillis > maxTimeout):
		return errBad("Timeout should be between 50 ms and 29000 ms")
	}
	if err := checkMappings(i.RequestParameters, "integration.request."); err != nil {
		return err
	}
	if *i.Type == typeMock {
		return nil
	}
	at := aws.Value(i.Uri)
	if aws.Value(i.HttpMethod) == "" {
		return errBad("Enumeration value for HttpMethod must be non-empty")
	}
	if aws.Value(i.ConnectionType) == "VPC_LINK" {
		if aws.Value(i.ConnectionId) == "" {
			return errBad("VpcLink id must be specified for a VPC_LINK connection")
		}
		return nil
	}
	switch *i.Type {
	case typeHTTP, typeHTTPProxy:
		return checkHTTP(at)
	case typeAWSProxy, typeAWS:
		return checkService(*i.Type, at)
	}
	return nil
}

// checkHTTP refuses what is no address of an HTTP server. Its host may be a
// variable of the stage.
func checkHTTP(at string) error {
	plain := strings.NewReplacer("{", "", "}", "", "$", "").Replace(at)
	u, err := url.Parse(plain)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && !strings.HasPrefix(at, "${stageVariables.") || u.Host == "" && !strings.HasPrefix(at, "${stageVariables.") {
		return errBad("Invalid HTTP endpoint specified for URI")
	}
	return nil
}

// checkService refuses what is no target in a service of AWS.
func checkService(kind, at string) error {
	parts := strings.SplitN(at, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return errBad("Invalid ARN specified in the request")
	}
	if parts[2] != "apigateway" || !strings.HasPrefix(parts[5], "path/") && !strings.HasPrefix(parts[5], "action/") {
		return errBad("AWS ARN for integration must contain path or action")
	}
	if kind == typeAWSProxy {
		if uri.Function(at) == "" && !(parts[4] == "firehose" && strings.HasPrefix(parts[5], "action/PutRecord")) {
			return errBad("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
		}
		if parts[4] == "firehose" {
			return errNotYet("proxy integrations with Firehose")
		}
	}
	return nil
}

// checkMappings refuses mapped parameters that are not of a request or a response.
func checkMappings(parameters map[string]string, prefix string) error {
	for name, from := range parameters {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || rest == "" {
			return errMapping(name)
		}
		if !isMapping(from) {
			return errMapping(from)
		}
	}
	return nil
}

func errMapping(expression string) error {
	return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: %s]", expression)
}

// isMapping reports whether an expression says where a parameter comes from: a
// literal in quotes, or a place.
func isMapping(from string) bool {
	if len(from) >= 2 && strings.HasPrefix(from, "'") && strings.HasSuffix(from, "'") {
		return true
	}
	for _, prefix := range []string{"method.request.", "integration.response.", "context.", "stageVariables."} {
		if rest, ok := strings.CutPrefix(from, prefix); ok && rest != "" {
			return true
		}
	}
	return false
}

// integrationOf returns the integration of a method, or a refusal.
func integrationOf(m *api.Method) (*api.Integration, error) {
	if m.MethodIntegration == nil {
		return nil, errNo("Integration")
	}
	return m.MethodIntegration, nil
}

// GetIntegration returns what answers a method.
func (s *Service) GetIntegration(ctx context.Context, call *aws.Call, in *api.GetIntegrationInput) (*api.Integration, error) {
	m, err := s.viewMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	return integrationOf(m)
}

// UpdateIntegration changes what answers a method.
func (s *Service) UpdateIntegration(ctx context.Context, call *aws.Call, in *api.UpdateIntegrationInput) (*api.Integration, error) {
	var out *api.Integration
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) (err error) {
		if out, err = integrationOf(*m); err != nil {
			return err
		}
		if err := apply(in.PatchOperations, func(c *change) error { return patchIntegration(out, c) }); err != nil {
			return err
		}
		return checkIntegration(out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func patchIntegration(i *api.Integration, c *change) error {
	var err error
	switch {
	case len(c.parts) == 2 && c.at(0) == "requestParameters":
		i.RequestParameters = member(i.RequestParameters, c, c.parts[1], c.value)
		return nil
	case len(c.parts) == 2 && c.at(0) == "requestTemplates":
		i.RequestTemplates = member(i.RequestTemplates, c, c.parts[1], c.value)
		return nil
	case len(c.parts) == 2 && c.at(0) == "cacheKeyParameters":
		i.CacheKeyParameters = element(i.CacheKeyParameters, c, c.parts[1])
		return nil
	case c.path == "/tlsConfig/insecureSkipVerification":
		i.TlsConfig = &api.TlsConfig{InsecureSkipVerification: c.truth()}
		return nil
	}
	switch c.path {
	case "/uri":
		i.Uri = c.text()
	case "/httpMethod":
		i.HttpMethod = c.text()
	case "/credentials":
		i.Credentials = c.text()
	case "/passthroughBehavior":
		i.PassthroughBehavior = new(c.value)
	case "/contentHandling":
		i.ContentHandling = c.text()
	case "/connectionType":
		i.ConnectionType = c.text()
	case "/connectionId":
		i.ConnectionId = c.text()
	case "/cacheNamespace":
		i.CacheNamespace = c.text()
	case "/timeoutInMillis":
		i.TimeoutInMillis, err = c.int32()
	case "/responseTransferMode":
		i.ResponseTransferMode = c.text()
	case "/integrationTarget":
		i.IntegrationTarget = c.text()
	default:
		return c.errPath()
	}
	return err
}

// DeleteIntegration removes what answers a method.
func (s *Service) DeleteIntegration(ctx context.Context, call *aws.Call, in *api.DeleteIntegrationInput) (*api.DeleteIntegrationOutput, error) {
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		_, err := integrationOf(*m)
		(*m).MethodIntegration = nil
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteIntegrationOutput{}, nil
}

// PutIntegrationResponse sets a response of an integration.
func (s *Service) PutIntegrationResponse(ctx context.Context, call *aws.Call, in *api.PutIntegrationResponseInput) (*api.IntegrationResponse, error) {
	r := api.IntegrationResponse{
		StatusCode: &in.StatusCode, SelectionPattern: in.SelectionPattern, ResponseParameters: in.ResponseParameters,
		ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling,
	}
	err := s.changeMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		i, err := integrationOf(*m)
		if err != nil {
			return err
		}
		// The method's own response may come later, unless there is something to map to.
		if _, ok := (*m).MethodResponses[in.StatusCode]; !ok && len(in.ResponseParameters) > 0 {
			return errBad("Invalid mapping expression specified: Validation Result: warnings : [], errors : [No method response exists for method.]")
		}
		if err := checkIntegrationResponse(*m, &r); err != nil {
			return err
		}
		if i.IntegrationResponses == nil {
			i.IntegrationResponses = make(map[string]api.IntegrationResponse)
		}
		i.IntegrationResponses[in.StatusCode] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

func checkIntegrationResponse(m *api.Method, r *api.IntegrationResponse) error {
	if err := checkMappings(r.ResponseParameters, "method.response."); err != nil {
		return err
	}
	for name := range r.ResponseParameters {
		if _, ok := m.MethodResponses[*r.StatusCode].ResponseParameters[name]; !ok {
			return errBad("Invalid mapping expression parameter specified: %s", name)
		}
	}
	return checkPattern(aws.Value(r.SelectionPattern))
}

// changeIntegrationResponse changes a response of an integration by f.
func (s *Service) changeIntegrationResponse(ctx context.Context, call *aws.Call, apiID, resourceID, method, status string, f func(m *api.Method, r *api.IntegrationResponse) error) error {
	return s.changeMethod(ctx, call, apiID, resourceID, method, func(_ *store.Tx, _ aws.ARN, m **api.Method) error {
		i, err := integrationOf(*m)
		if err != nil {
			return err
		}
		r, ok := i.IntegrationResponses[status]
		if !ok {
			return errNoStatus()
		}
		if err := f(*m, &r); err != nil {
			return err
		}
		if delete(i.IntegrationResponses, status); r.StatusCode != nil {
			i.IntegrationResponses[status] = r
		}
		if len(i.IntegrationResponses) == 0 {
			i.IntegrationResponses = nil
		}
		return nil
	})
}

// GetIntegrationResponse returns a response of an integration.
func (s *Service) GetIntegrationResponse(ctx context.Context, call *aws.Call, in *api.GetIntegrationResponseInput) (*api.IntegrationResponse, error) {
	m, err := s.viewMethod(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	i, err := integrationOf(m)
	if err != nil {
		return nil, err
	}
	r, ok := i.IntegrationResponses[in.StatusCode]
	if !ok {
		return nil, errNoStatus()
	}
	return &r, nil
}

// UpdateIntegrationResponse changes a response of an integration.
func (s *Service) UpdateIntegrationResponse(ctx context.Context, call *aws.Call, in *api.UpdateIntegrationResponseInput) (*api.IntegrationResponse, error) {
	var out api.IntegrationResponse
	err := s.changeIntegrationResponse(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, in.StatusCode, func(m *api.Method, r *api.IntegrationResponse) error {
		err := apply(in.PatchOperations, func(c *change) error {
			switch {
			case len(c.parts) == 2 && c.at(0) == "responseParameters":
				r.ResponseParameters = member(r.ResponseParameters, c, c.parts[1], c.value)
			case len(c.parts) == 2 && c.at(0) == "responseTemplates":
				r.ResponseTemplates = member(r.ResponseTemplates, c, c.parts[1], c.value)
			case c.path == "/selectionPattern":
				r.SelectionPattern = c.text()
			case c.path == "/contentHandling":
				r.ContentHandling = c.text()
			default:
				return c.errPath()
			}
			return nil
		})
		if out = *r; err != nil {
			return err
		}
		return checkIntegrationResponse(m, r)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// DeleteIntegrationResponse removes a response of an integration.
func (s *Service) DeleteIntegrationResponse(ctx context.Context, call *aws.Call, in *api.DeleteIntegrationResponseInput) (*api.DeleteIntegrationResponseOutput, error) {
	err := s.changeIntegrationResponse(ctx, call, in.RestApiId, in.ResourceId, in.HttpMethod, in.StatusCode, func(_ *api.Method, r *api.IntegrationResponse) error {
		r.StatusCode = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteIntegrationResponseOutput{}, nil
}
