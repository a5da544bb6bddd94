package amplify

import (
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// usualCaching is what answers say of how long they may be kept, unless the app
// says it.
const usualCaching = "public, max-age=0, s-maxage=31536000"

// A visit is one request to a branch.
type visit struct {
	*Service
	*served
	w http.ResponseWriter
	r *http.Request
}

// Serve answers a request to a branch, by the labels before the domain of
// Amplify, or by a user's own name for it.
func (s *Service) Serve(w http.ResponseWriter, r *http.Request, call *aws.Call, host string) {
	w.Header().Set("X-Amz-Request-Id", call.RequestID)
	at, err := s.find(r.Context(), host)
	switch {
	case err != nil:
		s.failed(w, err)
	case at == nil:
		show(w, r, http.StatusNotFound, pageMissing)
	default:
		v := visit{s, at, w, r}
		if v.admitted() {
			v.serve()
		}
	}
}

// hostOnly is a host without its port.
func hostOnly(host string) string { return (&url.URL{Host: host}).Hostname() }

// admitted asks for the password, if there is one.
func (v *visit) admitted() bool {
	if v.credentials == "" {
		return true
	}
	scheme, said, _ := strings.Cut(v.r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Basic") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(said)), []byte(v.credentials)) == 1 {
		v.r.Header.Del("Authorization") // it is not for what stands behind
		return true
	}
	v.w.Header().Set("WWW-Authenticate", `Basic realm="Amplify"`)
	show(v.w, v.r, http.StatusUnauthorized, pageClosed)
	return false
}

// serve goes through the rules; the first that is for the request counts. Those
// for what is missing come after the files.
func (v *visit) serve() {
	name, rewritten := v.r.URL.Path, false
	for _, rule := range v.rules {
		if rule.status == missing || rule.status == fallback {
			continue
		}
		found, ok := rule.matches(v.r)
		if !ok {
			continue
		}
		to := rule.leads(v.r, found)
		if status, ok := rule.redirects(); ok {
			v.redirect(to, status)
			return
		}
		if to.Host != "" {
			v.proxy(to, 0)
			return
		}
		name, rewritten = to.Path, true
		break
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		v.w.Header().Set("Allow", "GET, HEAD")
		show(v.w, v.r, http.StatusMethodNotAllowed, pageMethod)
		return
	}
	if v.set == "" {
		show(v.w, v.r, http.StatusNotFound, pageWelcome)
		return
	}
	ok, err := v.file(name, http.StatusOK, rewritten)
	if !ok && err == nil {
		ok, err = v.instead()
	}
	switch {
	case err != nil:
		v.failed(v.w, err)
	case !ok:
		show(v.w, v.r, http.StatusNotFound, pageMissing)
	}
}

// redirect sends the visitor elsewhere.
func (v *visit) redirect(to *url.URL, status int) {
	v.w.Header().Set("Location", to.String())
	v.w.Header().Set("Content-Length", "0")
	v.w.WriteHeader(status)
}

// instead answers with what a rule has for files that are missing.
func (v *visit) instead() (bool, error) {
	for _, rule := range v.rules {
		if rule.status != missing && rule.status != fallback {
			continue
		}
		found, ok := rule.matches(v.r)
		if !ok {
			continue
		}
		to, status := rule.leads(v.r, found), http.StatusOK
		if rule.status == missing {
			status = http.StatusNotFound
		}
		if to.Host != "" {
			v.proxy(to, status)
			return true, nil
		}
		return v.file(to.Path, status, true)
	}
	return false, nil
}

// file answers with a file, and reports whether there is one. A folder that
// visitors ask for without a slash at its end they are told to ask for with it,
// so that what its page names is found.
func (v *visit) file(name string, status int, rewritten bool) (bool, error) {
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	tries := []string{clean, clean + ".html", clean + "/index.html"}
	if clean == "" || strings.HasSuffix(name, "/") {
		tries = []string{strings.TrimPrefix(clean+"/index.html", "/")}
	}
	for i, try := range tries {
		f, body, err := v.open(v.r.Context(), fileKey{v.arn, v.set, try})
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, err
		}
		defer body.Close()
		if i == 2 && !rewritten {
			v.redirect(&url.URL{Path: "/" + clean + "/", RawQuery: v.r.URL.RawQuery}, http.StatusMovedPermanently)
			return true, nil
		}
		v.answer(try, f, body, status)
		return true, nil
	}
	return false, nil
}

// open opens a file of a set.
func (s *Service) open(ctx context.Context, key fileKey) (f file, body *store.BodyReader, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if f, err = files.Get(tx, key); err != nil {
			return err
		}
		body, err = s.db.Blobs().Open(tx, f.Body)
		return err
	})
	return f, body, err
}

// answer answers with a file.
func (v *visit) answer(name string, f file, body *store.BodyReader, status int) {
	h := v.w.Header()
	h.Set("Content-Type", kindOfFile(name))
	h.Set("ETag", `"`+f.MD5+`"`)
	h.Set("Cache-Control", usualCaching)
	give(v.headers, v.r.URL.Path, h)
	if status == http.StatusOK {
		http.ServeContent(v.w, v.r, "", f.Modified, body)
		return
	}
	h.Set("Content-Length", strconv.FormatInt(body.Size(), 10))
	v.w.WriteHeader(status)
	if v.r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(v.w, body); err != nil {
		panic(http.ErrAbortHandler) // or the visitor would take the half for the whole
	}
}

// proxy answers with what a server answers, with a status if that is not 0.
func (v *visit) proxy(to *url.URL, status int) {
	p := &httputil.ReverseProxy{
		Transport: v.client.Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL, r.Out.Host = to, to.Host
			r.SetXForwarded()
		},
		ModifyResponse: func(a *http.Response) error {
			if status != 0 {
				a.StatusCode, a.Status = status, ""
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			v.cfg.Log.Debug("amplify: ask what a rule leads to", "url", to.Redacted(), "err", err)
			show(w, r, http.StatusBadGateway, pageBroken)
		},
	}
	p.ServeHTTP(v.w, v.r)
}
