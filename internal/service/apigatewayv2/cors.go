package apigatewayv2

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// isPreflight reports whether a browser asks what r's origin may do.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers what the origin may do: nothing, if it is not one of c's.
func preflight(w http.ResponseWriter, r *http.Request, c *api.Cors) {
	h := w.Header()
	if allow(h, r, c) {
		join(h, "Access-Control-Allow-Methods", c.AllowMethods)
		join(h, "Access-Control-Allow-Headers", c.AllowHeaders)
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(int(*c.MaxAge)))
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// share puts in h what a browser needs to hand the answer to r's origin. What
// the function said of this is left out: the API decides.
func share(h http.Header, r *http.Request, c *api.Cors) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(h, name)
		}
	}
	if r.Header.Get("Origin") != "" && allow(h, r, c) {
		join(h, "Access-Control-Expose-Headers", c.ExposeHeaders)
	}
}

// allow puts the origin in h if c lets it in.
func allow(h http.Header, r *http.Request, c *api.Cors) bool {
	origin := r.Header.Get("Origin")
	switch {
	case slices.Contains(c.AllowOrigins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.ContainsFunc(c.AllowOrigins, func(allowed string) bool { return isOrigin(origin, allowed) }):
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	default:
		return false
	}
	if aws.Value(c.AllowCredentials) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}

// isOrigin reports whether origin is the one allowed, or of its scheme if that
// is all it says: https://*.
func isOrigin(origin, allowed string) bool {
	if scheme, ok := strings.CutSuffix(allowed, "*"); ok && strings.HasSuffix(scheme, "://") {
		return len(origin) > len(scheme) && strings.EqualFold(origin[:len(scheme)], scheme)
	}
	return strings.EqualFold(origin, allowed)
}

func join(h http.Header, name string, values []string) {
	if len(values) > 0 {
		h.Set(name, strings.Join(values, ","))
	}
}
