package ecr

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	tokenLife = 12 * time.Hour
	userName  = "AWS" // of everybody
)

// A claim is what a password of the registry says, and whoever has it is.
type claim struct {
	Account, Region string
	Principal       aws.Principal
	Expires         time.Time
}

// GetAuthorizationToken returns a password of the registry.
func (s *Service) GetAuthorizationToken(ctx context.Context, call *aws.Call, _ *api.GetAuthorizationTokenInput) (*api.GetAuthorizationTokenOutput, error) {
	c := claim{call.Account, call.Region, call.Principal, time.Now().Add(tokenLife)}
	if t := call.Principal.Temporary; t != nil && t.Expires.Before(c.Expires) {
		c.Expires = t.Expires
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	mac, err := s.sign(ctx, text)
	if err != nil {
		return nil, err
	}
	password := base64.RawURLEncoding.EncodeToString(text) + "." + base64.RawURLEncoding.EncodeToString(mac)
	return &api.GetAuthorizationTokenOutput{AuthorizationData: []api.AuthorizationData{{
		AuthorizationToken: new(base64.StdEncoding.EncodeToString([]byte(userName + ":" + password))),
		ExpiresAt:          &c.Expires,
		ProxyEndpoint:      new(s.cfg.Endpoint),
	}}}, nil
}

// sign is the signature of a claim.
func (s *Service) sign(ctx context.Context, text []byte) ([]byte, error) {
	s.mu.Lock()
	secret := s.secret
	s.mu.Unlock()
	if secret == nil {
		err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
			secret, err = readSecret(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.secret = secret
		s.mu.Unlock()
	}
	m := hmac.New(sha256.New, secret)
	m.Write(text)
	return m.Sum(nil), nil
}

// check reads a password. It is false for one that is not ours, or not any more.
func (s *Service) check(ctx context.Context, password string) (c claim, ok bool, err error) {
	text64, mac64, _ := strings.Cut(password, ".")
	text, err1 := base64.RawURLEncoding.DecodeString(text64)
	mac, err2 := base64.RawURLEncoding.DecodeString(mac64)
	if err1 != nil || err2 != nil {
		return c, false, nil
	}
	want, err := s.sign(ctx, text)
	if err != nil || !hmac.Equal(mac, want) {
		return c, false, err
	}
	err = json.Unmarshal(text, &c)
	return c, time.Now().Before(c.Expires), err
}
