package cloudfront

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// A choice is which of some names are meant.
type choice struct {
	all    bool
	except bool     // all but names
	names  []string // in small letters, for headers
}

func (c *choice) has(name string) bool {
	switch {
	case c.all:
		return true
	case c.except:
		return !slices.Contains(c.names, name)
	}
	return slices.Contains(c.names, name)
}

// newChoice reads a behaviour of policies, and its names.
func newChoice(behavior string, names []string) choice {
	switch behavior {
	case "all", "allViewer", "allViewerAndWhitelistCloudFront":
		return choice{all: true}
	case "allExcept":
		return choice{except: true, names: names}
	case "whitelist":
		return choice{names: names}
	}
	return choice{}
}

// A keying is what of a request counts, for the cache or for the origin.
type keying struct {
	query, headers, cookies choice
	encodings               bool // whether Accept-Encoding counts
	min, usual, max         int64
}

func lower(h *api.Headers) []string {
	if h == nil {
		return nil
	}
	out := make([]string, len(h.Items))
	for i, name := range h.Items {
		out[i] = strings.ToLower(name)
	}
	return out
}

func cookieNames(c *api.CookieNames) []string {
	if c == nil {
		return nil
	}
	return c.Items
}

func queryNames(q *api.QueryStringNames) []string {
	if q == nil {
		return nil
	}
	return q.Items
}

func cacheKeying(c *api.CachePolicyConfig) keying {
	k := keying{min: c.MinTTL, usual: aws.Or(c.DefaultTTL, max(aDay, c.MinTTL)), max: aws.Or(c.MaxTTL, max(aYear, c.MinTTL))}
	if p := c.ParametersInCacheKeyAndForwardedToOrigin; p != nil {
		k.headers = newChoice(p.HeadersConfig.HeaderBehavior, lower(p.HeadersConfig.Headers))
		k.cookies = newChoice(p.CookiesConfig.CookieBehavior, cookieNames(p.CookiesConfig.Cookies))
		k.query = newChoice(p.QueryStringsConfig.QueryStringBehavior, queryNames(p.QueryStringsConfig.QueryStrings))
		k.encodings = p.EnableAcceptEncodingGzip || aws.Value(p.EnableAcceptEncodingBrotli)
	}
	return k
}

func originKeying(c *api.OriginRequestPolicyConfig) keying {
	return keying{
		headers: newChoice(c.HeadersConfig.HeaderBehavior, lower(c.HeadersConfig.Headers)),
		cookies: newChoice(c.CookiesConfig.CookieBehavior, cookieNames(c.CookiesConfig.Cookies)),
		query:   newChoice(c.QueryStringsConfig.QueryStringBehavior, queryNames(c.QueryStringsConfig.QueryStrings)),
	}
}

// legacyKeying is what a behaviour without policies says.
func legacyKeying(b *api.CacheBehavior) keying {
	f := b.ForwardedValues
	k := keying{min: aws.Value(b.MinTTL), usual: aws.Or(b.DefaultTTL, aDay), max: aws.Or(b.MaxTTL, aYear), headers: choice{names: lower(f.Headers)}}
	k.headers.all = slices.Contains(k.headers.names, "*")
	if k.headers.all {
		k.min, k.usual, k.max = 0, 0, 0 // nothing is cached that depends on every header
	}
	if f.QueryString {
		k.query = choice{all: true}
		if q := f.QueryStringCacheKeys; q != nil && len(q.Items) > 0 {
			k.query = choice{names: q.Items}
		}
	}
	if f.Cookies != nil {
		k.cookies = newChoice(f.Cookies.Forward, cookieNames(f.Cookies.WhitelistedNames))
	}
	return k
}

// caches reports whether anything is kept at all.
func (k *keying) caches() bool { return k.max > 0 }

// pickQuery returns the parts of a query that count, as they came.
func (k *keying) pickQuery(raw string) string {
	if k.query.all || raw == "" {
		return raw
	}
	var out []string
	for part := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if k.query.has(name) {
			out = append(out, part)
		}
	}
	return strings.Join(out, "&")
}

// pickCookies returns the cookies that count, as a header has them.
func (k *keying) pickCookies(h http.Header) string {
	var out []string
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), "=")
			if name != "" && k.cookies.has(name) {
				out = append(out, strings.TrimSpace(part))
			}
		}
	}
	return strings.Join(out, "; ")
}

// cacheKey is what an answer is kept under: two requests with the same have the
// same answer.
func (b *behavior) cacheKey(r *http.Request) string {
	k := &b.keyed
	var out strings.Builder
	out.WriteString(r.URL.EscapedPath())
	out.WriteString("?" + k.pickQuery(r.URL.RawQuery))
	for _, name := range slices.Sorted(slices.Values(k.headers.names)) {
		value := strings.Join(r.Header.Values(name), ",")
		if name == "host" {
			value = r.Host
		}
		out.WriteString("\n" + name + ":" + value)
	}
	out.WriteString("\n" + k.pickCookies(r.Header))
	if k.encodings {
		out.WriteString("\n" + encodings(r.Header))
	}
	return out.String()
}

// encodings are those that CloudFront tells origins of, of those that a viewer
// accepts.
func encodings(h http.Header) string {
	var out []string
	for _, name := range []string{"br", "gzip"} {
		for _, line := range h["Accept-Encoding"] {
			if strings.Contains(line, name) {
				out = append(out, name)
				break
			}
		}
	}
	return strings.Join(out, ",")
}

// own are headers that are made for the origin, whatever viewers send.
var own = map[string]bool{
	"accept-encoding": true, "connection": true, "content-length": true, "cookie": true, "expect": true, "host": true, "keep-alive": true, "proxy-authenticate": true,
	"proxy-authorization": true, "proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true, "via": true, "x-forwarded-for": true, "x-edge-*": true,
	"x-amz-cf-id": true, "x-real-ip": true,
}

// always are headers that every origin gets, whatever policies say.
var always = []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Md5", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Range", "X-Amz-Content-Sha256"}

// forward returns the headers that the origin is asked with.
func (b *behavior) forward(r *http.Request) http.Header {
	out := make(http.Header)
	for _, name := range always {
		if v := r.Header.Values(name); len(v) > 0 {
			out[name] = v
		}
	}
	for name, values := range r.Header {
		small := strings.ToLower(name)
		if !own[small] && (b.forwarded.headers.has(small) || b.keyed.headers.has(small)) {
			out[name] = values
		}
	}
	if cookies := (&keying{cookies: b.forwarded.cookies.or(b.keyed.cookies)}).pickCookies(r.Header); cookies != "" {
		out.Set("Cookie", cookies)
	}
	if e := encodings(r.Header); b.keyed.encodings && e != "" {
		out.Set("Accept-Encoding", e)
	}
	return out
}

// or is what either choice has, as far as names go.
func (c choice) or(other choice) choice {
	switch {
	case c.all || other.all:
		return choice{all: true}
	case c.except:
		return c
	case other.except:
		return other
	}
	return choice{names: append(slices.Clone(c.names), other.names...)}
}

// query returns the query that the origin is asked with.
func (b *behavior) query(raw string) string {
	k := keying{query: b.forwarded.query.or(b.keyed.query)}
	return k.pickQuery(raw)
}

// hostForwarded reports whether the origin is asked by the viewer's host name.
func (b *behavior) hostForwarded() bool {
	return b.forwarded.headers.has("host") || b.keyed.headers.has("host")
}
