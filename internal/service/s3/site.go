package s3

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// siteSuffix is what follows the bucket in the host of its website.
const siteSuffix = "s3-website"

// A visit is one request to the website of a bucket. Objects are read as the
// visitor, who is nobody: what a policy does not open to all is not shown.
type visit struct {
	*Service
	w      http.ResponseWriter
	r      *http.Request
	call   *aws.Call
	bucket string
	site   *api.WebsiteConfiguration
}

// serveSite answers a request to the website of a bucket.
func (s *Service) serveSite(w http.ResponseWriter, r *http.Request, call *aws.Call, name string) {
	w.Header().Set("X-Amz-Request-Id", call.RequestID)
	w.Header().Set("Server", "AmazonS3")
	w.Header().Set("X-Amz-Id-2", call.RequestID+"/aloft")
	v := visit{Service: s, w: w, r: r, call: call, bucket: name}
	conf, err := s.settingsOf(r.Context(), name, nil)
	if err == nil && conf.Website == nil {
		err = errNoWebsite(name)
	}
	if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		err = api.MethodNotAllowed.With(&api.MethodNotAllowedDetail{Method: r.Method, ResourceType: "OBJECT", Allow: new("GET, HEAD")},
			"The specified method is not allowed against this resource.")
	}
	if err != nil {
		v.page(err, nil)
		return
	}
	v.site = conf.Website
	v.serve(strings.TrimPrefix(r.URL.Path, "/"))
}

// serve answers with the object key, or what the website has in its place.
func (v *visit) serve(key string) {
	if all := v.site.RedirectAllRequestsTo; all != nil {
		v.redirect(&api.Redirect{HostName: &all.HostName, Protocol: all.Protocol}, "", key)
		return
	}
	if rule := v.rule(key, 0); rule != nil {
		v.follow(rule, key)
		return
	}
	wanted := key
	if key == "" || strings.HasSuffix(key, "/") {
		key += v.site.IndexDocument.Suffix
	}
	out, err := v.get(key)
	if err == nil {
		v.show(out, http.StatusOK)
		return
	}
	if status := aws.Refusal(err).Status; status == http.StatusNotModified || status == http.StatusPreconditionFailed {
		v.w.WriteHeader(status)
		return
	}
	if wanted == key && v.isFolder(key) {
		v.w.Header().Set("Location", (&url.URL{Path: "/" + key + "/"}).EscapedPath())
		v.w.WriteHeader(http.StatusFound)
		return
	}
	if rule := v.rule(key, aws.Refusal(err).Status); rule != nil {
		v.follow(rule, key)
		return
	}
	v.fail(err)
}

// isFolder says whether key names something that has an index document.
func (v *visit) isFolder(key string) bool {
	_, err := dispatch.Call(v.r.Context(), v.table, v.call, api.HeadObject, &api.HeadObjectInput{Bucket: v.bucket, Key: key + "/" + v.site.IndexDocument.Suffix})
	return err == nil
}

// rule returns the first routing rule for key, once reading it has failed with
// status, or before that if status is 0.
func (v *visit) rule(key string, status int) *api.RoutingRule {
	for i := range v.site.RoutingRules {
		c := aws.Value(v.site.RoutingRules[i].Condition)
		if !strings.HasPrefix(key, aws.Value(c.KeyPrefixEquals)) {
			continue
		}
		if code := c.HttpErrorCodeReturnedEquals; code == nil && status == 0 || code != nil && *code == strconv.Itoa(status) {
			return &v.site.RoutingRules[i]
		}
	}
	return nil
}

func (v *visit) follow(rule *api.RoutingRule, key string) {
	v.redirect(rule.Redirect, aws.Value(aws.Value(rule.Condition).KeyPrefixEquals), key)
}

// redirect sends the visitor to what to makes of key, which begins with prefix.
func (v *visit) redirect(to *api.Redirect, prefix, key string) {
	switch {
	case to.ReplaceKeyWith != nil:
		key = *to.ReplaceKeyWith
	case to.ReplaceKeyPrefixWith != nil:
		key = *to.ReplaceKeyPrefixWith + strings.TrimPrefix(key, prefix)
	}
	u := url.URL{Scheme: "http", Host: cmp.Or(aws.Value(to.HostName), v.r.Host), Path: "/" + key, RawQuery: v.r.URL.RawQuery}
	if v.call.Secure {
		u.Scheme = "https"
	}
	u.Scheme = cmp.Or(aws.Value(to.Protocol), u.Scheme)
	code, err := strconv.Atoi(cmp.Or(aws.Value(to.HttpRedirectCode), "301"))
	if err != nil {
		code = http.StatusMovedPermanently
	}
	v.w.Header().Set("Location", u.String())
	v.w.WriteHeader(code)
}

// get reads an object as the request wants it.
func (v *visit) get(key string) (*api.GetObjectOutput, error) {
	in := &api.GetObjectInput{Bucket: v.bucket, Key: key}
	h := v.r.Header
	for to, name := range map[**string]string{&in.Range: "Range", &in.IfMatch: "If-Match", &in.IfNoneMatch: "If-None-Match"} {
		if text := h.Get(name); text != "" {
			*to = &text
		}
	}
	for to, name := range map[**time.Time]string{&in.IfModifiedSince: "If-Modified-Since", &in.IfUnmodifiedSince: "If-Unmodified-Since"} {
		if at, err := http.ParseTime(h.Get(name)); err == nil {
			*to = &at
		}
	}
	return dispatch.Call(v.r.Context(), v.table, v.call, api.GetObject, in)
}

// show answers with an object.
func (v *visit) show(out *api.GetObjectOutput, status int) {
	if body, ok := out.Body.(io.Closer); ok {
		defer body.Close()
	}
	h := v.w.Header()
	if to := aws.Value(out.WebsiteRedirectLocation); to != "" {
		h.Set("Location", to)
		v.w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	for name, value := range map[string]*string{
		"Cache-Control": out.CacheControl, "Content-Disposition": out.ContentDisposition, "Content-Encoding": out.ContentEncoding,
		"Content-Language": out.ContentLanguage, "Content-Type": out.ContentType, "Expires": out.Expires, "Etag": out.ETag,
		"Content-Range": out.ContentRange, "Accept-Ranges": out.AcceptRanges, "X-Amz-Version-Id": out.VersionId,
	} {
		if value != nil {
			h.Set(name, *value)
		}
	}
	for name, value := range out.Metadata {
		h.Set("X-Amz-Meta-"+name, value)
	}
	h.Set("Content-Length", strconv.FormatInt(aws.Value(out.ContentLength), 10))
	h.Set("Last-Modified", aws.Value(out.LastModified).Format(http.TimeFormat))
	if status == http.StatusOK && out.StatusCode != nil {
		status = int(*out.StatusCode)
	}
	v.w.WriteHeader(status)
	if v.r.Method == http.MethodHead || out.Body == nil {
		return
	}
	if _, err := io.Copy(v.w, out.Body); err != nil {
		panic(http.ErrAbortHandler) // or the visitor would take the half for the whole
	}
}

// fail answers with the error document, or a page of our own.
func (v *visit) fail(err error) {
	if v.site.ErrorDocument == nil {
		v.page(err, nil)
		return
	}
	in := &api.GetObjectInput{Bucket: v.bucket, Key: v.site.ErrorDocument.Key}
	out, failed := dispatch.Call(v.r.Context(), v.table, v.call, api.GetObject, in)
	if failed != nil {
		v.page(err, failed)
		return
	}
	v.show(out, aws.Refusal(err).Status)
}

// page answers with a page that says what went wrong, and what went wrong with
// the error document, if more is not nil.
func (v *visit) page(err, more error) {
	refusal := aws.Refusal(err)
	title := fmt.Sprintf("%d %s", refusal.Status, http.StatusText(refusal.Status))
	var b strings.Builder
	fmt.Fprintf(&b, "<html>\n<head><title>%s</title></head>\n<body>\n<h1>%s</h1>\n<ul>\n%s", title, title, items(refusal))
	fmt.Fprintf(&b, "<li>RequestId: %s</li>\n<li>HostId: %s</li>\n</ul>\n", v.call.RequestID, v.call.RequestID+"/aloft")
	if more != nil {
		fmt.Fprintf(&b, "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n%s</ul>\n", items(aws.Refusal(more)))
	}
	b.WriteString("<hr/>\n</body>\n</html>\n")
	h := v.w.Header()
	h.Set("X-Amz-Error-Code", refusal.QueryName())
	h.Set("X-Amz-Error-Message", refusal.Message)
	h.Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(refusal.Status)
	if v.r.Method != http.MethodHead {
		io.WriteString(v.w, b.String())
	}
}

// items are what a refusal says, as a list of HTML.
func items(e *aws.Error) string {
	var b strings.Builder
	item := func(name, value string) {
		fmt.Fprintf(&b, "<li>%s: %s</li>\n", html.EscapeString(name), html.EscapeString(value))
	}
	item("Code", e.QueryName())
	item("Message", e.Message)
	if e.Detail == nil {
		return b.String()
	}
	detail := reflect.ValueOf(e.Detail).Elem()
	for i := range detail.NumField() {
		f := detail.Field(i)
		if f.Kind() == reflect.String {
			item(detail.Type().Field(i).Name, f.String())
		}
	}
	return b.String()
}
