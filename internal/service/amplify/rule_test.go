package amplify

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
)

// A rule leads where its manual says.
func TestRules(t *testing.T) {
	lead := func(source, target, asked, want string) {
		t.Helper()
		r, err := compileRule(&api.CustomRule{Source: source, Target: target, Status: new("302")})
		if err != nil {
			t.Errorf("%s: %v", source, err)
			return
		}
		q := httptest.NewRequest(http.MethodGet, asked, nil)
		got := ""
		if found, ok := r.matches(q); ok {
			got = r.leads(q, found).String()
		}
		if got != want {
			t.Errorf("%s to %s leads %s to %q, want %q", source, target, asked, got, want)
		}
	}
	lead("/original.html", "/destination.html", "/original.html", "/destination.html")
	lead("/original.html", "/destination.html", "/originalXhtml", "")
	lead("/docs/<*>", "/documents/<*>", "/docs/a/b.html?c=d", "/documents/a/b.html?c=d")
	lead("/docs/<*>", "/documents/<*>", "/docs", "")
	lead("/docs/<*>", "/documents?path=<*>", "/docs/a&b?c=d", "/documents?path=a%26b")
	lead("/articles/<year>/<month>/<*>", "/<month>-<year>/<*>", "/articles/2020/05/x/y", "/05-2020/x/y")
	lead("/articles/<year>", "/<year>", "/articles/2020/05", "")
	lead("/?id=<my-id>", "/posts/<my-id>", "/?id=a%2Fb", "/posts/a/b")
	lead("/?id=7", "/seven", "/?id=7&x=1", "/seven")
	lead("/?id=7", "/seven", "/?id=8", "")
	lead("/a%20b", "/c d", "/a%20b", "/c%20d")
	lead("https://example.com", "https://www.example.org/docs/", "http://EXAMPLE.com:4566/x?y=z", "https://www.example.org/docs/x?y=z")
	lead("https://example.com", "https://www.example.org", "http://www.example.com/x", "")
	lead("/<*>", "/<*>", "//evil.example.org/x", "/evil.example.org/x")
	lead("</^[^.]+$/>", "/index.html", "/a/b", "/index.html")
	lead("</^[^.]+$/>", "/index.html", "/a/b.js", "")
	lead(`</^((?!\.(css|js)$).)*$/>`, "/index.html", "/a/b.jsx", "/index.html")
	lead(`</^((?!\.(css|js)$).)*$/>`, "/index.html", "/a/b.js", "")
	lead("/x", "/y#<z>", "/x", "/y#%3Cz%3E")
	if _, err := compileRule(&api.CustomRule{Source: "/<*>", Target: "https://<*>/x"}); err == nil {
		t.Error("a visitor may say to which host a rule leads")
	}
}

// A pattern of headers is for the paths that it looks like.
func TestGlobbed(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"**/*", "/", true}, {"**/*", "/a/b.js", true}, {"*.js", "/a/b.js", true}, {"*.js", "/b.json", false}, {"/img/*", "/img/a/b.png", true},
		{"/img/*", "/x/img/a.png", false}, {"**/*.js", "/a.js", true}, {"/index.html", "/index.html", true}, {"a/**/b", "/a/b", true}, {"a/**/b", "/a/x/y/b", true},
	} {
		rules, err := parseHeaders("customHeaders: [{pattern: '"+c.pattern+"', headers: [{key: X-A, value: b}]}]", "")
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		give(rules, c.path, h)
		if got := h.Get("X-A") != ""; got != c.want {
			t.Errorf("%s matches %s: %v, want %v", c.pattern, c.path, got, c.want)
		}
	}
}

// Wherever a rule without a host leads, it is a path of the same host.
func FuzzRule(f *testing.F) {
	f.Add("/docs/<*>", "/documents/<*>", "/docs/a?b=c")
	f.Add("/?id=<x>", "/<x>", "/?id=//evil.example.org")
	f.Add("/<*>", "/<*>", "//evil.example.org")
	f.Add("</^[^.]+$|\\.(?!(css)$)([^.]+$)/>", "/index.html", "/a")
	f.Add("https://example.com", "https://<x>.example.org/<*>", "/")
	f.Fuzz(func(t *testing.T, source, target, asked string) {
		r, err := compileRule(&api.CustomRule{Source: source, Target: target})
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(asked)
		if err != nil {
			return
		}
		q := &http.Request{Method: http.MethodGet, Host: "example.com", URL: u}
		found, ok := r.matches(q)
		if !ok {
			return
		}
		to := r.leads(q, found)
		if r.target.base == nil {
			if again, err := url.Parse(to.String()); err != nil || again.Host != "" || !strings.HasPrefix(again.Path, "/") {
				t.Errorf("%q to %q leads %q to %q", source, target, asked, to)
			}
		} else if to.Host != r.target.base.Host {
			t.Errorf("%q to %q leads %q to the host %q", source, target, asked, to.Host)
		}
	})
}

// What parses as headers can be given.
func FuzzHeaders(f *testing.F) {
	f.Add("customHeaders:\n  - pattern: '**/*'\n    headers:\n      - key: X-A\n        value: b\n", "/a")
	f.Add("applications: [{appRoot: a, customHeaders: [{pattern: '*.js', headers: [{key: A, value: b}]}]}]", "/a.js")
	f.Fuzz(func(t *testing.T, text, path string) {
		rules, err := parseHeaders(text, "")
		if err != nil {
			return
		}
		h := http.Header{}
		give(rules, path, h)
		for name, values := range h {
			if strings.ContainsAny(name+values[0], "\r\n") {
				t.Errorf("%q gives %q: %q", text, name, values)
			}
		}
	})
}
