package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// While keys are not checked, every page that a browser on this machine shows
// could act as root: by a form sent here, or by a name of its own that it makes
// resolve to 127.0.0.1. So an open platform answers only requests for names of
// this machine or of AWS, and none that come from pages of other sites.

// localNames are the suffixes of names that mean this machine, or that only
// tools send here.
var localNames = []string{"localhost", "localhost.localstack.cloud", "amazonaws.com", "host.docker.internal"}

// checkOrigin refuses requests that a page of another site may have caused.
func checkOrigin(r *http.Request) error {
	if host := hostOf(r); !isLocal(host) {
		return aws.AccessDenied.Errorf("Aloft takes any key as root in development, so it does not answer for the host %q.", host)
	}
	if origin := r.Header.Get("Origin"); origin != "" && !localOrigin(origin) {
		return aws.AccessDenied.Errorf("Aloft takes any key as root in development, so it does not answer pages of %s.", origin)
	}
	// What a page shows or links to is asked for without an Origin. To read is
	// no harm, for the page sees nothing of it; but an Action may do anything.
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Origin") == "" && r.URL.Query().Has("Action") {
		return aws.AccessDenied.Errorf("Aloft takes any key as root in development, so it does not answer pages of other sites.")
	}
	return nil
}

func isLocal(host string) bool {
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return ip.IsLoopback()
	}
	for _, name := range localNames {
		if host == name || strings.HasSuffix(host, "."+name) {
			return true
		}
	}
	return false
}

// localOrigin reports whether a page of that origin is one of this machine's.
func localOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" is anybody's
	}
	host := u.Hostname()
	return isLocal(host) && !strings.HasSuffix(host, "amazonaws.com")
}

// allowOrigin lets a page of this machine read the answer to r, and answers
// the question that browsers ask before. It reports whether that was all.
func allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Vary", "Origin")
	h.Set("Access-Control-Expose-Headers", "*, ETag, x-amz-version-id, x-amzn-RequestId, x-amz-request-id, x-amzn-ErrorType")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE, PATCH")
	h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allowAny lets any page read the answer to r, as services of AWS do that have
// no rules of their own: pages know no keys but those they were given. It
// answers the question that browsers ask before, and reports whether that was all.
func allowAny(w http.ResponseWriter, r *http.Request, requestID string) bool {
	if r.Header.Get("Origin") == "" {
		return false
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers", "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date")
		return false
	}
	for _, what := range []string{"Headers", "Method"} {
		if asked := r.Header.Get("Access-Control-Request-" + what); asked != "" {
			h.Set("Access-Control-Allow-"+strings.TrimSuffix(what, "s")+"s", asked)
		}
	}
	h.Set("Access-Control-Max-Age", "172800")
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return true
}

// serveOrigin asks the service that r is for what pages of other sites may do
// with the answer. It reports whether that was all r is about.
func (h *Handler) serveOrigin(w http.ResponseWriter, r *http.Request, requestID string) bool {
	name := h.router.route(r, func(string) string { return "" })
	ask := h.origins[name]
	switch {
	case h.cfg.Open && checkOrigin(r) != nil:
		return false
	case ask == nil && !h.cfg.Open && (name != "" || r.URL.Path == "/"):
		return allowAny(w, r, requestID)
	case ask == nil:
		return false
	}
	answered, err := ask(w.Header(), r)
	if err != nil && !answered {
		h.cfg.Log.Error("origin not checked", "id", requestID, "err", err)
	}
	x := h.apis[name].Beside(r)
	switch {
	case !answered:
		return false
	case err == nil:
		x.Identify(w.Header(), requestID)
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
		return true
	}
	if err := x.EncodeError(w, err, requestID); err != nil {
		h.cfg.Log.Debug("answer cut short", "id", requestID, "err", err)
	}
	return true
}
