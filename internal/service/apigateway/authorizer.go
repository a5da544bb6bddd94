package apigateway

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// usualVerdict and maxVerdict are how long what an authorizer said holds, in seconds.
const (
	usualVerdict = 300
	maxVerdict   = 3600
)

// CreateAuthorizer adds an authorizer to an API.
func (s *Service) CreateAuthorizer(ctx context.Context, call *aws.Call, in *api.CreateAuthorizerInput) (*api.Authorizer, error) {
	row := api.Authorizer{
		Id: new(newID(6)), Name: &in.Name, Type: &in.Type, ProviderARNs: in.ProviderARNs, AuthType: in.AuthType, AuthorizerUri: in.AuthorizerUri,
		AuthorizerCredentials: in.AuthorizerCredentials, IdentitySource: in.IdentitySource, IdentityValidationExpression: in.IdentityValidationExpression,
		AuthorizerResultTtlInSeconds: in.AuthorizerResultTtlInSeconds,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findAPI(tx, call, in.RestApiId)
		if err != nil {
			if errors.Is(err, api.NotFoundException) { // that is how AWS says it here
				return api.ConflictException.Errorf("Unable to complete operation due to concurrent modification. Please try again later.")
			}
			return err
		}
		return addAuthorizer(tx, arn, &row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// addAuthorizer keeps a new authorizer of an API.
func addAuthorizer(tx *store.Tx, arn aws.ARN, row *api.Authorizer) error {
	if row.AuthType == nil {
		row.AuthType = new("custom")
		if *row.Type == api.AuthorizerTypeCognitoUserPools {
			row.AuthType = new("cognito_user_pools")
		}
	}
	if row.AuthorizerResultTtlInSeconds == nil && *row.Type != api.AuthorizerTypeCognitoUserPools {
		row.AuthorizerResultTtlInSeconds = new(int32(usualVerdict))
	}
	if err := checkAuthorizer(row); err != nil {
		return err
	}
	for _, other := range authorizers.Scan(tx, partKey{API: arn}) {
		if *other.Name == *row.Name {
			return errBad("Authorizer name must be unique. Authorizer %s already exists in this RestApi.", *row.Name)
		}
	}
	return errors.Join(tx.Err(), authorizers.Put(tx, partKey{arn, *row.Id}, *row))
}

func checkAuthorizer(row *api.Authorizer) error {
	ttl := aws.Or(row.AuthorizerResultTtlInSeconds, usualVerdict)
	if ttl < 0 || ttl > maxVerdict {
		return errBad("Authorizer result TTL must be between 0 and 3600 seconds")
	}
	sources := sourcesOf(row)
	for _, source := range sources {
		if place, name := sourceOf(source); place == "" || name == "" {
			return errBad("Invalid identity source specified: %s", source)
		}
	}
	if aws.Value(row.IdentityValidationExpression) != "" {
		if err := checkPattern(*row.IdentityValidationExpression); err != nil {
			return err
		}
	}
	switch *row.Type {
	case api.AuthorizerTypeCognitoUserPools:
		if len(row.ProviderARNs) == 0 {
			return errBad("Provider ARNs must be specified for COGNITO_USER_POOLS authorizers")
		}
		for _, arn := range row.ProviderARNs {
			if issuerOf(arn) == "" {
				return errBad("Invalid Authorizer Provider ARN: %s", arn)
			}
		}
		return nil
	case api.AuthorizerTypeToken:
		if len(sources) > 1 || len(sources) == 1 && !strings.HasPrefix(sources[0], "method.request.header.") {
			return errBad("Invalid identity source specified: %s", *row.IdentitySource)
		}
	case api.AuthorizerTypeRequest:
		if ttl > 0 && len(sources) == 0 {
			return errBad("Identity Source is required for REQUEST authorizers when caching is enabled")
		}
	}
	if uri.Function(aws.Value(row.AuthorizerUri)) == "" {
		return errBad("Invalid Authorizer URI: %s. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation.", aws.Value(row.AuthorizerUri))
	}
	return nil
}

// sourcesOf are where an authorizer's callers say who they are.
func sourcesOf(row *api.Authorizer) []string {
	var all []string
	for source := range strings.SplitSeq(aws.Value(row.IdentitySource), ",") {
		if source = strings.TrimSpace(source); source != "" {
			all = append(all, source)
		}
	}
	return all
}

// sourceOf takes an identity source apart: method.request.header.Authorization.
func sourceOf(source string) (place, name string) {
	for _, place := range []string{"method.request.header.", "method.request.querystring.", "method.request.multivalueheader.", "method.request.multivaluequerystring.", "stageVariables.", "context."} {
		if name, ok := strings.CutPrefix(source, place); ok {
			return place, name
		}
	}
	return "", ""
}

// GetAuthorizer returns an authorizer.
func (s *Service) GetAuthorizer(ctx context.Context, call *aws.Call, in *api.GetAuthorizerInput) (*api.Authorizer, error) {
	var row api.Authorizer
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = find(tx, authorizers, call, in.RestApiId, "Authorizer", in.AuthorizerId)
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
		out.Items, out.Position, err = listParts(tx, authorizers, call, in.RestApiId, in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateAuthorizer changes an authorizer.
func (s *Service) UpdateAuthorizer(ctx context.Context, call *aws.Call, in *api.UpdateAuthorizerInput) (*api.Authorizer, error) {
	var row api.Authorizer
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, found, err := find(tx, authorizers, call, in.RestApiId, "Authorizer", in.AuthorizerId)
		if err != nil {
			return err
		}
		row = found
		if err := apply(in.PatchOperations, func(c *change) error { return patchAuthorizer(&row, c) }); err != nil {
			return err
		}
		if err := checkAuthorizer(&row); err != nil {
			return err
		}
		return authorizers.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

func patchAuthorizer(row *api.Authorizer, c *change) (err error) {
	switch c.path {
	case "/name":
		row.Name = new(c.value)
	case "/type":
		row.Type = new(c.value)
	case "/authorizerUri":
		row.AuthorizerUri = c.text()
	case "/authorizerCredentials":
		row.AuthorizerCredentials = c.text()
	case "/identitySource":
		row.IdentitySource = c.text()
	case "/identityValidationExpression":
		row.IdentityValidationExpression = c.text()
	case "/authType":
		row.AuthType = c.text()
	case "/authorizerResultTtlInSeconds":
		row.AuthorizerResultTtlInSeconds, err = c.int32()
	case "/providerARNs":
		row.ProviderARNs = element(row.ProviderARNs, c, c.value)
	default:
		return errBad("Invalid patch path  '%s' specified for op '%s'. Must be one of: [/name, /type, /providerARNs, /authorizerUri, /authorizerCredentials, "+
			"/identitySource, /identityValidationExpression, /authorizerResultTtlInSeconds, /authType]", c.path, c.op)
	}
	return err
}

// DeleteAuthorizer removes an authorizer that no method asks.
func (s *Service) DeleteAuthorizer(ctx context.Context, call *aws.Call, in *api.DeleteAuthorizerInput) (*api.DeleteAuthorizerOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, _, err := find(tx, authorizers, call, in.RestApiId, "Authorizer", in.AuthorizerId)
		if err != nil {
			return err
		}
		for r, m := range methodsOf(tx, key.API) {
			if aws.Value(m.AuthorizerId) == key.ID {
				return api.ConflictException.Errorf("Cannot delete authorizer '%s', is referenced in method: %s/%s", key.ID, *r.Path, *m.HttpMethod)
			}
		}
		return errors.Join(tx.Err(), authorizers.Delete(tx, key))
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAuthorizerOutput{}, nil
}
