package apigatewayv2

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateAuthorizer adds who decides for routes which callers may use them.
func (s *Service) CreateAuthorizer(ctx context.Context, call *aws.Call, in *api.CreateAuthorizerInput) (*api.CreateAuthorizerOutput, error) {
	row := newAuthorizer(in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, of, err := findAPI(tx, call, in.ApiId)
		if err != nil {
			return err
		}
		if err := checkAuthorizer(&of, row); err != nil {
			return err
		}
		return authorizers.Put(tx, partKey{arn, *row.AuthorizerId}, *row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateAuthorizerOutput(*row)), nil
}

func newAuthorizer(in *api.CreateAuthorizerInput) *authorizerRow {
	return &authorizerRow{
		AuthorizerCredentialsArn: in.AuthorizerCredentialsArn, AuthorizerId: new(newID(6)), AuthorizerPayloadFormatVersion: in.AuthorizerPayloadFormatVersion,
		AuthorizerResultTtlInSeconds: in.AuthorizerResultTtlInSeconds, AuthorizerType: &in.AuthorizerType, AuthorizerUri: in.AuthorizerUri,
		EnableSimpleResponses: in.EnableSimpleResponses, IdentitySource: in.IdentitySource, IdentityValidationExpression: in.IdentityValidationExpression,
		JwtConfiguration: in.JwtConfiguration, Name: &in.Name,
	}
}

func checkAuthorizer(of *apiRow, row *authorizerRow) error {
	if *row.Name == "" || len(*row.Name) > 128 {
		return errBad("Invalid authorizer name specified")
	}
	for _, source := range row.IdentitySource {
		if isWebSocket(of) && socketSource.MatchString(source) {
			continue
		}
		if strings.HasPrefix(source, "$context.") {
			return errNotYet("authorizers with the identity source " + source)
		}
		if _, _, ok := sourceOf(source); !ok || isWebSocket(of) {
			return errBad("Invalid identity source specified: %s", source)
		}
	}
	switch {
	case isWebSocket(of) && *row.AuthorizerType == api.AuthorizerTypeJwt:
		return errBad("JWT authorizers are supported only for HTTP APIs")
	case *row.AuthorizerType == api.AuthorizerTypeJwt:
		return checkJWT(row)
	case *row.AuthorizerType == api.AuthorizerTypeRequest:
		return checkRequest(of, row)
	}
	return errBad("Invalid authorizer type specified: %s", *row.AuthorizerType)
}

func checkJWT(row *authorizerRow) error {
	c := row.JwtConfiguration
	switch {
	case c == nil || c.Issuer == nil:
		return errBad("JwtConfiguration with an issuer is required for JWT authorizers")
	case row.AuthorizerUri != nil || row.EnableSimpleResponses != nil || row.AuthorizerPayloadFormatVersion != nil:
		return errBad("AuthorizerUri, payload formats and simple responses are not supported for JWT authorizers")
	case len(row.IdentitySource) != 1 || strings.HasPrefix(row.IdentitySource[0], "$stageVariables."):
		return errBad("JWT authorizers need one identity source, a header or a query string parameter")
	}
	u, err := url.Parse(*c.Issuer)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errBad("Invalid issuer: %s. Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration'", *c.Issuer)
	}
	return nil
}

func checkRequest(of *apiRow, row *authorizerRow) error {
	version := aws.Value(row.AuthorizerPayloadFormatVersion)
	switch {
	case row.JwtConfiguration != nil:
		return errBad("JwtConfiguration is not supported for REQUEST authorizers")
	case uri.Function(aws.Value(row.AuthorizerUri)) == "":
		return errBad("Invalid authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.Value(row.AuthorizerUri))
	case aws.Value(row.IdentityValidationExpression) != "":
		return errBad("IdentityValidationExpression is not supported for HTTP APIs")
	case isWebSocket(of):
		if row.AuthorizerPayloadFormatVersion != nil || row.EnableSimpleResponses != nil || aws.Value(row.AuthorizerResultTtlInSeconds) != 0 {
			return errBad("Payload formats, simple responses and cached results are supported only for HTTP APIs")
		}
		return nil
	case version != proxy.V1 && version != proxy.V2:
		return errBad("AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer")
	case aws.Value(row.EnableSimpleResponses) && version == proxy.V1:
		return errBad("Simple responses need authorizerPayloadFormatVersion 2.0")
	case aws.Value(row.AuthorizerResultTtlInSeconds) > 0 && len(row.IdentitySource) == 0:
		return errBad("Identity sources are required when results are cached")
	}
	return nil
}

// socketSource is where clients of WebSocket APIs may say who they are.
var socketSource = regexp.MustCompile(`^(route\.request\.(header|querystring)|\$?context|\$?stageVariables)\.[a-zA-Z0-9._$-]+$`)

// sourceOf takes an identity source apart: $request.header.Authorization.
func sourceOf(source string) (place, name string, ok bool) {
	for _, place := range []string{"$request.header.", "$request.querystring.", "$stageVariables."} {
		if name, ok := strings.CutPrefix(source, place); ok && name != "" {
			return place, name, true
		}
	}
	return "", "", false
}

// GetAuthorizer returns an authorizer.
func (s *Service) GetAuthorizer(ctx context.Context, call *aws.Call, in *api.GetAuthorizerInput) (*api.GetAuthorizerOutput, error) {
	var row authorizerRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, authorizers, call, in.ApiId, "Authorizer", in.AuthorizerId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetAuthorizers lists the authorizers of an API.
func (s *Service) GetAuthorizers(ctx context.Context, call *aws.Call, in *api.GetAuthorizersInput) (*api.GetAuthorizersOutput, error) {
	out := new(api.GetAuthorizersOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.NextToken, err = list(tx, authorizers, call, in.ApiId, in.MaxResults, in.NextToken, listedAuthorizer)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func listedAuthorizer(r authorizerRow) api.Authorizer {
	return api.Authorizer{
		AuthorizerId: r.AuthorizerId, AuthorizerPayloadFormatVersion: r.AuthorizerPayloadFormatVersion, AuthorizerResultTtlInSeconds: r.AuthorizerResultTtlInSeconds,
		AuthorizerType: r.AuthorizerType, AuthorizerUri: r.AuthorizerUri, EnableSimpleResponses: r.EnableSimpleResponses,
		IdentitySource: r.IdentitySource, JwtConfiguration: r.JwtConfiguration, Name: aws.Value(r.Name),
	}
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, call *aws.Call, in *api.UpdateAuthorizerInput) (*api.UpdateAuthorizerOutput, error) {
	var row authorizerRow
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, authorizers, call, in.ApiId, "Authorizer", in.AuthorizerId)
		if err != nil {
			return err
		}
		row = found
		setIf(&row.AuthorizerCredentialsArn, in.AuthorizerCredentialsArn)
		setIf(&row.AuthorizerPayloadFormatVersion, in.AuthorizerPayloadFormatVersion)
		setIf(&row.AuthorizerResultTtlInSeconds, in.AuthorizerResultTtlInSeconds)
		setIf(&row.AuthorizerType, in.AuthorizerType)
		setIf(&row.AuthorizerUri, in.AuthorizerUri)
		setIf(&row.EnableSimpleResponses, in.EnableSimpleResponses)
		setIf(&row.IdentityValidationExpression, in.IdentityValidationExpression)
		setIf(&row.JwtConfiguration, in.JwtConfiguration)
		setIf(&row.Name, in.Name)
		if in.IdentitySource != nil {
			row.IdentitySource = in.IdentitySource
		}
		of, err := apis.Get(tx, key.API)
		if err != nil {
			return err
		}
		if err := checkAuthorizer(&of, &row); err != nil {
			return err
		}
		if err := authorizers.Put(tx, key, row); err != nil {
			return err
		}
		return s.changed(tx, key.API)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateAuthorizerOutput(row)), nil
}

// DeleteAuthorizer removes an authorizer that no route asks.
func (s *Service) DeleteAuthorizer(ctx context.Context, call *aws.Call, in *api.DeleteAuthorizerInput) (*api.DeleteAuthorizerOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, authorizers, call, in.ApiId, "Authorizer", in.AuthorizerId)
		if err != nil {
			return err
		}
		for _, r := range routes.Scan(tx, partKey{API: key.API}) {
			if aws.Value(r.AuthorizerId) == in.AuthorizerId {
				return api.ConflictException.Errorf("Cannot delete authorizer '%s', is referenced in route: %s", in.AuthorizerId, *r.RouteKey)
			}
		}
		return authorizers.Delete(tx, key)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAuthorizerOutput{}, nil
}

// checkAuthorization refuses a route whose authorizer is not one of its type.
func checkAuthorization(tx *store.Tx, arn aws.ARN, row *routeRow) error {
	wants := map[string]string{api.AuthorizationTypeJwt: api.AuthorizerTypeJwt, api.AuthorizationTypeCustom: api.AuthorizerTypeRequest}[*row.AuthorizationType]
	if wants == "" {
		if row.AuthorizerId != nil && *row.AuthorizerId != "" || len(row.AuthorizationScopes) > 0 {
			return errBad("Authorizers and scopes are not supported for authorization type %s", *row.AuthorizationType)
		}
		return nil
	}
	if row.AuthorizerId == nil {
		return errBad("Authorizer ID is required for authorization type %s", *row.AuthorizationType)
	}
	a, err := authorizers.Get(tx, partKey{arn, *row.AuthorizerId})
	switch {
	case err != nil:
		return refused(err, "Authorizer")
	case *a.AuthorizerType != wants:
		return errBad("Authorizer %s is not of the type that authorization type %s needs", *row.AuthorizerId, *row.AuthorizationType)
	case wants != api.AuthorizerTypeJwt && len(row.AuthorizationScopes) > 0:
		return errBad("Scopes are supported only for JWT authorizers")
	case slices.Contains(row.AuthorizationScopes, ""):
		return errBad("Invalid authorization scope specified")
	}
	return nil
}
