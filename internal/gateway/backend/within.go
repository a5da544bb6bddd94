package backend

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/aloft-cloud/aloft/internal/task"
)

// maxDepth is how many APIs within the platform may stand behind each other.
const maxDepth = 10

// ErrLoop is the error of an API that leads to itself, or nearly so.
var ErrLoop = errors.New("the integration leads back to the API, or too deep")

type depthKey struct{}

// Within returns a transport by which the platform answers requests to hosts of
// its own itself: an API may so stand before others, of other accounts too. What
// is not its own goes by others, and everything does if nothing is inside.
func Within(inside http.Handler, owns func(ctx context.Context, host string) bool, others http.RoundTripper) http.RoundTripper {
	if inside == nil {
		return others
	}
	return &within{inside: inside, owns: owns, others: others}
}

type within struct {
	inside http.Handler
	owns   func(ctx context.Context, host string) bool
	others http.RoundTripper
	tasks  task.Group
}

// RoundTrip implements http.RoundTripper.
func (t *within) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.owns(r.Context(), r.URL.Hostname()) {
		return t.others.RoundTrip(r)
	}
	depth, _ := r.Context().Value(depthKey{}).(int)
	if depth >= maxDepth {
		return nil, ErrLoop
	}
	in := r.Clone(context.WithValue(r.Context(), depthKey{}, depth+1))
	in.Host = r.URL.Host // whatever the integration calls it: it is ours by this
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if r.URL.Scheme == "https" {
		in.TLS = new(tls.ConnectionState)
	}
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if in.URL.Path == "" {
		in.URL.Path = "/"
	}
	answered := make(chan *Answer, 1)
	t.tasks.Go(func() { answered <- ask(t.inside, in) })
	select {
	case a := <-answered:
		if a == nil {
			return nil, ErrAnswer
		}
		return &http.Response{
			Status: fmt.Sprint(a.Status, " ", http.StatusText(a.Status)), StatusCode: a.Status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: a.Header, ContentLength: int64(len(a.Body)), Body: io.NopCloser(bytes.NewReader(a.Body)), Request: r,
		}, nil
	case <-r.Context().Done(): // what answers goes on; nobody waits for it
		return nil, r.Context().Err()
	}
}

// ask is Ask, and returns nil if the answer was broken off.
func ask(h http.Handler, r *http.Request) (a *Answer) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	return Ask(h, r)
}

// Named reports whether a host is one of the names that AWS gives what it runs,
// which is here, or one that leads to this host in any case.
func Named(host string) bool {
	for _, end := range []string{".amazonaws.com", ".on.aws", ".cloudfront.net", ".amplifyapp.com", ".localhost"} {
		if strings.HasSuffix(host, end) {
			return true
		}
	}
	return false
}
