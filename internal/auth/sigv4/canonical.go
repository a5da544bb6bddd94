package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A variant is one way of writing the parts of a request that clients and
// proxies write differently. The first is what the specification says; the
// others are tried when it does not fit.
type variant struct {
	path string // canonical
	host string

	tokenless bool // the query is signed without the session token
}

// variants appends to vs the forms in which r may have been signed.
func variants(vs []variant, r *http.Request, s3 bool) []variant {
	raw := sentPath(r)
	if raw == "" {
		raw = "/"
	}
	first, second := raw, ""
	if s3 {
		// As received; or with every byte that may be escaped escaped, as S3
		// itself understands what a client sent plain.
		if !plainPath(raw) {
			second = string(appendEscaped(nil, r.URL.Path, true))
		}
	} else {
		// What was received counts as unescaped. Some signers also remove dots
		// and double slashes, and some do not.
		if !plainPath(raw) {
			first = string(appendEscaped(nil, raw, true))
		}
		if clean := removeDots(raw); clean != raw {
			second = string(appendEscaped(nil, clean, true))
		}
	}
	host := r.Host
	vs = append(vs, variant{path: first, host: host})
	if second != "" && second != first {
		vs = append(vs, variant{path: second, host: host})
	}
	// Behind a mapped port, clients sign the name alone.
	if bare := withoutPort(host); bare != host {
		for _, v := range vs {
			vs = append(vs, variant{path: v.path, host: bare})
		}
	}
	return vs
}

// withoutPort returns "localhost" for "localhost:4566" and "[::1]" for "[::1]:4566".
func withoutPort(host string) string {
	i := strings.LastIndexByte(host, ':')
	if i <= 0 || strings.Trim(host[i+1:], "0123456789") != "" {
		return host
	}
	if host[i-1] != ']' && strings.IndexByte(host, ':') < i {
		return host // an IPv6 address without brackets
	}
	return host[:i]
}

// appendCanonical appends the canonical form of r, as v says, to b.
func (s *Signature) appendCanonical(b []byte, r *http.Request, v variant, payload string) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, v.path...)
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery, v.tokenless)
	b = append(b, '\n')
	for rest := s.headers; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, ";")
		b = append(b, name...)
		b = append(b, ':')
		b = appendHeader(b, r, v, name)
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, s.headers...)
	b = append(b, '\n')
	return append(b, payload...)
}

// appendHeader appends the values of a header, given in lower case: joined,
// without space around them, and with runs of spaces folded into one.
func appendHeader(b []byte, r *http.Request, v variant, name string) []byte {
	switch name {
	case "host":
		return append(b, v.host...)
	case "content-length":
		if len(r.Header["Content-Length"]) == 0 && r.ContentLength >= 0 {
			return strconv.AppendInt(b, r.ContentLength, 10)
		}
	case "transfer-encoding":
		return append(b, strings.Join(r.TransferEncoding, ",")...)
	}
	for i, value := range r.Header[canonicalName(name)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFolded(b, value)
	}
	return b
}

func appendFolded(b []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") {
		return append(b, value...)
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // value does not begin with a space
			b = append(b, value[i])
		}
	}
	return b
}

// canonicalName is http.CanonicalHeaderKey without its work for what SDKs sign.
func canonicalName(name string) string {
	switch name {
	case "x-amz-date":
		return "X-Amz-Date"
	case "x-amz-target":
		return "X-Amz-Target"
	case "x-amz-content-sha256":
		return "X-Amz-Content-Sha256"
	case "x-amz-security-token":
		return "X-Amz-Security-Token"
	case "content-type":
		return "Content-Type"
	case "amz-sdk-invocation-id":
		return "Amz-Sdk-Invocation-Id"
	case "amz-sdk-request":
		return "Amz-Sdk-Request"
	case "accept-encoding":
		return "Accept-Encoding"
	case "user-agent":
		return "User-Agent"
	}
	return http.CanonicalHeaderKey(name)
}

// appendQuery appends the parameters of a raw query, escaped anew and sorted,
// all but the signature itself, and the session token if it was added after.
func appendQuery(b []byte, raw string, tokenless bool) []byte {
	if raw == "" {
		return b
	}
	type param struct{ name, value string }
	var room [8]param
	params := room[:0]
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		name, value, _ := strings.Cut(part, "=")
		if part == "" || name == "X-Amz-Signature" || tokenless && name == "X-Amz-Security-Token" {
			continue
		}
		params = append(params, param{reescape(name), reescape(value)})
	}
	slices.SortFunc(params, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b
}

// reescape takes one component of a query as clients write it and writes it as
// signers do. A percent sign that begins no escape is one.
func reescape(s string) string {
	if plain(s) {
		return s
	}
	raw := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && s[i+1] != '+' {
				c = byte(n)
				i += 2
			}
		}
		raw = append(raw, c)
	}
	return string(appendEscaped(nil, string(raw), false))
}

// unreserved reports whether c is written as it is.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '_' || c == '.' || c == '~'
}

func plain(s string) bool {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return false
		}
	}
	return true
}

func plainPath(s string) bool {
	for i := range len(s) {
		if !unreserved(s[i]) && s[i] != '/' {
			return false
		}
	}
	return true
}

// appendEscaped appends s with all but the unreserved bytes, and slashes if
// asked, as %XX.
func appendEscaped(b []byte, s string, slash bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; unreserved(c) || slash && c == '/' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// removeDots resolves "." and ".." in a path and removes empty segments, as
// signers do for all services but S3.
func removeDots(p string) string {
	if !strings.Contains(p, "/.") && !strings.Contains(p, "//") {
		return p
	}
	var out []string
	for segment := range strings.SplitSeq(p, "/") {
		switch segment {
		case "", ".":
		case "..":
			out = out[:max(len(out)-1, 0)]
		default:
			out = append(out, segment)
		}
	}
	clean := "/" + strings.Join(out, "/")
	if strings.HasSuffix(p, "/") && len(out) > 0 {
		clean += "/"
	}
	return clean
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
