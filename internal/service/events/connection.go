package events

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A connection says how API destinations are signed in to. What is secret in
// it is a secret of Secrets Manager.
type connection struct {
	ID          string // its ARN ends in it
	Secret      string // ARN; "": there is none
	Description string `json:",omitempty"`
	Kind        string // api.ConnectionAuthorizationTypeBasic …
	State       string
	Reason      string                                    `json:",omitempty"` // of the state
	Auth        api.CreateConnectionAuthRequestParameters // without what is secret, unless Secret is ""
	Created     time.Time
	Modified    time.Time
	Authorized  time.Time
}

// connectionARN is the ARN of a connection as callers see it.
func connectionARN(key aws.ARN, c *connection) aws.ARN {
	key.Resource += "/" + c.ID
	return key
}

// shortARN is an ARN without the id at its end: how rows are kept.
func shortARN(arn aws.ARN) aws.ARN {
	if i := strings.LastIndexByte(arn.Resource, '/'); i >= 0 && strings.Count(arn.Resource, "/") == 2 {
		arn.Resource = arn.Resource[:i]
	}
	return arn
}

// findConnection returns a connection by its key; what is what is done to it,
// for the refusal.
func findConnection(tx *store.Tx, key aws.ARN, what string) (connection, error) {
	c, err := connections.Get(tx, key)
	if err == store.ErrNotFound {
		return c, api.ResourceNotFoundException.Errorf("Failed to %s the connection(s). Connection '%s' does not exist.", what, strings.TrimPrefix(key.Resource, connectionKind))
	}
	return c, err
}

// CreateConnection makes a connection.
func (s *Service) CreateConnection(ctx context.Context, call *aws.Call, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
	if in.InvocationConnectivityParameters != nil || in.AuthParameters.ConnectivityParameters != nil {
		return nil, errAbsent("connections to private endpoints")
	}
	if err := checkKey(in.KmsKeyIdentifier); err != nil {
		return nil, err
	}
	if err := s.checkAuth(in.AuthorizationType, in.AuthParameters); err != nil {
		return nil, err
	}
	now := time.Now()
	c := connection{
		ID: aws.NewRequestID(), Description: aws.Value(in.Description), Kind: in.AuthorizationType,
		Auth: *in.AuthParameters, Created: now, Modified: now,
	}
	c.begin(now)
	key := connectionNamed(call, in)
	if err := s.db.View(ctx, func(tx *store.Tx) error { return checkNew(tx, key, in.Name) }); err != nil {
		return nil, err
	}
	if err := s.hide(ctx, key, &c); err != nil {
		return nil, err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkNew(tx, key, in.Name); err != nil {
			return err
		}
		return s.putConnection(tx, key, c)
	})
	if err != nil {
		return nil, errors.Join(err, s.forget(ctx, key, &c))
	}
	return &api.CreateConnectionOutput{ConnectionArn: new(connectionARN(key, &c).String()), ConnectionState: &c.State, CreationTime: &c.Created, LastModifiedTime: &c.Modified}, nil
}

// checkNew refuses to make a connection that there is.
func checkNew(tx *store.Tx, key aws.ARN, name string) error {
	exists, err := connections.Has(tx, key)
	if err == nil && exists {
		err = api.ResourceAlreadyExistsException.Errorf("Connection %s already exists.", name)
	}
	return err
}

// begin sets the state of a connection whose parameters are new.
func (c *connection) begin(now time.Time) {
	c.Reason, c.Authorized = "", now
	c.State = api.ConnectionStateAuthorized
	if c.Kind == api.ConnectionAuthorizationTypeOauthClientCredentials {
		c.State = api.ConnectionStateAuthorizing
	}
}

func (s *Service) putConnection(tx *store.Tx, key aws.ARN, c connection) error {
	if c.State == api.ConnectionStateAuthorizing {
		tx.AfterCommit(s.authorizing.Ring)
	}
	return connections.Put(tx, key, c)
}

// checkAuth refuses parameters that do not go with the kind of connection.
func (s *Service) checkAuth(kind string, p *api.CreateConnectionAuthRequestParameters) error {
	has := map[string]bool{
		api.ConnectionAuthorizationTypeBasic:                  p.BasicAuthParameters != nil,
		api.ConnectionAuthorizationTypeApiKey:                 p.ApiKeyAuthParameters != nil,
		api.ConnectionAuthorizationTypeOauthClientCredentials: p.OAuthParameters != nil,
	}
	for other, given := range has {
		if given != (other == kind) {
			return invalid("Parameter AuthParameters is not valid. Reason: It must match the authorization type %s.", kind)
		}
	}
	if p.OAuthParameters != nil {
		return s.checkEndpoint(p.OAuthParameters.AuthorizationEndpoint, "AuthorizationEndpoint")
	}
	return nil
}

// UpdateConnection changes a connection.
func (s *Service) UpdateConnection(ctx context.Context, call *aws.Call, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
	if in.InvocationConnectivityParameters != nil {
		return nil, errAbsent("connections to private endpoints")
	}
	if err := checkKey(in.KmsKeyIdentifier); err != nil {
		return nil, err
	}
	key := connectionNamed(call, in)
	c, err := look(ctx, s.db, func(tx *store.Tx) (connection, error) { return findConnection(tx, key, "update") })
	if err != nil {
		return nil, err
	}
	had := c
	c.Description, c.Kind = aws.Or(in.Description, c.Description), aws.Or(in.AuthorizationType, c.Kind)
	if err := s.changeAuth(ctx, key, &had, &c, in.AuthParameters); err != nil {
		return nil, err
	}
	c.Modified = time.Now()
	c.begin(c.Modified)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		now, err := findConnection(tx, key, "update")
		if err != nil {
			return err
		}
		if !now.Modified.Equal(had.Modified) {
			return api.ConcurrentModificationException.Errorf("The connection %s is being changed by another request.", in.Name)
		}
		return s.putConnection(tx, key, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateConnectionOutput{
		ConnectionArn: new(connectionARN(key, &c).String()), ConnectionState: &c.State, CreationTime: &c.Created,
		LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

// changeAuth changes how c, which was had, signs in.
func (s *Service) changeAuth(ctx context.Context, key aws.ARN, had, c *connection, in *api.UpdateConnectionAuthRequestParameters) error {
	if err := s.reveal(ctx, key, had); err != nil {
		return err
	}
	c.Auth = had.Auth
	if in != nil {
		c.Auth = mergeAuth(c.Kind, had.Auth, in)
	}
	if err := s.checkAuth(c.Kind, &c.Auth); err != nil {
		return err
	}
	return s.hide(ctx, key, c)
}

// mergeAuth is had with what in changes, for that kind of connection.
func mergeAuth(kind string, had api.CreateConnectionAuthRequestParameters, in *api.UpdateConnectionAuthRequestParameters) api.CreateConnectionAuthRequestParameters {
	out := api.CreateConnectionAuthRequestParameters{InvocationHttpParameters: had.InvocationHttpParameters}
	if in.InvocationHttpParameters != nil {
		out.InvocationHttpParameters = in.InvocationHttpParameters
	}
	switch kind {
	case api.ConnectionAuthorizationTypeBasic:
		p := aws.Value(had.BasicAuthParameters)
		if n := in.BasicAuthParameters; n != nil {
			p.Username, p.Password = aws.Or(n.Username, p.Username), aws.Or(n.Password, p.Password)
		}
		out.BasicAuthParameters = &p
	case api.ConnectionAuthorizationTypeApiKey:
		p := aws.Value(had.ApiKeyAuthParameters)
		if n := in.ApiKeyAuthParameters; n != nil {
			p.ApiKeyName, p.ApiKeyValue = aws.Or(n.ApiKeyName, p.ApiKeyName), aws.Or(n.ApiKeyValue, p.ApiKeyValue)
		}
		out.ApiKeyAuthParameters = &p
	default:
		p := aws.Value(had.OAuthParameters)
		client := aws.Value(p.ClientParameters)
		if n := in.OAuthParameters; n != nil {
			p.AuthorizationEndpoint, p.HttpMethod = aws.Or(n.AuthorizationEndpoint, p.AuthorizationEndpoint), aws.Or(n.HttpMethod, p.HttpMethod)
			if n.OAuthHttpParameters != nil {
				p.OAuthHttpParameters = n.OAuthHttpParameters
			}
			if m := n.ClientParameters; m != nil {
				client.ClientID, client.ClientSecret = aws.Or(m.ClientID, client.ClientID), aws.Or(m.ClientSecret, client.ClientSecret)
			}
		}
		p.ClientParameters, out.OAuthParameters = &client, &p
	}
	return out
}

// DeauthorizeConnection forgets the secrets of a connection.
func (s *Service) DeauthorizeConnection(ctx context.Context, call *aws.Call, in *api.DeauthorizeConnectionInput) (*api.DeauthorizeConnectionOutput, error) {
	key := connectionNamed(call, in)
	var c connection
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if c, err = findConnection(tx, key, "deauthorize"); err != nil {
			return err
		}
		row := c
		row.Auth, row.Secret = redacted(c.Auth), ""
		row.State, row.Modified = api.ConnectionStateDeauthorized, time.Now()
		return connections.Put(tx, key, row)
	})
	if err == nil {
		err = s.forget(ctx, key, &c)
	}
	if err != nil {
		return nil, err
	}
	return &api.DeauthorizeConnectionOutput{
		ConnectionArn: new(connectionARN(key, &c).String()), ConnectionState: new(api.ConnectionStateDeauthorizing), CreationTime: &c.Created,
		LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

// DeleteConnection deletes a connection.
func (s *Service) DeleteConnection(ctx context.Context, call *aws.Call, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	key := connectionNamed(call, in)
	var c connection
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if c, err = findConnection(tx, key, "delete"); err != nil {
			return err
		}
		return connections.Delete(tx, key)
	})
	if err == nil {
		err = s.forget(ctx, key, &c)
	}
	if err != nil {
		return nil, err
	}
	return &api.DeleteConnectionOutput{
		ConnectionArn: new(connectionARN(key, &c).String()), ConnectionState: new(api.ConnectionStateDeleting), CreationTime: &c.Created,
		LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

// DescribeConnection describes a connection, without its secrets.
func (s *Service) DescribeConnection(ctx context.Context, call *aws.Call, in *api.DescribeConnectionInput) (*api.DescribeConnectionOutput, error) {
	key := connectionNamed(call, in)
	c, err := look(ctx, s.db, func(tx *store.Tx) (connection, error) { return findConnection(tx, key, "describe") })
	if err != nil {
		return nil, err
	}
	return &api.DescribeConnectionOutput{
		ConnectionArn: new(connectionARN(key, &c).String()), Name: &in.Name, Description: optional(c.Description), ConnectionState: &c.State,
		StateReason: optional(c.Reason), AuthorizationType: &c.Kind, SecretArn: optional(c.Secret), AuthParameters: shown(redacted(c.Auth)),
		CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

// redacted is p without its secrets.
func redacted(p api.CreateConnectionAuthRequestParameters) api.CreateConnectionAuthRequestParameters {
	if a := p.BasicAuthParameters; a != nil {
		p.BasicAuthParameters = &api.CreateConnectionBasicAuthRequestParameters{Username: a.Username}
	}
	if a := p.ApiKeyAuthParameters; a != nil {
		p.ApiKeyAuthParameters = &api.CreateConnectionApiKeyAuthRequestParameters{ApiKeyName: a.ApiKeyName}
	}
	if a := p.OAuthParameters; a != nil {
		public := *a
		public.ClientParameters = &api.CreateConnectionOAuthClientRequestParameters{ClientID: a.ClientParameters.ClientID}
		public.OAuthHttpParameters = redactedHTTP(a.OAuthHttpParameters)
		p.OAuthParameters = &public
	}
	p.InvocationHttpParameters = redactedHTTP(p.InvocationHttpParameters)
	return p
}

func redactedHTTP(p *api.ConnectionHttpParameters) *api.ConnectionHttpParameters {
	if p == nil {
		return nil
	}
	out := &api.ConnectionHttpParameters{}
	for _, h := range p.HeaderParameters {
		h.Value = public(h.Value, h.IsValueSecret)
		out.HeaderParameters = append(out.HeaderParameters, h)
	}
	for _, q := range p.QueryStringParameters {
		q.Value = public(q.Value, q.IsValueSecret)
		out.QueryStringParameters = append(out.QueryStringParameters, q)
	}
	for _, b := range p.BodyParameters {
		b.Value = public(b.Value, b.IsValueSecret)
		out.BodyParameters = append(out.BodyParameters, b)
	}
	return out
}

func public(value *string, secret *bool) *string {
	if aws.Value(secret) {
		return nil
	}
	return value
}

// shown is p, which has no secrets, as an answer has it.
func shown(p api.CreateConnectionAuthRequestParameters) *api.ConnectionAuthResponseParameters {
	out := &api.ConnectionAuthResponseParameters{InvocationHttpParameters: p.InvocationHttpParameters}
	if a := p.BasicAuthParameters; a != nil {
		out.BasicAuthParameters = &api.ConnectionBasicAuthResponseParameters{Username: &a.Username}
	}
	if a := p.ApiKeyAuthParameters; a != nil {
		out.ApiKeyAuthParameters = &api.ConnectionApiKeyAuthResponseParameters{ApiKeyName: &a.ApiKeyName}
	}
	if a := p.OAuthParameters; a != nil {
		out.OAuthParameters = &api.ConnectionOAuthResponseParameters{
			ClientParameters:      &api.ConnectionOAuthClientResponseParameters{ClientID: &a.ClientParameters.ClientID},
			AuthorizationEndpoint: &a.AuthorizationEndpoint, HttpMethod: &a.HttpMethod, OAuthHttpParameters: a.OAuthHttpParameters,
		}
	}
	return out
}

// ListConnections lists connections.
func (s *Service) ListConnections(ctx context.Context, call *aws.Call, in *api.ListConnectionsInput) (*api.ListConnectionsOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	return look(ctx, s.db, func(tx *store.Tx) (*api.ListConnectionsOutput, error) {
		out := &api.ListConnectionsOutput{Connections: []api.Connection{}}
		out.NextToken = fill(p, func(yield func(string, connection) bool) {
			for key, c := range connections.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
				if !yield(strings.TrimPrefix(key.Resource, connectionKind), c) {
					return
				}
			}
		}, func(name string, c connection) bool {
			if in.ConnectionState != nil && *in.ConnectionState != c.State {
				return false
			}
			out.Connections = append(out.Connections, api.Connection{
				ConnectionArn: new(connectionARN(call.ARN("events", connectionKind+name), &c).String()), Name: &name, ConnectionState: &c.State,
				StateReason: optional(c.Reason), AuthorizationType: &c.Kind, CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
			})
			return true
		})
		return out, nil
	})
}
