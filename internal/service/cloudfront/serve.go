package cloudfront

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/firewall"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
)

const maxBody = 50 << 20 // of a request that is no GET

// How answers came to be, as X-Cache says.
const (
	hit   = "Hit from cloudfront"
	miss  = "Miss from cloudfront"
	wrong = "Error from cloudfront"
)

// An exchange is a request on its way through a distribution, and back.
type exchange struct {
	*Service
	v    *served
	b    *behavior
	call *aws.Call
	id   string
	r    *http.Request // as the viewer has made it, and then its function
	body []byte

	choice *function.Choice // of the origin, by a function; nil: it is the behaviour's

	asked, heard time.Time // when an origin was asked, and when it began to answer
}

// Serve answers a request to a distribution, by the label before the domain of
// CloudFront, or by a user's name for it.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, name string) {
	began := time.Now()
	x := &exchange{Service: s, call: call, id: aws.NewLongRequestID(), r: r}
	a := x.begin(w, name)
	if a == nil {
		a = x.answer()
	}
	if x.logged() {
		m := &measured{ResponseWriter: w}
		defer x.tell(&record{x: x, r: r, a: a, w: m, began: began}) // of those who do not stay for the answer too
		w = m
	}
	x.write(w, r, a)
}

// begin finds out what is asked, and refuses what may not be.
func (x *exchange) begin(w http.ResponseWriter, name string) *answer {
	v, err := x.find(x.r.Context(), name)
	if err != nil {
		x.cfg.Log.Error("find a distribution", "host", name, "err", err)
		return errorPage(http.StatusInternalServerError, wordsOrigin, x.id)
	}
	if v == nil || !v.config.Enabled {
		return errorPage(http.StatusForbidden, wordsBlocked, x.id)
	}
	x.v, x.b = v, v.behavior(v.rooted(x.r).URL.Path)
	if a := x.admit(); a != nil {
		return a
	}
	if a := x.trusted(); a != nil {
		return a
	}
	if x.body, err = io.ReadAll(http.MaxBytesReader(w, x.r.Body, maxBody)); err != nil {
		return errorPage(http.StatusRequestEntityTooLarge, wordsHTTPS, x.id)
	}
	return x.guarded()
}

// guarded has the web ACL of the distribution see the request.
func (x *exchange) guarded() *answer {
	acl := *x.v.config.WebACLId
	if acl == "" {
		return nil
	}
	d, err := x.cfg.Firewall.Decide(x.r.Context(), acl, firewall.New(x.r, x.body, x.context("").IP))
	switch {
	case err != nil:
		x.cfg.Log.Error("ask a web ACL", "acl", acl, "err", err)
		return errorPage(http.StatusInternalServerError, wordsBlocked, x.id)
	case d.Blocked && d.Speaks():
		return &answer{status: d.Status, header: d.Header, body: io.NopCloser(strings.NewReader(d.Body)), size: int64(len(d.Body)), how: wrong}
	case d.Blocked:
		return errorPage(d.Status, wordsBlocked, x.id)
	}
	for name, values := range d.Insert {
		x.r.Header[name] = values
	}
	return nil
}

// answer has functions see the request, and then the answer to it.
func (x *exchange) answer() *answer {
	if a := x.viewerRequest(); a != nil {
		return a
	}
	x.r = x.v.rooted(x.r)
	a := x.fetch(x.b, x.r)
	if page := x.v.errorFor(a.status); page != nil && a.how != hit {
		a = x.replace(a, page)
		give(x.b.headers, x.r, a.header)
		return a // which functions do not see
	}
	give(x.b.headers, x.r, a.header)
	if a.status < http.StatusBadRequest {
		return x.viewerResponse(a)
	}
	return a
}

// rooted is r for the object that stands for the root, if it asks for that.
func (v *served) rooted(r *http.Request) *http.Request {
	if name := aws.Value(v.config.DefaultRootObject); r.URL.Path == "/" && name != "" {
		return at(r, "/"+name)
	}
	return r
}

// at is r for another path.
func at(r *http.Request, path string) *http.Request {
	out := r.Clone(r.Context())
	out.URL.Path, out.URL.RawPath = path, ""
	return out
}

// behavior is that of a path.
func (v *served) behavior(path string) *behavior {
	for i := range v.behaviors {
		if matches(v.behaviors[i].PathPattern, path) {
			return &v.behaviors[i]
		}
	}
	return &v.behaviors[len(v.behaviors)-1]
}

// admit refuses, or sends elsewhere, what a behaviour does not let in.
func (x *exchange) admit() *answer {
	if !x.call.Secure && !x.cfg.Local && x.b.ViewerProtocolPolicy != "allow-all" {
		if x.b.ViewerProtocolPolicy == "redirect-to-https" && x.r.Host != "" {
			a := errorPage(http.StatusMovedPermanently, "", x.id)
			a.header.Set("Location", "https://"+hostOnly(x.r.Host)+x.r.URL.RequestURI())
			a.how = "Redirect from cloudfront"
			return a
		}
		return errorPage(http.StatusForbidden, wordsHTTPS, x.id)
	}
	methods := []string{http.MethodGet, http.MethodHead}
	if m := x.b.AllowedMethods; m != nil {
		methods = m.Items
	}
	if !slices.Contains(methods, x.r.Method) {
		return errorPage(http.StatusForbidden, wordsMethod, x.id)
	}
	return nil
}

func hostOnly(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// fetch returns what is kept, or asks the origin.
func (x *exchange) fetch(b *behavior, r *http.Request) *answer {
	kept := b.keyed.caches() && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	key := ""
	var drops uint64
	if kept {
		var e *entry
		key = b.cacheKey(r)
		if e, drops = x.cache.get(x.v.arn.String(), key); e != nil {
			h := e.header.Clone()
			h.Set("Age", strconv.FormatInt(int64(time.Since(e.stored)/time.Second), 10))
			return &answer{status: e.status, header: h, body: memory{bytes.NewReader(e.body)}, size: int64(len(e.body)), how: hit}
		}
	}
	q := r
	if kept { // the whole is asked for, to be kept
		q = r.Clone(r.Context())
		q.Method = http.MethodGet
		for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
			q.Header.Del(name)
		}
	}
	x.asked = time.Now()
	a, err := x.ask(b, q)
	x.heard = time.Now()
	if err != nil {
		return x.failed(err)
	}
	if kept && a.status == http.StatusOK {
		x.keep(b, r.URL.Path, key, drops, a)
	}
	if a.how == "" {
		a.how = miss
		if a.status >= 400 {
			a.how = wrong
		}
	}
	return a
}

// keep keeps an answer that is small enough, and good for a while.
func (x *exchange) keep(b *behavior, path, key string, drops uint64, a *answer) {
	life := b.keyed.lifetime(a.header)
	if life <= 0 || a.size > maxObject || a.header.Get("Set-Cookie") != "" || a.header.Get("Vary") == "*" {
		return
	}
	begin, err := io.ReadAll(io.LimitReader(a.body, maxObject+1))
	if err != nil || len(begin) > maxObject {
		a.body = &rest{io.MultiReader(bytes.NewReader(begin), failing(err, a.body)), a.body}
		return
	}
	a.body.Close()
	a.body, a.size = memory{bytes.NewReader(begin)}, int64(len(begin))
	now := time.Now()
	x.cache.put(&entry{of: x.v.arn.String(), path: path, key: key, status: a.status, header: a.header.Clone(), body: begin, stored: now, expires: now.Add(life)}, drops)
}

// A memory is a body that is kept, of which any part can be answered.
type memory struct{ *bytes.Reader }

// Close implements io.Closer.
func (memory) Close() error { return nil }

// A rest is a body of which a part has been read.
type rest struct {
	io.Reader
	io.Closer
}

// failing is r, or what fails with err if that is not nil.
func failing(err error, r io.Reader) io.Reader {
	if err == nil {
		return r
	}
	return readerFunc(func([]byte) (int, error) { return 0, err })
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// errorFor is what a distribution answers in the place of a status, or nil.
func (v *served) errorFor(status int) *api.CustomErrorResponse {
	for i := range v.config.CustomErrorResponses.Items {
		if e := &v.config.CustomErrorResponses.Items[i]; int(e.ErrorCode) == status && aws.Value(e.ResponsePagePath) != "" {
			return e
		}
	}
	return nil
}

// replace answers with the page that a distribution has for an error.
func (x *exchange) replace(a *answer, e *api.CustomErrorResponse) *answer {
	q := at(x.r, *e.ResponsePagePath)
	q.Method, q.Body = http.MethodGet, http.NoBody
	page := x.fetch(x.v.behavior(q.URL.Path), q)
	if page.status != http.StatusOK {
		page.body.Close()
		return a // there is no such page
	}
	a.body.Close()
	page.status, page.how = a.status, wrong
	if n, err := strconv.Atoi(aws.Value(e.ResponseCode)); err == nil {
		page.status = n
	}
	return page
}

// write writes an answer.
func (x *exchange) write(w http.ResponseWriter, r *http.Request, a *answer) {
	defer a.body.Close()
	h := w.Header()
	for name, values := range a.header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length":
		default:
			h[name] = values
		}
	}
	h.Set("X-Cache", a.how)
	h.Set("X-Amz-Cf-Id", x.id)
	h.Set("X-Amz-Cf-Pop", place)
	h.Add("Via", "1.1 cloudfront (CloudFront)")
	if body, ok := a.body.(memory); ok && a.status == http.StatusOK {
		modified, _ := http.ParseTime(h.Get("Last-Modified"))
		http.ServeContent(w, r, "", modified, body)
		return
	}
	if a.size >= 0 && a.status != http.StatusNotModified && a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.FormatInt(a.size, 10))
	}
	w.WriteHeader(a.status)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, a.body); err != nil {
		panic(http.ErrAbortHandler) // or the client would take the half for the whole
	}
}
