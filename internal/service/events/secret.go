package events

import (
	"context"
	"encoding/json"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// A sealed is what is secret in a connection, as the secret that Secrets Manager
// keeps of it has it.
type sealed struct {
	APIKeyName    string      `json:"api_key_name,omitempty"`
	APIKeyValue   string      `json:"api_key_value,omitempty"`
	Username      string      `json:"username,omitempty"`
	Password      string      `json:"password,omitempty"`
	ClientID      string      `json:"client_id,omitempty"`
	ClientSecret  string      `json:"client_secret,omitempty"`
	Authorization string      `json:"authorization_endpoint,omitempty"`
	HTTPMethod    string      `json:"http_method,omitempty"`
	OAuth         *sealedHTTP `json:"oauth_http_parameters,omitempty"`
	Invocation    *sealedHTTP `json:"invocation_http_parameters,omitempty"`
}

type sealedHTTP struct {
	Headers []sealedParameter `json:"header_parameters,omitempty"`
	Query   []sealedParameter `json:"query_string_parameters,omitempty"`
	Body    []sealedParameter `json:"body_parameters,omitempty"`
}

type sealedParameter struct {
	Key    *string `json:"key,omitempty"`
	Value  *string `json:"value,omitempty"`
	Secret *bool   `json:"is_value_secret,omitempty"`
}

// seal is p as a secret.
func seal(p *api.CreateConnectionAuthRequestParameters) (string, error) {
	s := sealed{Invocation: sealHTTP(p.InvocationHttpParameters)}
	if a := p.ApiKeyAuthParameters; a != nil {
		s.APIKeyName, s.APIKeyValue = a.ApiKeyName, a.ApiKeyValue
	}
	if a := p.BasicAuthParameters; a != nil {
		s.Username, s.Password = a.Username, a.Password
	}
	if a := p.OAuthParameters; a != nil {
		s.ClientID, s.ClientSecret = a.ClientParameters.ClientID, a.ClientParameters.ClientSecret
		s.Authorization, s.HTTPMethod, s.OAuth = a.AuthorizationEndpoint, a.HttpMethod, sealHTTP(a.OAuthHttpParameters)
	}
	text, err := json.Marshal(s)
	return string(text), err
}

func sealHTTP(p *api.ConnectionHttpParameters) *sealedHTTP {
	if p == nil {
		return nil
	}
	s := &sealedHTTP{}
	for _, h := range p.HeaderParameters {
		s.Headers = append(s.Headers, sealedParameter{h.Key, h.Value, h.IsValueSecret})
	}
	for _, q := range p.QueryStringParameters {
		s.Query = append(s.Query, sealedParameter{q.Key, q.Value, q.IsValueSecret})
	}
	for _, b := range p.BodyParameters {
		s.Body = append(s.Body, sealedParameter{b.Key, b.Value, b.IsValueSecret})
	}
	return s
}

// unseal reads the secret of a connection of that kind.
func unseal(kind, text string) (api.CreateConnectionAuthRequestParameters, error) {
	var s sealed
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return api.CreateConnectionAuthRequestParameters{}, err
	}
	p := api.CreateConnectionAuthRequestParameters{InvocationHttpParameters: unsealHTTP(s.Invocation)}
	switch kind {
	case api.ConnectionAuthorizationTypeBasic:
		p.BasicAuthParameters = &api.CreateConnectionBasicAuthRequestParameters{Username: s.Username, Password: s.Password}
	case api.ConnectionAuthorizationTypeApiKey:
		p.ApiKeyAuthParameters = &api.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: s.APIKeyName, ApiKeyValue: s.APIKeyValue}
	default:
		p.OAuthParameters = &api.CreateConnectionOAuthRequestParameters{
			ClientParameters:      &api.CreateConnectionOAuthClientRequestParameters{ClientID: s.ClientID, ClientSecret: s.ClientSecret},
			AuthorizationEndpoint: s.Authorization, HttpMethod: s.HTTPMethod, OAuthHttpParameters: unsealHTTP(s.OAuth),
		}
	}
	return p, nil
}

func unsealHTTP(s *sealedHTTP) *api.ConnectionHttpParameters {
	if s == nil {
		return nil
	}
	p := &api.ConnectionHttpParameters{}
	for _, h := range s.Headers {
		p.HeaderParameters = append(p.HeaderParameters, api.ConnectionHeaderParameter{Key: h.Key, Value: h.Value, IsValueSecret: h.Secret})
	}
	for _, q := range s.Query {
		p.QueryStringParameters = append(p.QueryStringParameters, api.ConnectionQueryStringParameter{Key: q.Key, Value: q.Value, IsValueSecret: q.Secret})
	}
	for _, b := range s.Body {
		p.BodyParameters = append(p.BodyParameters, api.ConnectionBodyParameter{Key: b.Key, Value: b.Value, IsValueSecret: b.Secret})
	}
	return p
}

// hide has Secrets Manager keep what is secret in a connection, and leaves the rest.
func (s *Service) hide(ctx context.Context, key aws.ARN, c *connection) error {
	text, err := seal(&c.Auth)
	if err != nil {
		return err
	}
	call := aws.ServiceCall("events", connectionARN(key, c))
	if c.Secret == "" {
		out, err := dispatch.CallChecked(ctx, s.table, call, secretsmanager.CreateSecret, &secretsmanager.CreateSecretInput{
			Name: "events!" + key.Resource + "/" + aws.NewRequestID(), SecretString: &text, ClientRequestToken: &call.RequestID,
		})
		if err != nil {
			return err
		}
		c.Secret = *out.ARN
	} else if _, err := dispatch.CallChecked(ctx, s.table, call, secretsmanager.PutSecretValue, &secretsmanager.PutSecretValueInput{
		SecretId: c.Secret, SecretString: &text, ClientRequestToken: &call.RequestID,
	}); err != nil {
		return err
	}
	c.Auth = redacted(c.Auth)
	return nil
}

// reveal fills in what is secret in a connection. What was made before secrets
// were kept apart has it already.
func (s *Service) reveal(ctx context.Context, key aws.ARN, c *connection) error {
	if c.Secret == "" {
		return nil
	}
	out, err := dispatch.CallChecked(ctx, s.table, aws.ServiceCall("events", connectionARN(key, c)), secretsmanager.GetSecretValue, &secretsmanager.GetSecretValueInput{SecretId: c.Secret})
	if err != nil {
		return err
	}
	c.Auth, err = unseal(c.Kind, aws.Value(out.SecretString))
	return err
}

// forget has Secrets Manager delete the secret of a connection.
func (s *Service) forget(ctx context.Context, key aws.ARN, c *connection) error {
	if c.Secret == "" {
		return nil
	}
	_, err := dispatch.CallChecked(ctx, s.table, aws.ServiceCall("events", connectionARN(key, c)), secretsmanager.DeleteSecret, &secretsmanager.DeleteSecretInput{
		SecretId: c.Secret, ForceDeleteWithoutRecovery: new(true),
	})
	if errors.Is(err, secretsmanager.ResourceNotFoundException) {
		return nil
	}
	return err
}
