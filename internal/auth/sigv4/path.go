package sigv4

import (
	"context"
	"net/http"
)

// pathKey is where a context has the path that a client sent.
type pathKey struct{}

// WithPath returns a context for a request whose path is no longer the raw one
// that the client sent, and signed.
func WithPath(ctx context.Context, sent string) context.Context {
	return context.WithValue(ctx, pathKey{}, sent)
}

// sentPath is the raw path that the client sent.
func sentPath(r *http.Request) string {
	if sent, ok := r.Context().Value(pathKey{}).(string); ok {
		return sent
	}
	return r.URL.EscapedPath()
}
