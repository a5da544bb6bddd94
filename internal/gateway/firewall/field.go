package firewall

import (
	"encoding/json"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/wafv2"
)

// maxBody is how much of a body rules look at.
const maxBody = 64 << 10

// A field finds the texts of a part of a request.
type field func(q *Request) []string

func fieldOf(f *api.FieldToMatch) (field, error) {
	switch {
	case f.SingleHeader != nil:
		return func(q *Request) []string { return q.header(f.SingleHeader.Name) }, nil
	case f.SingleQueryArgument != nil:
		return func(q *Request) []string {
			var out []string
			for name, values := range q.URL.Query() {
				if strings.EqualFold(name, f.SingleQueryArgument.Name) {
					out = append(out, values...)
				}
			}
			return out
		}, nil
	case f.AllQueryArguments != nil:
		return func(q *Request) []string {
			var out []string
			for name, values := range q.URL.Query() {
				out = append(append(out, name), values...)
			}
			return out
		}, nil
	case f.UriPath != nil:
		return func(q *Request) []string { return []string{q.URL.EscapedPath()} }, nil
	case f.QueryString != nil:
		return func(q *Request) []string { return []string{q.URL.RawQuery} }, nil
	case f.Method != nil:
		return func(q *Request) []string { return []string{q.Method} }, nil
	case f.Body != nil:
		return func(q *Request) []string { return []string{string(q.Body[:min(len(q.Body), maxBody)])} }, nil
	case f.Headers != nil:
		p := f.Headers.MatchPattern
		return func(q *Request) []string {
			return q.pairs(q.headers(), f.Headers.MatchScope, p.IncludedHeaders, p.ExcludedHeaders)
		}, nil
	case f.Cookies != nil:
		p := f.Cookies.MatchPattern
		return func(q *Request) []string {
			return q.pairs(q.cookies(), f.Cookies.MatchScope, p.IncludedCookies, p.ExcludedCookies)
		}, nil
	case f.JsonBody != nil && f.JsonBody.MatchPattern.All != nil:
		return func(q *Request) []string { return jsonTexts(q.Body, f.JsonBody.MatchScope) }, nil
	}
	return nil, &Lack{"a FieldToMatch of paths in JSON, orders of headers, fingerprints or fragments"}
}

func (q *Request) header(name string) []string {
	if strings.EqualFold(name, "host") {
		return []string{q.Host}
	}
	return q.Header.Values(name)
}

func (q *Request) headers() map[string][]string {
	out := map[string][]string{"Host": {q.Host}}
	for name, values := range q.Header {
		out[name] = values
	}
	return out
}

func (q *Request) cookies() map[string][]string {
	out := make(map[string][]string)
	for _, c := range q.Cookies() {
		out[c.Name] = append(out[c.Name], c.Value)
	}
	return out
}

// pairs are the names or values, or both, of those that are meant.
func (q *Request) pairs(all map[string][]string, scope string, only, but []string) []string {
	has := func(list []string, name string) bool {
		return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
	}
	var out []string
	for name, values := range all {
		if len(only) > 0 && !has(only, name) || has(but, name) {
			continue
		}
		if scope != "VALUE" {
			out = append(out, name)
		}
		if scope != "KEY" {
			out = append(out, values...)
		}
	}
	return out
}

// jsonTexts are the keys or values, or both, of a body of JSON; one that is none
// is a text.
func jsonTexts(body []byte, scope string) []string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return []string{string(body[:min(len(body), maxBody)])}
	}
	var out []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				if scope != "VALUE" {
					out = append(out, key)
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		case string:
			if scope != "KEY" {
				out = append(out, v)
			}
		case nil:
		default:
			if text, err := json.Marshal(v); err == nil && scope != "KEY" {
				out = append(out, string(text))
			}
		}
	}
	walk(v)
	return out
}
