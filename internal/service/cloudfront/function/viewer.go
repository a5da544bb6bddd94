package function

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// A Context is what functions are told besides the request.
type Context struct {
	Domain, Distribution, Endpoint string
	Event                          string // "viewer-request"
	RequestID                      string
	IP                             string // of the viewer
}

// An Answer is one that a function has made, or changed.
type Answer struct {
	Status      int
	Description string
	Header      http.Header
	Body        []byte // nil: it has none of its own
}

// NewEvent is the event of a script: a request, and the answer to it if there is
// one already.
func NewEvent(c Context, r *http.Request, a *Answer) *tree.Object {
	e := tree.NewObject(
		"version", "1.0",
		"context", tree.NewObject("distributionDomainName", c.Domain, "distributionId", c.Distribution, "eventType", c.Event, "requestId", c.RequestID, "endpoint", c.Endpoint),
		"viewer", tree.NewObject("ip", c.IP),
		"request", requestObject(r),
	)
	if a != nil {
		e.Set("response", answerObject(a))
	}
	return e
}

func requestObject(r *http.Request) *tree.Object {
	query, cookies := new(tree.Object), new(tree.Object)
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, value, _ := strings.Cut(part, "="); name != "" {
			add(query, name, tree.NewObject("value", value))
		}
	}
	for _, line := range r.Header["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name != "" {
				add(cookies, name, tree.NewObject("value", value))
			}
		}
	}
	headers := headersObject(r.Header, "Cookie")
	headers.Set("host", tree.NewObject("value", r.Host))
	return tree.NewObject("method", r.Method, "uri", r.URL.EscapedPath(), "querystring", query, "headers", headers, "cookies", cookies)
}

func answerObject(a *Answer) *tree.Object {
	cookies := new(tree.Object)
	for _, line := range a.Header["Set-Cookie"] {
		pair, attributes, _ := strings.Cut(line, ";")
		if name, value, _ := strings.Cut(strings.TrimSpace(pair), "="); name != "" {
			add(cookies, name, tree.NewObject("value", value, "attributes", strings.TrimSpace(attributes)))
		}
	}
	return tree.NewObject("statusCode", json.Number(strconv.Itoa(a.Status)), "statusDescription", a.Description, "headers", headersObject(a.Header, "Set-Cookie"), "cookies", cookies)
}

func headersObject(h http.Header, but string) *tree.Object {
	out := new(tree.Object)
	for name, values := range visible(h) {
		if name == but {
			continue
		}
		for _, v := range values {
			add(out, strings.ToLower(name), tree.NewObject("value", v))
		}
	}
	return out
}

// add gives an object a value under a name; if there are several, it has all of
// them as multiValue.
func add(o *tree.Object, name string, v *tree.Object) {
	old, found := o.Get(name)
	if !found {
		o.Set(name, v)
		return
	}
	first := old.(*tree.Object)
	all, found := first.Get("multiValue")
	if !found {
		all = []any{first.Clone()}
	}
	first.Set("multiValue", append(all.([]any), v))
}

// TakeRequest returns r as a script has changed it.
func TakeRequest(o *tree.Object, r *http.Request) (*http.Request, error) {
	uri, ok := textOf(o, "uri")
	if !ok || !strings.HasPrefix(uri, "/") {
		return nil, invalid("request.uri must begin with a slash.")
	}
	if method, ok := textOf(o, "method"); !ok || method != r.Method {
		return nil, invalid("request.method must not change.")
	}
	var query, cookies []string
	err := each(o, "querystring", func(name string, v *tree.Object) error {
		value, _ := textOf(v, "value")
		query = append(query, name+"="+value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = each(o, "cookies", func(name string, v *tree.Object) error {
		value, _ := textOf(v, "value")
		cookies = append(cookies, name+"="+value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	header, err := takeHeaders(o, ViewerRequest, withHost(r.Header, r.Host))
	if err != nil {
		return nil, err
	}
	header.Del("Host")
	header.Del("Cookie")
	if len(cookies) > 0 {
		header.Set("Cookie", strings.Join(cookies, "; "))
	}
	return moved(r, uri, strings.Join(query, "&"), header)
}

func withHost(h http.Header, host string) http.Header {
	out := h.Clone()
	out["Host"] = []string{host}
	return out
}

// moved is r for another path, query and headers.
func moved(r *http.Request, uri, query string, header http.Header) (*http.Request, error) {
	out := r.Clone(r.Context())
	path, err := url.PathUnescape(uri)
	if err != nil || strings.ContainsAny(uri, " ?#") || strings.ContainsAny(query, " #\r\n") {
		return nil, invalid("request.uri and request.querystring must be encoded.")
	}
	out.URL.Path, out.URL.RawPath, out.URL.RawQuery, out.Header = path, uri, query, header
	return out, nil
}

// takeHeaders reads the headers of a request or an answer, which had others.
func takeHeaders(o *tree.Object, event string, was http.Header) (http.Header, error) {
	h := make(http.Header)
	err := each(o, "headers", func(name string, v *tree.Object) error {
		value, ok := textOf(v, "value")
		switch {
		case name != strings.ToLower(name):
			return invalid("the name of header %s must be in lower case.", name)
		case !ok || !valid(name, value):
			return invalid("header %s is not valid.", name)
		case isHidden(name):
			return invalid("header %s is not allowed.", name)
		}
		h.Add(name, value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if changesReadOnly(event, was, h) {
		return nil, invalid("The function tried to add, delete, or change a read-only header.")
	}
	restore(was, h)
	return h, nil
}

// each calls f with the values of a member that has them by name.
func each(o *tree.Object, member string, f func(name string, v *tree.Object) error) error {
	all, found := o.Get(member)
	if !found || all == nil {
		return nil
	}
	byName, ok := all.(*tree.Object)
	if !ok {
		return invalid("%s must be an object.", member)
	}
	for name, v := range byName.All() {
		one, ok := v.(*tree.Object)
		if !ok {
			return invalid("%s.%s must be an object.", member, name)
		}
		values := []any{one}
		if many, _ := one.Get("multiValue"); many != nil {
			if values, ok = many.([]any); !ok {
				return invalid("%s.%s.multiValue must be an array.", member, name)
			}
		}
		for _, v := range values {
			one, ok := v.(*tree.Object)
			if !ok {
				return invalid("%s.%s must have a value.", member, name)
			}
			if err := f(name, one); err != nil {
				return err
			}
		}
	}
	return nil
}

func textOf(o *tree.Object, name string) (string, bool) {
	v, _ := o.Get(name)
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// IsAnswer reports whether a script that was given a request has answered it.
func IsAnswer(o *tree.Object) bool {
	_, found := o.Get("statusCode")
	return found
}

// TakeAnswer returns the answer that a script has made, or changed: was is what
// it was given, or nil.
func TakeAnswer(o *tree.Object, was *Answer) (*Answer, error) {
	event, before := ViewerResponse, http.Header{}
	if was != nil {
		before = was.Header
	}
	code, _ := o.Get("statusCode")
	status, ok := tree.Int(code)
	if !ok || status < 100 || status > 599 {
		return nil, invalid("response.statusCode must be a number from 100 to 599.")
	}
	a := &Answer{Status: int(status)}
	a.Description, _ = textOf(o, "statusDescription")
	var err error
	if a.Header, err = takeHeaders(o, event, before); err != nil {
		return nil, err
	}
	a.Header.Del("Set-Cookie")
	err = each(o, "cookies", func(name string, v *tree.Object) error {
		line, _ := textOf(v, "value")
		line = name + "=" + line
		if attributes, _ := textOf(v, "attributes"); attributes != "" {
			line += "; " + attributes
		}
		a.Header.Add("Set-Cookie", line)
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.Body, err = takeBody(o)
	return a, err
}

// takeBody reads the body of an answer: text, or an object that says how it is
// encoded.
func takeBody(o *tree.Object) ([]byte, error) {
	body, found := o.Get("body")
	if !found || body == nil {
		return nil, nil
	}
	if text, ok := body.(string); ok {
		return []byte(text), nil
	}
	whole, _ := body.(*tree.Object)
	data, ok := textOf(whole, "data")
	encoding, _ := textOf(whole, "encoding")
	switch {
	case ok && (encoding == "text" || encoding == ""):
		return []byte(data), nil
	case ok && encoding == "base64":
		if raw, err := base64.StdEncoding.DecodeString(data); err == nil {
			return raw, nil
		}
	}
	return nil, invalid("response.body must be a string, or have data and an encoding.")
}

// ReadEvent reads an event that somebody wrote, to try a script with.
func ReadEvent(text []byte) (*tree.Object, error) {
	v, err := tree.Parse(bytes.TrimSpace(text))
	e, ok := v.(*tree.Object)
	if err != nil || !ok {
		return nil, &Failure{"The event object is not valid JSON."}
	}
	version, _ := textOf(e, "version")
	c, _ := e.Get("context")
	told, _ := c.(*tree.Object)
	kind, _ := textOf(told, "eventType")
	request, _ := e.Get("request")
	response, _ := e.Get("response")
	_, asks := request.(*tree.Object)
	_, answers := response.(*tree.Object)
	switch {
	case version != "1.0":
		return nil, &Failure{"The event object is not valid: version must be 1.0."}
	case !slices.Contains([]string{ViewerRequest, ViewerResponse}, kind):
		return nil, &Failure{"The event object is not valid: context.eventType must be viewer-request or viewer-response."}
	case !asks, kind == ViewerResponse && !answers:
		return nil, &Failure{"The event object is not valid: it has no request, or no response."}
	}
	return e, nil
}
