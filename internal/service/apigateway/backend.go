package apigateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// maxAnswer is the largest answer of an integration, in bytes.
const maxAnswer = 10 << 20

// callService asks a service of AWS by its public API, signed with the role of
// the integration: arn:aws:apigateway:REGION:SERVICE:path/…, or :action/….
func (x *exchange) callService(out *outgoing) (*incoming, error) {
	ctx, cancel := x.deadline()
	defer cancel()
	r, signing, err := serviceRequest(ctx, out)
	if err != nil {
		return nil, errConfig.because(err)
	}
	role := aws.Value(x.method.integ.Credentials)
	if role == "" {
		return nil, errConfig.because(errors.New("the integration has no credentials"))
	}
	session, err := x.session(ctx, role)
	if err != nil {
		return nil, errConfig.because(fmt.Errorf("assume %s: %w", role, err))
	}
	c := session.Credentials
	region := strings.SplitN(out.uri, ":", 6)[3]
	sigv4.Sign(r, sigv4.Credentials{AccessKey: c.AccessKeyId, Secret: c.SecretAccessKey, Token: c.SessionToken}, region, signing, time.Now(), out.body)
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	x.cfg.Edge.ServeHTTP(w, r)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, errTimeout.because(ctx.Err())
	}
	x.state.serviceID = w.header.Get("X-Amzn-Requestid")
	return &incoming{status: w.status, match: strconv.Itoa(w.status), header: w.header, body: w.body.Bytes()}, nil
}

// serviceRequest is a request to the API of a service, and the name that it is
// to be signed for.
func serviceRequest(ctx context.Context, out *outgoing) (*http.Request, string, error) {
	parts := strings.SplitN(out.uri, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return nil, "", fmt.Errorf("%s is no target", out.uri)
	}
	host := parts[4]
	sub, name, hasSub := strings.Cut(host, ".")
	if !hasSub {
		name = host
	}
	s := serviceOf(name)
	if s == nil {
		return nil, "", fmt.Errorf("there is no service %s", name)
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	path, query, _ := strings.Cut(rest, "?")
	target := url.URL{Scheme: "http", Host: name + "." + parts[3] + ".amazonaws.com", RawQuery: query}
	if kind == "action" {
		actionRequest(s, path, out)
		path = ""
	}
	if hasSub && s.Name == "s3" {
		path = sub + "/" + strings.TrimPrefix(path, "/")
	}
	target.Path = "/" + strings.TrimPrefix(path, "/")
	if decoded, err := url.PathUnescape(target.Path); err == nil {
		target.RawPath, target.Path = target.Path, decoded
	}
	if len(out.query) > 0 {
		if target.RawQuery != "" {
			target.RawQuery += "&"
		}
		target.RawQuery += out.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, out.method, target.String(), bytes.NewReader(out.body))
	if err != nil {
		return nil, "", err
	}
	if r.Header = out.header; r.Header.Get("Content-Type") == "" && len(out.body) > 0 {
		r.Header.Set("Content-Type", jsonType)
	}
	if r.Method == http.MethodPost && s.Name == "sqs" && r.Header.Get("Content-Type") == jsonType && r.Header.Get("X-Amz-Target") == "" && bytes.Contains(out.body, []byte("Action=")) {
		r.Header.Set("Content-Type", formType) // AWS takes it as that whatever it says
	}
	r.RemoteAddr = "127.0.0.1:0"
	return r, s.SigningName, nil
}

const formType = "application/x-www-form-urlencoded"

func serviceOf(name string) *catalog.Service {
	for i := range catalog.Services {
		if s := &catalog.Services[i]; s.Name == name || s.EndpointPrefix == name || s.SigningName == name {
			return s
		}
	}
	return nil
}

// actionRequest names the operation as the service's protocol does.
func actionRequest(s *catalog.Service, action string, out *outgoing) {
	action, more, _ := strings.Cut(action, "&") // action/GetParameter&Name=x
	if values, err := url.ParseQuery(more); err == nil {
		for name, v := range values {
			out.query[name] = v
		}
	}
	for _, p := range s.Protocols {
		if p == smithy.JSON && s.TargetPrefix != "" {
			if out.header.Get("X-Amz-Target") == "" {
				out.header.Set("X-Amz-Target", s.TargetPrefix+"."+action)
			}
			if t := out.header.Get("Content-Type"); t == "" || t == jsonType {
				out.header.Set("Content-Type", "application/x-amz-json-1.0")
			}
			return
		}
	}
	// The query protocol: members may be in the query, or in a form.
	if json.Valid(out.body) && len(out.body) > 0 && out.header.Get("Content-Type") != formType {
		out.body = nil
	}
	if len(out.body) == 0 {
		out.query.Set("Action", action)
		out.query.Set("Version", s.Version)
		out.body = []byte(out.query.Encode())
		out.query = nil
	} else if !bytes.Contains(out.body, []byte("Action=")) {
		out.body = append([]byte("Action="+action+"&Version="+s.Version+"&"), out.body...)
	}
	out.header.Set("Content-Type", formType)
	out.method = http.MethodPost
}

// A recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	wrote  bool
}

func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.body.Len()+len(b) > maxAnswer {
		return 0, errors.New("the answer is too large")
	}
	return r.body.Write(b)
}

// callHTTP asks a server.
func (x *exchange) callHTTP(out *outgoing) (*incoming, error) {
	out.header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
	if out.header.Get("User-Agent") == "" {
		out.header.Set("User-Agent", "AmazonAPIGateway_"+x.api.id)
	}
	if out.header.Get("Accept") == "" {
		out.header.Set("Accept", jsonType)
	}
	if out.header.Get("Content-Type") == "" && len(out.body) > 0 {
		out.header.Set("Content-Type", jsonType)
	}
	return x.fetch(out)
}

// proxyHTTP has a server answer the request as it is, with what was mapped.
func (x *exchange) proxyHTTP() error {
	i := &x.method.integ
	out := &outgoing{method: aws.Value(i.HttpMethod), query: make(url.Values), header: x.req.Header.Clone(), body: x.req.Body}
	if out.method == anyMethod {
		out.method = x.req.Method
	}
	out.header.Del("Host")
	for name, values := range x.req.QueryValues() {
		out.query[name] = values
	}
	mapped := &outgoing{query: make(url.Values), header: make(http.Header)}
	path := make(map[string]string)
	if err := x.mapRequest(mapped, path); err != nil {
		return err
	}
	for name, values := range mapped.header {
		out.header[name] = values
	}
	for name, values := range mapped.query {
		out.query[name] = append(out.query[name], values...)
	}
	out.uri = fillPath(uri.Fill(aws.Value(i.Uri), x.v.variables), path)
	out.header.Set("X-Amzn-Apigateway-Api-Id", x.api.id)
	in, err := x.fetch(out)
	if err != nil {
		return err
	}
	x.state.integrationStatus = in.status
	h := make(http.Header)
	for name, values := range in.header {
		setHeader(h, name, values)
	}
	body := in.body
	if x.isBinary(in.header.Get("Content-Type")) && !x.wantsBinary() {
		if body, err = x.convert(in, ""); err != nil {
			return err
		}
	}
	x.reply = &proxy.Reply{Status: in.status, Header: h, Body: body}
	return nil
}

// fetch makes a request over HTTP, to where the operator lets it go.
func (x *exchange) fetch(out *outgoing) (*incoming, error) {
	ctx, cancel := x.deadline()
	defer cancel()
	target := out.uri
	if !strings.Contains(target, "://") {
		target = "https://" + target
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errConfig.because(fmt.Errorf("%s is no address", out.uri))
	}
	if len(out.query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += out.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, out.method, u.String(), bytes.NewReader(out.body))
	if err != nil {
		return nil, errConfig.because(err)
	}
	r.Header = out.header
	if host := out.header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := x.client.RoundTrip(r)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, errTimeout.because(err)
	case err != nil:
		x.logFailure("Execution failed due to configuration error: Invalid endpoint address")
		return nil, errIntegration.because(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return nil, errIntegration.because(fmt.Errorf("read %s: %w", u.Host, errors.Join(err, errors.New("the answer is cut short or too large"))))
	}
	return &incoming{status: resp.StatusCode, match: strconv.Itoa(resp.StatusCode), header: resp.Header, body: body}, nil
}
