package elasticloadbalancing

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
)

// FuzzConditions holds that a condition which is taken is ready without fail, and
// that one whose pattern has no wildcards holds of the text itself.
func FuzzConditions(f *testing.F) {
	f.Add(onPath, "/img/*", "", "/img/a")
	f.Add(onHeader, "a?c", "X-Mode", "abc")
	f.Add(onQuery, "2*", "v", "v=22&v")
	f.Add(onSource, "10.0.0.0/8", "", "")
	f.Fuzz(func(t *testing.T, field, pattern, key, text string) {
		c := api.RuleCondition{Field: &field, Values: []string{pattern}}
		switch field {
		case onHeader:
			c = api.RuleCondition{Field: &field, HttpHeaderConfig: &api.HttpHeaderConditionConfig{HttpHeaderName: &key, Values: []string{pattern}, RegexValues: []string{text}}}
		case onQuery:
			c = api.RuleCondition{Field: &field, QueryStringConfig: &api.QueryStringConditionConfig{Values: []api.QueryStringKeyValuePair{{Key: &key, Value: &pattern}}}}
		}
		all, err := checkConditions([]api.RuleCondition{c})
		if err != nil {
			return
		}
		holds := newCondition(&all[0])
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = text
		a := &asking{Request: r, host: text, path: text, source: netip.MustParseAddr("10.1.2.3")}
		holds(a)
		if strings.ContainsAny(pattern, "*?") {
			return
		}
		a.host, a.path, r.URL.RawQuery = pattern, pattern, url.QueryEscape(key)+"="+url.QueryEscape(pattern)
		if (field == onHost || field == onPath || field == onQuery) && !holds(a) {
			t.Errorf("%s %q does not hold of itself", field, pattern)
		}
	})
}

func TestInCodes(t *testing.T) {
	f := func(codes string, status int, want bool) {
		t.Helper()
		if got := inCodes(codes, status); got != want {
			t.Errorf("inCodes(%q, %d) = %v", codes, status, got)
		}
	}
	f("200", 200, true)
	f("200,301", 301, true)
	f("200-299", 250, true)
	f("200-299", 300, false)
	f("", 200, false)
	f("x-y", 200, false)
}
