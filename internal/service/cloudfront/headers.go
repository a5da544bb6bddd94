package cloudfront

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// give sets the headers of a policy in those of an answer to r.
func give(p *api.ResponseHeadersPolicyConfig, r *http.Request, h http.Header) {
	if p == nil {
		return
	}
	if p.RemoveHeadersConfig != nil {
		for _, item := range p.RemoveHeadersConfig.Items {
			h.Del(item.Header)
		}
	}
	if p.CorsConfig != nil {
		giveCORS(p.CorsConfig, r, h)
	}
	if p.SecurityHeadersConfig != nil {
		giveSecurity(p.SecurityHeadersConfig, h)
	}
	if p.CustomHeadersConfig != nil {
		for _, c := range p.CustomHeadersConfig.Items {
			set(h, c.Header, c.Value, c.Override)
		}
	}
}

// set sets a header, if the origin has not or is overridden.
func set(h http.Header, name, value string, override bool) {
	if override || len(h.Values(name)) == 0 {
		h.Set(name, value)
	}
}

func giveCORS(c *api.ResponseHeadersPolicyCorsConfig, r *http.Request, h http.Header) {
	origin := r.Header.Get("Origin")
	if origin == "" || !c.OriginOverride && h.Get("Access-Control-Allow-Origin") != "" {
		return
	}
	if !slices.ContainsFunc(c.AccessControlAllowOrigins.Items, func(pattern string) bool { return isOrigin(pattern, origin) }) {
		return
	}
	if slices.Contains(c.AccessControlAllowOrigins.Items, "*") && !c.AccessControlAllowCredentials {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Add("Vary", "Origin")
	}
	if c.AccessControlAllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if e := c.AccessControlExposeHeaders; e != nil && len(e.Items) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(e.Items, ", "))
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return
	}
	methods := strings.Join(c.AccessControlAllowMethods.Items, ", ")
	if methods == "ALL" {
		methods = "GET, HEAD, OPTIONS, PUT, PATCH, POST, DELETE"
	}
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", strings.Join(c.AccessControlAllowHeaders.Items, ", "))
	if c.AccessControlMaxAgeSec != nil {
		h.Set("Access-Control-Max-Age", strconv.Itoa(int(*c.AccessControlMaxAgeSec)))
	}
}

// isOrigin reports whether a page's origin is of a pattern, which may do without
// the scheme.
func isOrigin(pattern, origin string) bool {
	if !strings.Contains(pattern, "://") {
		_, origin, _ = strings.Cut(origin, "://")
	}
	return pattern == "*" || matches("/"+pattern, "/"+origin)
}

func giveSecurity(c *api.ResponseHeadersPolicySecurityHeadersConfig, h http.Header) {
	if v := c.XSSProtection; v != nil {
		text := "0"
		if v.Protection {
			text = "1"
			if aws.Value(v.ModeBlock) {
				text += "; mode=block"
			} else if v.ReportUri != nil {
				text += "; report=" + *v.ReportUri
			}
		}
		set(h, "X-Xss-Protection", text, v.Override)
	}
	if v := c.FrameOptions; v != nil {
		set(h, "X-Frame-Options", v.FrameOption, v.Override)
	}
	if v := c.ReferrerPolicy; v != nil {
		set(h, "Referrer-Policy", v.ReferrerPolicy, v.Override)
	}
	if v := c.ContentSecurityPolicy; v != nil {
		set(h, "Content-Security-Policy", v.ContentSecurityPolicy, v.Override)
	}
	if v := c.ContentTypeOptions; v != nil {
		set(h, "X-Content-Type-Options", "nosniff", v.Override)
	}
	if v := c.StrictTransportSecurity; v != nil {
		text := "max-age=" + strconv.Itoa(int(v.AccessControlMaxAgeSec))
		if aws.Value(v.IncludeSubdomains) {
			text += "; includeSubDomains"
		}
		if aws.Value(v.Preload) {
			text += "; preload"
		}
		set(h, "Strict-Transport-Security", text, v.Override)
	}
}
