package appsync

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/service/appsync/mapping"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Limits of HTTP sources.
const (
	httpLasts = 30 * time.Second
	maxAnswer = 5 << 20 // bytes
)

// askHTTP asks a server on the network, or a service of AWS.
func (r *resolution) askHTTP(ctx context.Context, d *api.DataSource, doc *vtl.Map) (any, *mapping.Problem) {
	request, body, err := newHTTPRequest(ctx, *d.HttpConfig.Endpoint, doc)
	if err != nil {
		return nil, &mapping.Problem{Type: "BadRequest", Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, httpLasts)
	defer cancel()
	request = request.WithContext(ctx)
	if c := d.HttpConfig.AuthorizationConfig; c != nil && c.AuthorizationType == api.AuthorizationTypeAwsIam {
		if problem := r.sign(ctx, d, request, body); problem != nil {
			return nil, problem
		}
	}
	answer, err := r.http.Do(request)
	if err != nil {
		words := "Unable to reach " + request.URL.Host + "."
		if errors.Is(err, outbound.ErrPrivate) {
			words = request.URL.Host + " is not a public address."
		}
		if ctx.Err() != nil {
			words = "Request to " + request.URL.Host + " timed out."
		}
		return nil, &mapping.Problem{Type: "HttpError", Message: words}
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(b) > maxAnswer {
		return nil, &mapping.Problem{Type: "HttpError", Message: "The answer of " + request.URL.Host + " is cut short or too large."}
	}
	header := vtl.NewMap()
	for _, name := range sortedNames(answer.Header) {
		header.Set(name, strings.Join(answer.Header[name], ","))
	}
	return vtl.NewMap().Set("headers", header).Set("statusCode", int64(answer.StatusCode)).Set("body", string(b)), nil
}

// newHTTPRequest makes the request that a document describes.
func newHTTPRequest(ctx context.Context, endpoint string, doc *vtl.Map) (*http.Request, []byte, error) {
	method, path := textOf(doc, "method"), textOf(doc, "resourcePath")
	if method == "" || !strings.HasPrefix(path, "/") {
		return nil, nil, errors.New("A method and a resourcePath that begins with / are required.")
	}
	params, _ := lookup(doc, "params").(*vtl.Map)
	u, err := url.Parse(strings.TrimSuffix(endpoint, "/") + path)
	if err != nil {
		return nil, nil, errors.New("The resourcePath cannot be read.")
	}
	values := u.Query()
	if given, ok := lookup(params, "query").(*vtl.Map); ok {
		for _, name := range given.Keys() {
			v, _ := given.Lookup(name)
			if list, ok := v.(*vtl.List); ok {
				for _, item := range list.Items {
					values.Add(name, vtl.String(item))
				}
			} else if v != nil {
				values.Set(name, vtl.String(v))
			}
		}
	}
	u.RawQuery = values.Encode()
	var body []byte
	switch v := lookup(params, "body").(type) {
	case nil:
	case string:
		body = []byte(v)
	default:
		body = []byte(vtl.JSON(v))
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, errors.New("The request cannot be made: " + err.Error())
	}
	if given, ok := lookup(params, "headers").(*vtl.Map); ok {
		for _, name := range given.Keys() {
			v, _ := given.Lookup(name)
			if v == nil || strings.ContainsAny(name+vtl.String(v), "\r\n") {
				continue
			}
			r.Header.Set(name, vtl.String(v))
		}
	}
	for _, name := range []string{"Host", "Content-Length", "Connection", "Transfer-Encoding"} {
		r.Header.Del(name)
	}
	return r, body, nil
}

// sign signs a request for a service of AWS, as the source's role.
func (r *resolution) sign(ctx context.Context, d *api.DataSource, request *http.Request, body []byte) *mapping.Problem {
	session, err := r.cfg.Sessions.Assume(ctx, aws.ServiceCall("appsync", r.api.arn), aws.Value(d.ServiceRoleArn))
	if err != nil {
		return &mapping.Problem{Type: "AccessDenied", Message: aws.Refusal(err).Message}
	}
	region, name := r.api.arn.Region, ""
	if c := d.HttpConfig.AuthorizationConfig.AwsIamConfig; c != nil {
		region, name = aws.Or(c.SigningRegion, region), aws.Value(c.SigningServiceName)
	}
	if name == "" {
		name, _, _ = strings.Cut(request.URL.Hostname(), ".")
	}
	keys := sigv4.Credentials{AccessKey: session.Credentials.AccessKeyId, Secret: session.Credentials.SecretAccessKey, Token: session.Credentials.SessionToken}
	sigv4.Sign(request, keys, region, name, time.Now(), body)
	return nil
}

// inside reports whether a host is the platform's own: a service of AWS, or an
// API. It answers there itself.
func (s *Service) inside(ctx context.Context, host string) bool {
	if !strings.Contains(host, ".execute-api.") && strings.HasSuffix(host, ".amazonaws.com") {
		return true
	}
	return s.cfg.Domains.Inside(ctx, host)
}
