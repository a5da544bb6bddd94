package proxy

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// A Reply is an HTTP answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// ErrMalformed is the error of a return that is no answer.
var ErrMalformed = errors.New("the function returned no HTTP answer")

// A result is what a function returns.
type result struct {
	status  string // as it was written; empty if it was not
	headers map[string]string
	multi   map[string][]string
	cookies []string
	body    string
	base64  bool
}

// ParseReply reads what a function returned for an event of that version.
// Functions that got version 2.0 may return anything: what does not look like
// an answer is the body of one.
func ParseReply(version string, payload []byte) (*Reply, error) {
	text := string(payload)
	if jx.NewReader(text).Kind() != jx.Object {
		return inferred(version, text)
	}
	var r result
	err := r.parse(text)
	switch {
	case errors.Is(err, jx.ErrSyntax) || errors.Is(err, jx.ErrDepth):
		return nil, ErrMalformed
	case r.status == "":
		return inferred(version, text)
	case err != nil:
		return nil, ErrMalformed
	}
	status, err := strconv.Atoi(r.status)
	if err != nil || status < 200 || status > 599 {
		return nil, ErrMalformed
	}
	reply := &Reply{Status: status, Header: r.header(version), Body: []byte(r.body)}
	if r.base64 {
		if reply.Body, err = base64.StdEncoding.DecodeString(r.body); err != nil {
			return nil, ErrMalformed
		}
	}
	if reply.Header["Content-Type"] == nil {
		reply.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return reply, nil
}

// parse fills r. A member of a wrong type is an error, but status is there if
// the return has one, before it or behind.
func (r *result) parse(text string) error {
	j := jx.NewReader(text)
	var wrong error
	j.BeginObject()
	for j.More('}') {
		key := j.Key()
		value := j.Raw()
		if v := jx.NewReader(value); value != "" && !v.Null() {
			r.member(key, v)
			if wrong == nil {
				wrong = v.Err()
			}
		}
	}
	if err := j.End(); err != nil {
		return err
	}
	return wrong
}

func (r *result) member(key string, v *jx.Reader) {
	switch key {
	case "statusCode":
		r.status = scalar(v)
	case "body":
		r.body = v.String()
	case "isBase64Encoded":
		r.base64 = v.Bool()
	case "cookies":
		r.cookies = scalars(v)
	case "headers":
		r.headers = make(map[string]string)
		v.BeginObject()
		for v.More('}') {
			k := v.Key()
			r.headers[k] = scalar(v)
		}
	case "multiValueHeaders":
		r.multi = make(map[string][]string)
		v.BeginObject()
		for v.More('}') {
			k := v.Key()
			r.multi[k] = scalars(v)
		}
	}
}

// scalar reads a string, or a number or boolean as it is written.
func scalar(v *jx.Reader) string {
	switch v.Kind() {
	case jx.Object, jx.Array:
		v.Fail(ErrMalformed)
		return ""
	case jx.String:
		return v.String()
	case jx.Null:
		v.Null()
		return ""
	}
	return v.Raw()
}

func scalars(v *jx.Reader) []string {
	var all []string
	v.BeginArray()
	for v.More(']') {
		all = append(all, scalar(v))
	}
	return all
}

// inferred is the answer that API Gateway makes of any JSON, for version 2.0.
func inferred(version, text string) (*Reply, error) {
	if version == V1 || !jx.Valid(text) {
		return nil, ErrMalformed
	}
	if r := jx.NewReader(text); r.Kind() == jx.String {
		text = r.String()
	}
	return &Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(text)}, nil
}

// hopByHop are headers that belong to a connection, or that the server makes.
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Te": true,
	"Trailer": true, "Transfer-Encoding": true, "Upgrade": true, "Content-Length": true, "Date": true,
}

func (r *result) header(version string) http.Header {
	h := make(http.Header)
	for name, value := range r.headers {
		h.Set(name, value)
	}
	if version == V1 {
		for name, values := range r.multi {
			name = http.CanonicalHeaderKey(name)
			all := slices.Clone(values)
			for _, v := range h[name] { // that of headers goes last, unless it is there already
				if !slices.Contains(all, v) {
					all = append(all, v)
				}
			}
			h[name] = all
		}
	} else {
		for _, c := range r.cookies {
			h.Add("Set-Cookie", c)
		}
	}
	for name := range h {
		if hopByHop[name] || strings.ContainsAny(name, " \r\n:") {
			delete(h, name)
		}
	}
	return h
}
