package elasticloadbalancing

import (
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/glob"
)

// An asking is what conditions see of a request.
type asking struct {
	*http.Request
	host, path string // path is raw
	source     netip.Addr
}

// A condition reports whether it holds of a request.
type condition func(a *asking) bool

// newCondition makes a condition, which was checked, ready.
func newCondition(c *api.RuleCondition) condition {
	switch *c.Field {
	case onHost:
		any := anyOf(c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues, true)
		return func(a *asking) bool { return any(a.host) }
	case onPath:
		any := anyOf(c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues, false)
		return func(a *asking) bool { return any(a.path) }
	case onHeader:
		any, name := anyOf(c.HttpHeaderConfig.Values, c.HttpHeaderConfig.RegexValues, true), http.CanonicalHeaderKey(*c.HttpHeaderConfig.HttpHeaderName)
		return func(a *asking) bool { return slices.ContainsFunc(a.Header[name], any) }
	case onMethod:
		return func(a *asking) bool { return slices.Contains(c.HttpRequestMethodConfig.Values, a.Method) }
	case onSource:
		var all []netip.Prefix
		for _, v := range c.SourceIpConfig.Values {
			if p, err := netip.ParsePrefix(v); err == nil {
				all = append(all, p)
			}
		}
		return func(a *asking) bool {
			return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a.source) })
		}
	}
	return newQuery(c.QueryStringConfig.Values)
}

// newQuery holds if a parameter is as one of pairs says; without a key, any may be.
func newQuery(pairs []api.QueryStringKeyValuePair) condition {
	return func(a *asking) bool {
		for pair := range strings.SplitSeq(a.URL.RawQuery, "&") {
			k, v, _ := strings.Cut(pair, "=")
			k, v = unescaped(k), unescaped(v)
			if pair != "" && slices.ContainsFunc(pairs, func(p api.QueryStringKeyValuePair) bool {
				return (aws.Value(p.Key) == "" || matchAnyCase(*p.Key, k)) && matchAnyCase(*p.Value, v)
			}) {
				return true
			}
		}
		return false
	}
}

func unescaped(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

func matchAnyCase(pattern, s string) bool {
	return glob.Match(strings.ToLower(pattern), strings.ToLower(s))
}

// anyOf reports whether a text is what one of patterns or expressions says.
func anyOf(patterns, expressions []string, anyCase bool) func(string) bool {
	var all []*regexp.Regexp
	for _, e := range expressions {
		if re, err := regexp.Compile(e); err == nil {
			all = append(all, re)
		}
	}
	match := glob.Match
	if anyCase {
		match = matchAnyCase
	}
	return func(s string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return match(p, s) }) || slices.ContainsFunc(all, func(re *regexp.Regexp) bool { return re.MatchString(s) })
	}
}
