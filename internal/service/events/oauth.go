package events

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	usualToken   = time.Hour   // life of a token that does not say
	tokenReserve = time.Minute // that a token has left when it is used
)

// A token is what a connection of OAuth signs in with. It is not kept.
type token struct {
	text    string
	expires time.Time
	of      time.Time // when the connection was as it signed in
}

// token returns a token for a connection of OAuth whose secrets are there, a
// fresh one if need be.
func (s *Service) token(ctx context.Context, key aws.ARN, c *connection, fresh bool) (string, error) {
	s.mu.Lock()
	t := s.tokens[key]
	s.mu.Unlock()
	if !fresh && t.of.Equal(c.Modified) && time.Until(t.expires) > tokenReserve {
		return t.text, nil
	}
	text, life, err := s.fetchToken(ctx, c.Auth.OAuthParameters)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.tokens[key] = token{text, time.Now().Add(life), c.Modified}
	s.mu.Unlock()
	return text, s.changeConnection(ctx, key, c, func(row *connection) {
		row.Authorized, row.State, row.Reason = time.Now(), api.ConnectionStateAuthorized, ""
	})
}

// changeConnection changes a connection that is still as c.
func (s *Service) changeConnection(ctx context.Context, key aws.ARN, c *connection, change func(*connection)) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := connections.Get(tx, key)
		if err == store.ErrNotFound || err == nil && !row.Modified.Equal(c.Modified) {
			return nil // what is there now was not meant
		}
		if err != nil {
			return err
		}
		change(&row)
		return connections.Put(tx, key, row)
	})
}

// fetchToken signs in as a client of OAuth.
func (s *Service) fetchToken(ctx context.Context, p *api.CreateConnectionOAuthRequestParameters) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.ClientParameters.ClientID}, "client_secret": {p.ClientParameters.ClientSecret}}
	u, err := url.Parse(p.AuthorizationEndpoint)
	if err != nil {
		return "", 0, invalid("Parameter AuthorizationEndpoint is not valid.")
	}
	query, header := u.Query(), http.Header{}
	if h := p.OAuthHttpParameters; h != nil {
		for _, m := range h.HeaderParameters {
			header.Set(aws.Value(m.Key), aws.Value(m.Value))
		}
		for _, m := range h.QueryStringParameters {
			query.Set(aws.Value(m.Key), aws.Value(m.Value))
		}
		for _, m := range h.BodyParameters {
			form.Set(aws.Value(m.Key), aws.Value(m.Value))
		}
	}
	body := form.Encode()
	if p.HttpMethod == http.MethodGet {
		for name := range form {
			query.Set(name, form.Get(name))
		}
		body = ""
	} else {
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, p.HttpMethod, u.String(), strings.NewReader(body))
	if err != nil {
		return "", 0, invalid("Parameter AuthorizationEndpoint is not valid.")
	}
	r.Header = header
	out, err := s.send(r)
	if err != nil {
		return "", 0, err
	}
	return parseToken(out)
}

// parseToken reads the answer of an authorization endpoint.
func parseToken(out *invokeOutput) (token string, life time.Duration, err error) {
	if err := checkAnswer(out); err != nil {
		return "", 0, err
	}
	var answer struct {
		Token   string      `json:"access_token"`
		Expires json.Number `json:"expires_in"`
	}
	if json.Unmarshal(out.Body, &answer) != nil || answer.Token == "" {
		return "", 0, aws.Fault{Code: "SDK_CLIENT_ERROR", Status: http.StatusBadRequest}.Errorf("The authorization endpoint returned no access token.")
	}
	life = usualToken
	if seconds, err := answer.Expires.Int64(); err == nil && seconds > 0 && seconds < 1<<31 {
		life = time.Duration(seconds) * time.Second
	}
	return answer.Token, life, nil
}

// runAuthorizations signs in for connections that are new.
func (s *Service) runAuthorizations(ctx context.Context) (time.Duration, error) {
	type waiting struct {
		key aws.ARN
		c   connection
	}
	var all []waiting
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for key, c := range connections.Scan(tx, aws.ARN{}) {
			if c.State == api.ConnectionStateAuthorizing {
				all = append(all, waiting{key, c})
			}
		}
		return nil
	})
	for _, w := range all {
		if err != nil {
			return 0, err
		}
		failed := s.reveal(ctx, w.key, &w.c)
		if failed == nil {
			_, failed = s.token(ctx, w.key, &w.c, true)
		}
		if failed != nil && ctx.Err() == nil {
			err = s.changeConnection(ctx, w.key, &w.c, func(row *connection) {
				row.State, row.Reason = api.ConnectionStateDeauthorized, aws.Refusal(failed).Message
			})
		}
	}
	return never, err
}
