package cloudfront

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
)

const maxBody = 50 << 20 // of a request that is no GET

// Serve answers a request to a distribution, by the label before the domain of
// CloudFront, or by a user's name for it.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, name string) {
	id := aws.NewLongRequestID()
	v, err := s.find(r.Context(), name)
	if err != nil {
		s.cfg.Log.Error("find a distribution", "host", name, "err", err)
		s.write(w, r, errorPage(http.StatusInternalServerError, wordsOrigin, id), nil, "Error from cloudfront", id)
		return
	}
	if v == nil || !v.config.Enabled {
		s.write(w, r, errorPage(http.StatusForbidden, wordsBlocked, id), nil, "Error from cloudfront", id)
		return
	}
	if r.URL.Path == "/" && aws.Value(v.config.DefaultRootObject) != "" {
		r = at(r, "/"+*v.config.DefaultRootObject)
	}
	b := v.behavior(r.URL.Path)
	if !s.admit(w, r, call, b, id) {
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.write(w, r, errorPage(http.StatusRequestEntityTooLarge, wordsHTTPS, id), nil, "Error from cloudfront", id)
		return
	}
	a, how := s.fetch(r.Context(), v, b, r, body, id)
	if page := v.errorFor(a.status); page != nil && how != "Hit from cloudfront" {
		a, how = s.replace(r, v, a, page, id)
	}
	s.write(w, r, a, b, how, id)
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
func (s *Service) admit(w http.ResponseWriter, r *http.Request, call *aws.Call, b *behavior, id string) bool {
	if !call.Secure && !s.cfg.Local && b.ViewerProtocolPolicy != "allow-all" {
		if b.ViewerProtocolPolicy == "redirect-to-https" && r.Host != "" {
			a := errorPage(http.StatusMovedPermanently, "", id)
			a.header.Set("Location", "https://"+hostOnly(r.Host)+r.URL.RequestURI())
			s.write(w, r, a, nil, "Redirect from cloudfront", id)
			return false
		}
		s.write(w, r, errorPage(http.StatusForbidden, wordsHTTPS, id), nil, "Error from cloudfront", id)
		return false
	}
	methods := []string{http.MethodGet, http.MethodHead}
	if m := b.AllowedMethods; m != nil {
		methods = m.Items
	}
	if !slices.Contains(methods, r.Method) {
		s.write(w, r, errorPage(http.StatusForbidden, wordsMethod, id), nil, "Error from cloudfront", id)
		return false
	}
	return true
}

func hostOnly(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// fetch returns what is kept, or asks the origin, and says which.
func (s *Service) fetch(ctx context.Context, v *served, b *behavior, r *http.Request, body []byte, id string) (*answer, string) {
	kept := b.keyed.caches() && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	key := ""
	var drops uint64
	if kept {
		var e *entry
		key = b.cacheKey(r)
		if e, drops = s.cache.get(v.arn.String(), key); e != nil {
			h := e.header.Clone()
			h.Set("Age", strconv.FormatInt(int64(time.Since(e.stored)/time.Second), 10))
			return &answer{status: e.status, header: h, body: memory{bytes.NewReader(e.body)}, size: int64(len(e.body))}, "Hit from cloudfront"
		}
	}
	q := r
	if kept { // the whole is asked for, to be kept
		q = r.Clone(ctx)
		q.Method = http.MethodGet
		for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since"} {
			q.Header.Del(name)
		}
	}
	a, err := s.ask(ctx, v, b, q, body)
	if err != nil {
		status := http.StatusBadGateway
		if errors.Is(err, context.DeadlineExceeded) {
			status = http.StatusGatewayTimeout
		}
		s.cfg.Log.Debug("ask an origin", "distribution", v.arn.String(), "err", err)
		return errorPage(status, wordsOrigin, id), "Error from cloudfront"
	}
	if kept && a.status == http.StatusOK {
		s.keep(v, b, r.URL.Path, key, drops, a)
	}
	if a.status >= 400 {
		return a, "Error from cloudfront"
	}
	return a, "Miss from cloudfront"
}

// keep keeps an answer that is small enough, and good for a while.
func (s *Service) keep(v *served, b *behavior, path, key string, drops uint64, a *answer) {
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
	s.cache.put(&entry{of: v.arn.String(), path: path, key: key, status: a.status, header: a.header.Clone(), body: begin, stored: now, expires: now.Add(life)}, drops)
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
func (s *Service) replace(r *http.Request, v *served, a *answer, e *api.CustomErrorResponse, id string) (*answer, string) {
	q := at(r, *e.ResponsePagePath)
	q.Method, q.Body = http.MethodGet, http.NoBody
	page, how := s.fetch(r.Context(), v, v.behavior(q.URL.Path), q, nil, id)
	if page.status != http.StatusOK {
		page.body.Close()
		return a, how // there is no such page
	}
	a.body.Close()
	page.status = a.status
	if n, err := strconv.Atoi(aws.Value(e.ResponseCode)); err == nil {
		page.status = n
	}
	return page, "Error from cloudfront"
}

// write writes an answer.
func (s *Service) write(w http.ResponseWriter, r *http.Request, a *answer, b *behavior, how, id string) {
	defer a.body.Close()
	h := w.Header()
	for name, values := range a.header {
		switch name {
		case "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length":
		default:
			h[name] = values
		}
	}
	h.Set("X-Cache", how)
	h.Set("X-Amz-Cf-Id", id)
	h.Set("X-Amz-Cf-Pop", "ALOFT1-P1")
	h.Add("Via", "1.1 cloudfront (CloudFront)")
	if b != nil {
		give(b.headers, r, h)
	}
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
