package function

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Bytes of bodies that functions of Lambda are given, or give, by where they are.
const (
	maxViewerBody = 40 << 10
	maxOriginBody = 1 << 20
	maxInvalid    = "The body is not a string, is not an object, or exceeds the maximum size."
)

func maxBody(event string) int {
	if strings.HasPrefix(event, "viewer-") {
		return maxViewerBody
	}
	return maxOriginBody
}

// A Rejected is the error of a function of Lambda that returned what it may not.
type Rejected struct{ Message string }

func (e *Rejected) Error() string { return e.Message }

func rejected(words string) error {
	return &Rejected{"The Lambda function result failed validation: " + words}
}

// What functions of Lambda are given, and return.
type (
	trigger struct {
		Records []record
	}
	record struct {
		CF struct {
			Config   config    `json:"config"`
			Request  *request  `json:"request"`
			Response *response `json:"response,omitempty"`
		} `json:"cf"`
	}
	config struct {
		Domain       string `json:"distributionDomainName"`
		Distribution string `json:"distributionId"`
		Event        string `json:"eventType"`
		RequestID    string `json:"requestId"`
	}
	field struct{ key, value string }

	request struct {
		IP      string         `json:"clientIp"`
		Headers Fields         `json:"headers"`
		Method  string         `json:"method"`
		Origin  *TriggerOrigin `json:"origin,omitempty"`
		Query   string         `json:"querystring"`
		URI     string         `json:"uri"`
		Body    *body          `json:"body,omitempty"`
	}
	response struct {
		Headers     Fields  `json:"headers"`
		Status      string  `json:"status"`
		Description string  `json:"statusDescription"`
		Body        *string `json:"body,omitempty"`
		Encoding    string  `json:"bodyEncoding,omitempty"`
	}
	body struct {
		Action    string `json:"action"`
		Data      string `json:"data"`
		Encoding  string `json:"encoding"`
		Truncated bool   `json:"inputTruncated"`
	}
)

// Fields are headers by their names in small letters.
type Fields map[string][]field

// A TriggerOrigin is the origin that a request is on its way to, a bucket or a
// server, as functions of Lambda see and change it.
type TriggerOrigin struct {
	S3     *TriggerBucket `json:"s3,omitempty"`
	Custom *TriggerServer `json:"custom,omitempty"`
}

// A TriggerBucket is a bucket.
type TriggerBucket struct {
	AuthMethod    string `json:"authMethod"`
	CustomHeaders Fields `json:"customHeaders"`
	DomainName    string `json:"domainName"`
	Path          string `json:"path"`
	Region        string `json:"region"`
}

// A TriggerServer is a server.
type TriggerServer struct {
	CustomHeaders Fields   `json:"customHeaders"`
	DomainName    string   `json:"domainName"`
	KeepAlive     int32    `json:"keepaliveTimeout"`
	Path          string   `json:"path"`
	Port          int32    `json:"port"`
	Protocol      string   `json:"protocol"`
	ReadTimeout   int32    `json:"readTimeout"`
	SSLProtocols  []string `json:"sslProtocols"`
}

// NewFields are headers by name, as functions of Lambda see them.
func NewFields(h http.Header) Fields {
	out := make(Fields, len(h))
	for name, values := range h {
		for _, v := range values {
			out[strings.ToLower(name)] = append(out[strings.ToLower(name)], field{name, v})
		}
	}
	return out
}

// Header returns the headers that f has.
func (f Fields) Header() http.Header {
	h := make(http.Header)
	for name, all := range f {
		for _, one := range all {
			h.Add(name, one.value)
		}
	}
	return h
}

// MarshalJSON writes a field.
func (f field) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"key": f.key, "value": f.value})
}

// UnmarshalJSON reads a field. A value may be a number.
func (f *field) UnmarshalJSON(b []byte) error {
	var in struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return err
	}
	f.key = in.Key
	switch v := in.Value.(type) {
	case string:
		f.value = v
	case json.Number:
		f.value = v.String()
	default:
		return errAsked
	}
	return nil
}

// UnmarshalJSON reads a status, which may be a number, and the rest.
func (r *response) UnmarshalJSON(b []byte) error {
	type plain response
	in := struct {
		*plain
		Status json.RawMessage `json:"status"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	r.Status = strings.Trim(string(in.Status), `"`)
	return nil
}

// NewTrigger is the event of a function of Lambda. sent is the body of the
// request, if the function is to see it; origin is where it goes, if that is
// known yet.
func NewTrigger(c Context, r *http.Request, sent []byte, sees bool, origin *TriggerOrigin, a *Answer) ([]byte, error) {
	var one record
	one.CF.Config = config{c.Domain, c.Distribution, c.Event, c.RequestID}
	q := &request{IP: c.IP, Headers: NewFields(withHost(visible(r.Header), r.Host)), Method: r.Method, Origin: origin, Query: r.URL.RawQuery, URI: r.URL.EscapedPath()}
	if sees {
		n := min(len(sent), maxBody(c.Event))
		q.Body = &body{"read-only", base64.StdEncoding.EncodeToString(sent[:n]), "base64", n < len(sent)}
	}
	one.CF.Request = q
	if a != nil {
		one.CF.Response = &response{Headers: NewFields(visible(a.Header)), Status: strconv.Itoa(a.Status), Description: a.Description}
	}
	return json.Marshal(trigger{[]record{one}})
}

// A Turn is what a function of Lambda made of a request: an answer, or another
// request.
type Turn struct {
	Answer  *Answer
	Request *http.Request
	Body    []byte
	Host    string // that the request names
	Origin  *TriggerOrigin
}

// object refuses what is no object of JSON.
func object(raw []byte) error {
	if text := bytes.TrimSpace(raw); len(text) == 0 || text[0] != '{' {
		return &Rejected{"The Lambda function returned invalid json: The json output must be an object type."}
	}
	return nil
}

// TakeTurn reads what a function returned that was given r with the body sent.
func TakeTurn(event string, raw []byte, r *http.Request, sent []byte) (*Turn, error) {
	if err := object(raw); err != nil {
		return nil, err
	}
	var kind struct {
		Status json.RawMessage `json:"status"`
	}
	if json.Unmarshal(raw, &kind) == nil && len(kind.Status) > 0 {
		a, err := takeResponse(event, raw, nil)
		return &Turn{Answer: a}, err
	}
	var q request
	if err := json.Unmarshal(raw, &q); err != nil {
		return nil, errForm(err)
	}
	header, err := q.Headers.take(event, withHost(r.Header, r.Host))
	if err != nil {
		return nil, err
	}
	host := header.Get("Host")
	header.Del("Host")
	if !strings.HasPrefix(q.URI, "/") {
		return nil, rejected("The URI must begin with '/'.")
	}
	out, err := moved(r, q.URI, q.Query, header)
	if err != nil {
		return nil, rejected("The URI or the query string is not encoded.")
	}
	t := &Turn{Request: out, Body: sent, Host: host, Origin: q.Origin}
	if q.Method != "" {
		out.Method = q.Method
	}
	if q.Body != nil && q.Body.Action == "replace" {
		if t.Body, err = decoded(q.Body.Data, q.Body.Encoding); err != nil || len(t.Body) > maxBody(event) {
			return nil, rejected(maxInvalid)
		}
		out.Header.Set("Content-Length", strconv.Itoa(len(t.Body)))
	}
	return t, nil
}

// TakeResponse reads what a function made of an answer.
func TakeResponse(event string, raw []byte, was *Answer) (*Answer, error) {
	if err := object(raw); err != nil {
		return nil, err
	}
	a, err := takeResponse(event, raw, was)
	if err == nil && event == ViewerResponse { // which may not change it
		a.Status, a.Description = was.Status, was.Description
	}
	return a, err
}

func takeResponse(event string, raw []byte, was *Answer) (*Answer, error) {
	var in response
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, errForm(err)
	}
	status, err := strconv.Atoi(in.Status)
	if err != nil || status < 100 || status > 599 {
		return nil, rejected("The status code is not valid.")
	}
	a := &Answer{Status: status, Description: in.Description}
	if was == nil {
		event = "" // whose headers are all its own
	} else {
		a.Header = was.Header
	}
	if a.Header, err = in.Headers.take(event, a.Header); err != nil {
		return nil, err
	}
	if in.Body != nil {
		if a.Body, err = decoded(*in.Body, in.Encoding); err != nil || len(*in.Body) > maxOriginBody {
			return nil, rejected(maxInvalid)
		}
		a.Header.Del("Content-Length")
	}
	return a, nil
}

func errForm(err error) error {
	if strings.Contains(err.Error(), "headers") {
		return &Rejected{"The Lambda function returned an invalid entry in the headers object: Each header entry in the headers object must be an array."}
	}
	return rejected(maxInvalid)
}

// take returns the headers that a function returned, which had others.
func (f Fields) take(event string, was http.Header) (http.Header, error) {
	for name, all := range f {
		for _, one := range all {
			if isHidden(name) {
				return nil, rejected("The function tried to add, delete, or change a disallowed header.")
			}
			if one.key != "" && !strings.EqualFold(one.key, name) || !valid(name, one.value) {
				return nil, rejected("The function returned a header that is not valid: " + name)
			}
		}
	}
	h := f.Header()
	if changesReadOnly(event, was, h) {
		return nil, rejected("The function tried to add, delete, or change a read-only header.")
	}
	restore(was, h)
	return h, nil
}

func decoded(data, encoding string) ([]byte, error) {
	if encoding != "base64" {
		return []byte(data), nil
	}
	return io.ReadAll(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
}
