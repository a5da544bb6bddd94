// Package backend asks what integrations of gateways lead to, besides functions:
// services of AWS, by their public API, and servers on the network.
package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/catalog"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A Request is one to what an integration leads to.
type Request struct {
	Method string
	URI    string // an address, or arn:aws:apigateway:REGION:SERVICE:path/… or :action/…
	Query  url.Values
	Header http.Header
	Body   []byte
}

// An Answer is one from there.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// maxAnswer is the largest answer of an integration, in bytes.
const maxAnswer = 10 << 20

const jsonType = "application/json"

var (
	// ErrConfig is the error of a URI that leads nowhere.
	ErrConfig = errors.New("the integration leads nowhere")
	// ErrAnswer is the error of an answer that is cut short or too large.
	ErrAnswer = errors.New("the answer is cut short or too large")
)

// Service asks a service of AWS at edge, signed with the credentials.
func Service(ctx context.Context, edge http.Handler, out *Request, c sigv4.Credentials) (*Answer, error) {
	r, signing, err := signable(ctx, out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	region := strings.SplitN(out.URI, ":", 6)[3]
	sigv4.Sign(r, c, region, signing, time.Now(), out.Body)
	answer := Ask(edge, r)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return answer, nil
}

// Ask has h answer a request that is made within this process.
func Ask(h http.Handler, r *http.Request) *Answer {
	r.RemoteAddr = "127.0.0.1:0"
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	h.ServeHTTP(w, r)
	return &Answer{w.status, w.header, w.body.Bytes()}
}

// HTTP asks a server on the network.
func HTTP(ctx context.Context, client http.RoundTripper, out *Request) (*Answer, error) {
	resp, err := Open(ctx, client, out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return nil, fmt.Errorf("read %s: %w", resp.Request.URL.Host, errors.Join(err, ErrAnswer))
	}
	return &Answer{resp.StatusCode, resp.Header, body}, nil
}

// Open is HTTP for answers that are read as they come.
func Open(ctx context.Context, client http.RoundTripper, out *Request) (*http.Response, error) {
	target := out.URI
	if !strings.Contains(target, "://") {
		target = "https://" + target
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: %s is no address", ErrConfig, out.URI)
	}
	if len(out.Query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += out.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, out.Method, u.String(), bytes.NewReader(out.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	r.Header = out.Header
	if host := out.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := client.RoundTrip(r)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return resp, err
}

// signable is a request to the API of a service, and the name that it is
// to be signed for.
func signable(ctx context.Context, out *Request) (*http.Request, string, error) {
	parts := strings.SplitN(out.URI, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return nil, "", fmt.Errorf("%s is no target", out.URI)
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
	if len(out.Query) > 0 {
		if target.RawQuery != "" {
			target.RawQuery += "&"
		}
		target.RawQuery += out.Query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, out.Method, target.String(), bytes.NewReader(out.Body))
	if err != nil {
		return nil, "", err
	}
	if r.Header = out.Header; r.Header.Get("Content-Type") == "" && len(out.Body) > 0 {
		r.Header.Set("Content-Type", jsonType)
	}
	if r.Method == http.MethodPost && s.Name == "sqs" && r.Header.Get("Content-Type") == jsonType && r.Header.Get("X-Amz-Target") == "" && bytes.Contains(out.Body, []byte("Action=")) {
		r.Header.Set("Content-Type", formType) // AWS takes it as that whatever it says
	}
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
func actionRequest(s *catalog.Service, action string, out *Request) {
	action, more, _ := strings.Cut(action, "&") // action/GetParameter&Name=x
	if values, err := url.ParseQuery(more); err == nil {
		for name, v := range values {
			out.Query[name] = v
		}
	}
	for _, p := range s.Protocols {
		if p == smithy.JSON && s.TargetPrefix != "" {
			if out.Header.Get("X-Amz-Target") == "" {
				out.Header.Set("X-Amz-Target", s.TargetPrefix+"."+action)
			}
			if t := out.Header.Get("Content-Type"); t == "" || t == jsonType {
				out.Header.Set("Content-Type", "application/x-amz-json-1.0")
			}
			return
		}
	}
	// The query protocol: members may be in the query, or in a form.
	if json.Valid(out.Body) && len(out.Body) > 0 && out.Header.Get("Content-Type") != formType {
		out.Body = nil
	}
	if len(out.Body) == 0 {
		out.Query.Set("Action", action)
		out.Query.Set("Version", s.Version)
		out.Body = []byte(out.Query.Encode())
		out.Query = nil
	} else if !bytes.Contains(out.Body, []byte("Action=")) {
		out.Body = append([]byte("Action="+action+"&Version="+s.Version+"&"), out.Body...)
	}
	out.Header.Set("Content-Type", formType)
	out.Method = http.MethodPost
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
