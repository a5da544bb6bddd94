package cloudfront

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
)

// An answer is one of an origin.
type answer struct {
	status int
	header http.Header
	body   io.ReadCloser
	size   int64  // -1: not known
	how    string // it came to be, as X-Cache says
}

// errOrigin is the error of an origin that does not answer.
var errOrigin = errors.New("the origin does not answer")

// bucketOf is the bucket that a host is, or "".
func bucketOf(host string) string {
	for _, mark := range []string{".s3.", ".s3-"} {
		if i := strings.LastIndex(host, mark); i > 0 && !strings.HasPrefix(host[i+1:], "s3-website") {
			return host[:i]
		}
	}
	return ""
}

// ask asks the origins of a behaviour, one after another, until one answers well.
func (x *exchange) ask(b *behavior, r *http.Request) (*answer, error) {
	all, failover, err := x.chosen(b)
	if err != nil {
		return nil, err
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	var a *answer
	for i, o := range all {
		a, err = x.askOrigin(b, o, r)
		last := !reads || i == len(all)-1
		if last || err == nil && !slices.Contains(failover, int32(a.status)) {
			break
		}
		if err == nil {
			a.body.Close()
		}
	}
	return a, err
}

// askOrigin asks one origin. Functions of Lambda may see the request before it
// does, and the answer after it.
func (x *exchange) askOrigin(b *behavior, o *api.Origin, r *http.Request) (*answer, error) {
	q, body := x.outgoing(b, o, r), x.body
	if t := b.triggers[function.OriginRequest]; t != nil {
		turn, err := x.turn(t, function.OriginRequest, q, body, o)
		if err != nil {
			return nil, err
		}
		if turn.Answer != nil {
			return answered(turn.Answer, "LambdaGeneratedResponse"), nil
		}
		q, body, o = turn.Request, turn.Body, elsewhere(o, turn.Origin)
		if turn.Host != "" {
			q.Host = turn.Host
		}
	}
	for _, h := range o.CustomHeaders.Items {
		q.Header.Set(h.HeaderName, h.HeaderValue)
	}
	var a *answer
	var err error
	if o.S3OriginConfig != nil {
		a, err = x.askBucket(o, q, body)
	} else {
		a, err = x.askServer(o, q, body)
	}
	t := b.triggers[function.OriginResponse]
	if err != nil || t == nil {
		return a, err
	}
	is, err := x.turnAnswer(t, function.OriginResponse, q, &function.Answer{Status: a.status, Description: http.StatusText(a.status), Header: a.header})
	if err != nil {
		a.body.Close()
		return nil, err
	}
	return a.become(is), nil
}

// outgoing is the request that an origin is asked.
func (x *exchange) outgoing(b *behavior, o *api.Origin, r *http.Request) *http.Request {
	q := r.Clone(r.Context())
	q.URL.RawQuery, q.Header, q.Host = b.query(r.URL.RawQuery), b.forward(r), o.DomainName
	q.Header.Set("User-Agent", "Amazon CloudFront")
	q.Header.Set("Via", "1.1 "+strings.ToLower(distributions.id(x.v.arn))+".cloudfront.net (CloudFront)")
	q.Header.Set("X-Amz-Cf-Id", x.id)
	if ip, _, ok := strings.Cut(r.RemoteAddr, ":"); ok {
		q.Header.Set("X-Forwarded-For", strings.TrimPrefix(r.Header.Get("X-Forwarded-For")+", "+ip, ", "))
	}
	if b.forwarded.headers.all && r.UserAgent() != "" || b.forwarded.headers.has("user-agent") {
		q.Header.Set("User-Agent", r.UserAgent())
	}
	if b.hostForwarded() {
		q.Host = r.Host
	}
	if c := x.choice; c != nil && c.Origin != nil && c.Origin.HostHeader != "" {
		q.Host = c.Origin.HostHeader
	}
	return q
}

// as is who asks an origin for a distribution.
func as(v *served, o *api.Origin) *aws.Call {
	if v.signs[aws.Value(o.OriginAccessControlId)] {
		call := aws.ServiceCall("cloudfront", v.arn)
		call.Region = "us-east-1"
		return call
	}
	call := &aws.Call{Account: v.arn.Account, Region: "us-east-1", RequestID: aws.NewRequestID()}
	if id := identityOf(o); id != "" {
		call.Principal = aws.Principal{Kind: aws.Service, ARN: "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity " + id, ID: canonicalUser(id), Source: v.arn}
	}
	return call
}

// askBucket gets an object, or writes one.
func (x *exchange) askBucket(o *api.Origin, r *http.Request, body []byte) (*answer, error) {
	bucket := bucketOf(o.DomainName)
	key := strings.TrimPrefix(*o.OriginPath+r.URL.Path, "/")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return x.getObject(o, r, bucket, key)
	case http.MethodPut:
		return x.putObject(o, r, bucket, key, body)
	case http.MethodDelete:
		out, err := dispatch.CallChecked(r.Context(), x.cfg.Table, as(x.v, o), s3.DeleteObject, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			return refused(err)
		}
		a := &answer{status: http.StatusNoContent, header: http.Header{"Server": {"AmazonS3"}}, body: http.NoBody}
		if out.VersionId != nil {
			a.header.Set("X-Amz-Version-Id", *out.VersionId)
		}
		return a, nil
	}
	return refusalOf(s3.MethodNotAllowed.Errorf("The specified method is not allowed against this resource.")), nil
}

// refused is what a bucket answers that refuses. Other errors are ours.
func refused(err error) (*answer, error) {
	if aws.Refusal(err).Status < 500 {
		return refusalOf(err), nil
	}
	return nil, err
}

// putObject writes an object.
func (x *exchange) putObject(o *api.Origin, r *http.Request, bucket, key string, body []byte) (*answer, error) {
	in := &s3.PutObjectInput{
		Bucket: bucket, Key: key, Body: bytes.NewReader(body), ContentLength: new(int64(len(body))), ContentType: header(r, "Content-Type"), CacheControl: header(r, "Cache-Control"),
		ContentEncoding: header(r, "Content-Encoding"), ContentDisposition: header(r, "Content-Disposition"), ContentLanguage: header(r, "Content-Language"),
		IfMatch: header(r, "If-Match"), IfNoneMatch: header(r, "If-None-Match"), Metadata: make(map[string]string),
	}
	for name := range r.Header {
		if meta, ok := strings.CutPrefix(name, "X-Amz-Meta-"); ok {
			in.Metadata[strings.ToLower(meta)] = r.Header.Get(name)
		}
	}
	out, err := dispatch.CallChecked(r.Context(), x.cfg.Table, as(x.v, o), s3.PutObject, in)
	if err != nil {
		return refused(err)
	}
	a := &answer{status: http.StatusOK, header: http.Header{"Server": {"AmazonS3"}, "Etag": {aws.Value(out.ETag)}}, body: http.NoBody}
	if out.VersionId != nil {
		a.header.Set("X-Amz-Version-Id", *out.VersionId)
	}
	return a, nil
}

// getObject gets an object.
func (x *exchange) getObject(o *api.Origin, r *http.Request, bucket, key string) (*answer, error) {
	if key == "" {
		return refusalOf(aws.AccessDenied.Errorf("Access Denied")), nil // a list of the bucket is not answered
	}
	in := &s3.GetObjectInput{Bucket: bucket, Key: key, IfNoneMatch: header(r, "If-None-Match"), IfMatch: header(r, "If-Match"), Range: header(r, "Range")}
	in.IfModifiedSince, in.IfUnmodifiedSince = when(r, "If-Modified-Since"), when(r, "If-Unmodified-Since")
	out, err := dispatch.CallChecked(r.Context(), x.cfg.Table, as(x.v, o), s3.GetObject, in)
	if errors.Is(err, s3.NoSuchKey) && !x.mayList(r.Context(), as(x.v, o), bucket) {
		err = aws.AccessDenied.Errorf("Access Denied")
	}
	if err != nil {
		return refused(err)
	}
	a := &answer{status: http.StatusOK, header: objectHeader(out), body: readCloser(out.Body), size: aws.Or(out.ContentLength, -1)}
	if out.ContentRange != nil {
		a.status = http.StatusPartialContent
	}
	return a, nil
}

// mayList reports whether a caller may know what a bucket has not: S3 tells
// others that they may not have it.
func (s *Service) mayList(ctx context.Context, call *aws.Call, bucket string) bool {
	_, err := dispatch.CallChecked(ctx, s.cfg.Table, call, s3.ListObjectsV2, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: new(int32(0))})
	return err == nil
}

func readCloser(r io.Reader) io.ReadCloser {
	switch r := r.(type) {
	case nil:
		return http.NoBody
	case io.ReadCloser:
		return r
	default:
		return io.NopCloser(r)
	}
}

func header(r *http.Request, name string) *string {
	if v := r.Header.Get(name); v != "" {
		return &v
	}
	return nil
}

func when(r *http.Request, name string) *time.Time {
	if at, err := http.ParseTime(r.Header.Get(name)); err == nil {
		return &at
	}
	return nil
}

// objectHeader is what S3 says of an object.
func objectHeader(out *s3.GetObjectOutput) http.Header {
	h := make(http.Header)
	for name, value := range map[string]*string{
		"Content-Type": out.ContentType, "Etag": out.ETag, "Cache-Control": out.CacheControl, "Content-Encoding": out.ContentEncoding, "Content-Disposition": out.ContentDisposition,
		"Content-Language": out.ContentLanguage, "Expires": out.Expires, "Content-Range": out.ContentRange, "Accept-Ranges": out.AcceptRanges,
		"X-Amz-Version-Id": out.VersionId, "X-Amz-Website-Redirect-Location": out.WebsiteRedirectLocation, "X-Amz-Server-Side-Encryption": out.ServerSideEncryption,
	} {
		if value != nil {
			h.Set(name, *value)
		}
	}
	if out.LastModified != nil {
		h.Set("Last-Modified", out.LastModified.UTC().Format(http.TimeFormat))
	}
	for name, value := range out.Metadata {
		h.Set("X-Amz-Meta-"+name, value)
	}
	if out.ContentLength != nil {
		h.Set("Content-Length", strconv.FormatInt(*out.ContentLength, 10))
	}
	h.Set("Server", "AmazonS3")
	return h
}

// refusalOf is what S3 answers when it refuses.
func refusalOf(err error) *answer {
	r := aws.Refusal(err)
	a := &answer{status: r.Status, header: http.Header{"Server": {"AmazonS3"}}, body: http.NoBody}
	if a.status == http.StatusNotModified {
		return a
	}
	text := fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>", escape(r.Code), escape(r.Message))
	a.header.Set("Content-Type", "application/xml")
	a.body, a.size = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return a
}

// askServer asks a server over HTTP: the platform itself, if it is one of its
// own.
func (x *exchange) askServer(o *api.Origin, r *http.Request, body []byte) (*answer, error) {
	c := o.CustomOriginConfig
	scheme, port := "https", int(c.HTTPSPort)
	if c.OriginProtocolPolicy == "http-only" || c.OriginProtocolPolicy == "match-viewer" && r.TLS == nil {
		scheme, port = "http", int(c.HTTPPort)
	}
	host := o.DomainName
	if strings.Contains(host, ":") {
		scheme = "http" // a name of this platform's, as its own URLs have it
	} else if scheme == "https" && port != 443 || scheme == "http" && port != 80 {
		host += ":" + strconv.Itoa(port)
	}
	to := &url.URL{Scheme: scheme, Host: host, Path: *o.OriginPath + r.URL.Path, RawPath: *o.OriginPath + r.URL.EscapedPath(), RawQuery: r.URL.RawQuery}
	limit := time.Duration(aws.Or(c.OriginReadTimeout, 30)) * time.Second
	ctx, done := context.WithTimeout(r.Context(), limit)
	q, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		done()
		return nil, err
	}
	q.Header = r.Header
	if r.Host != o.DomainName {
		q.Host = r.Host
	}
	resp, err := x.roundTrip(x.v, o, q)
	if err != nil {
		done()
		return nil, fmt.Errorf("%w: %w", errOrigin, err)
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: &closing{resp.Body, done}, size: resp.ContentLength}, nil
}

// roundTrip asks a server. The URL of a function that trusts the distribution is
// asked as it.
func (s *Service) roundTrip(v *served, o *api.Origin, q *http.Request) (*http.Response, error) {
	id, _, isURL := strings.Cut(o.DomainName, ".lambda-url.")
	if !isURL || !v.signs[aws.Value(o.OriginAccessControlId)] {
		return s.client.RoundTrip(q)
	}
	call := as(v, o)
	call.Host, call.Secure = q.Host, true
	q.Host = o.DomainName
	a := backend.Ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.cfg.Functions.ServeURL(w, r, call, id) }), q)
	return &http.Response{StatusCode: a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body))}, nil
}

// A closing is a body after which a request is over.
type closing struct {
	io.ReadCloser
	done context.CancelFunc
}

// Close implements io.Closer.
func (c *closing) Close() error {
	defer c.done()
	return c.ReadCloser.Close()
}

// ours reports whether a host is the platform's own: one of AWS's names, or a
// domain of a user's.
func (s *Service) ours(ctx context.Context, host string) bool {
	return backend.Named(host) || s.cfg.Domains.Is(ctx, host) || s.isAlias(ctx, host)
}
