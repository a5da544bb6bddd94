package backend

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// PoolIssuers is what the issuers of tokens of user pools begin with, and
// IdentityIssuer that of identity pools.
const (
	PoolIssuers    = "https://cognito-idp."
	IdentityIssuer = "https://cognito-identity.amazonaws.com"
)

// FetchWithin returns what gets what issuers of tokens publish: those of pools of
// the platform's, from inside; by fetch what else there is, user pools elsewhere
// among them.
func FetchWithin(inside http.Handler, fetch func(ctx context.Context, url string) ([]byte, error)) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, at string) ([]byte, error) {
		u, err := url.Parse(at)
		if err != nil {
			return nil, err
		}
		if inside == nil || !strings.HasPrefix(at, PoolIssuers) && !strings.HasPrefix(at, IdentityIssuer+"/") {
			return fetch(ctx, at)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Host+u.Path, nil)
		if err != nil {
			return nil, err
		}
		if answer := Ask(inside, r); answer.Status == http.StatusOK {
			return answer.Body, nil
		}
		return fetch(ctx, at)
	}
}
