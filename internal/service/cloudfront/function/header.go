package function

import (
	"net/http"
	"slices"
	"strings"
)

// Events are the points of a request's way at which functions see it.
const (
	ViewerRequest  = "viewer-request"
	OriginRequest  = "origin-request"
	OriginResponse = "origin-response"
	ViewerResponse = "viewer-response"
)

// hidden are headers that functions neither see nor add, from AWS's guide
// "Restrictions on edge functions". Those that end in a hyphen begin others.
var hidden = []string{
	"connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer", "upgrade", "x-accel-", "x-amz-cf-", "x-amzn-auth",
	"x-amzn-cf-", "x-amzn-errortype", "x-amzn-fle-profile", "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache", "x-edge-",
	"x-forwarded-proto", "x-real-ip",
}

func isHidden(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(hidden, func(h string) bool { return h == name || strings.HasSuffix(h, "-") && strings.HasPrefix(name, h) })
}

// readOnly are headers that functions see and may not change, by event.
var readOnly = map[string][]string{
	ViewerRequest:  {"Content-Length", "Host", "Transfer-Encoding", "Via"},
	OriginRequest:  {"Accept-Encoding", "Content-Length", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Transfer-Encoding", "Via"},
	OriginResponse: {"Transfer-Encoding", "Via"},
	ViewerResponse: {"Content-Encoding", "Content-Length", "Transfer-Encoding", "Warning", "Via"},
}

// changesReadOnly reports whether a header that must stay is not as it was.
func changesReadOnly(event string, was, is http.Header) bool {
	return slices.ContainsFunc(readOnly[event], func(name string) bool { return !slices.Equal(was[name], is[name]) })
}

// visible is the headers that functions see.
func visible(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		if !isHidden(name) {
			out[name] = values
		}
	}
	return out
}

// restore puts what functions do not see of was back into is.
func restore(was, is http.Header) {
	for name, values := range was {
		if isHidden(name) {
			is[name] = values
		}
	}
}

// valid reports whether a header can have a name and a value.
func valid(name, value string) bool {
	const tokens = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return name != "" && strings.Trim(name, tokens) == "" && !strings.ContainsAny(value, "\r\n\x00")
}
