package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// Authenticate returns the call that r makes to service, or refuses it in that
// service's words. A request that is not signed is anonymous, which is for
// Authorize to judge.
//
// body is all that r carried, or nil if it is still to be read from r.Body:
// that is for S3, where Authenticate leaves a body that fails where it is not
// what was signed, without the chunks it may have come in.
func (a *Auth) Authenticate(r *http.Request, name string, body []byte) (*aws.Call, error) {
	return a.authenticate(r, name, body, a.cfg.Open)
}

// Closed is a, but for those who may not say that they are root: it takes no
// key that the Mint did not make, even where a is open.
type Closed struct{ Auth *Auth }

// Authenticate is that of an Auth that is not open.
func (c Closed) Authenticate(r *http.Request, name string, body []byte) (*aws.Call, error) {
	return c.Auth.authenticate(r, name, body, false)
}

// AuthenticateText is that of an Auth that is not open.
func (c Closed) AuthenticateText(r *http.Request, t *sigv4.Text) (*aws.Call, error) {
	return c.Auth.authenticateText(r, t, false)
}

func (a *Auth) authenticate(r *http.Request, name string, body []byte, open bool) (*aws.Call, error) {
	s3 := name == "s3"
	sig := sigv4.Parse(r)
	call := &aws.Call{
		Account:   DefaultAccount,
		Region:    sig.Region,
		AccessKey: sig.AccessKey,
		SourceIP:  sourceIP(r),
		UserAgent: r.UserAgent(),
		Trace:     r.Header.Get("X-Amzn-Trace-Id"),
		Host:      r.Host,
		Secure:    r.TLS != nil,
		Request:   r,
	}
	if call.Region == "US" { // the name that S3 once had for it; s3cmd still does
		call.Region = "us-east-1"
	}
	if call.Region == "" || call.Region == "*" {
		call.Region = a.cfg.Region
	}
	if sig.Form == sigv4.None {
		if err := sig.Malformed(s3); err != nil {
			return nil, err
		}
		return call, unwrap(r, sig, s3)
	}
	h, err := a.holder(r.Context(), sig, s3, open)
	if err != nil {
		return nil, err
	}
	call.Principal, call.Account = h.principal, h.principal.Account
	if t := h.principal.Temporary; t != nil {
		call.Via = t.Via
	}
	if h.id == "" { // anybody: there is no secret to check by
		if err := sig.CheckExpiry(s3); err != nil {
			return nil, err
		}
		return call, unwrap(r, sig, s3)
	}
	if want := a.scopes[name]; sig.Service != name && !slices.Contains(want, sig.Service) {
		if len(want) > 0 {
			name = want[0]
		}
		return nil, errWrongScope(s3, sig.Service, name)
	}
	return call, a.verifier.Verify(r, sig, h.secret, s3, body)
}

// AuthenticateText returns the call that r makes to S3 with a form whose policy
// is t; a form without one is anonymous.
func (a *Auth) AuthenticateText(r *http.Request, t *sigv4.Text) (*aws.Call, error) {
	return a.authenticateText(r, t, a.cfg.Open)
}

func (a *Auth) authenticateText(r *http.Request, t *sigv4.Text, open bool) (*aws.Call, error) {
	call := &aws.Call{
		Account: DefaultAccount, Region: a.cfg.Region, SourceIP: sourceIP(r), UserAgent: r.UserAgent(), Host: r.Host, Secure: r.TLS != nil,
	}
	if t.Text == "" && t.Credential == "" {
		return call, nil
	}
	sig := t.Parse()
	h, err := a.holder(r.Context(), sig, true, open)
	if err != nil {
		return nil, err
	}
	call.Principal, call.Account, call.AccessKey = h.principal, h.principal.Account, sig.AccessKey
	if h.id == "" { // anybody: there is no secret to check by
		return call, nil
	}
	if err := sig.Malformed(true); err != nil {
		return nil, err
	}
	call.Region = sig.Region
	if sig.Service != "s3" {
		return nil, errWrongScope(true, sig.Service, "s3")
	}
	return call, t.Check(sig, h.secret)
}

func unwrap(r *http.Request, sig *sigv4.Signature, s3 bool) error {
	if !s3 {
		return nil
	}
	return sigv4.Unwrap(r, sig)
}

// holder returns who holds the key that made a signature, if that is true.
// Its id is empty if anybody may claim so, which open allows.
func (a *Auth) holder(ctx context.Context, sig *sigv4.Signature, s3, open bool) (*holder, error) {
	if sig.Token != "" {
		if h := a.cfg.Mint.open(sig.AccessKey, sig.Token); h != nil {
			if !time.Now().Before(h.principal.Temporary.Expires) {
				return nil, errExpired(s3)
			}
			return h, nil
		}
	} else if sig.AccessKey != "" {
		k, err := a.cfg.Directory.AccessKey(ctx, sig.AccessKey)
		if err == nil && k.Active {
			return &holder{sig.AccessKey, k.Secret, k.Principal}, nil
		}
		if err == nil {
			return nil, errUnknownKey(s3)
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	switch {
	case open && sig.AccessKey != "" && !a.cfg.Mint.Made(sig.AccessKey):
		return &holder{principal: Root(accountNamed(sig.AccessKey))}, nil
	case sig.Malformed(s3) != nil:
		return nil, sig.Malformed(s3)
	case sig.Token != "":
		return nil, errInvalidToken(s3)
	}
	return nil, errUnknownKey(s3)
}

// accountNamed returns the account that an id of nobody's is for.
func accountNamed(id string) string {
	if len(id) == 12 && strings.Trim(id, "0123456789") == "" {
		return id
	}
	return DefaultAccount
}

// Root returns the root of an account.
func Root(account string) aws.Principal {
	return aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::" + account + ":root", ID: account, Account: account}
}

// Principal returns who holds temporary credentials, for a service that was
// given them and goes on in their name within the platform.
func (a *Auth) Principal(accessKey, token string) (aws.Principal, error) {
	h := a.cfg.Mint.open(accessKey, token)
	switch {
	case h == nil:
		return aws.Principal{}, errInvalidToken(false)
	case !time.Now().Before(h.principal.Temporary.Expires):
		return aws.Principal{}, errExpired(false)
	}
	return h.principal, nil
}

// sourceIP is the address that r comes from.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
