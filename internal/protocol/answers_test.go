package protocol

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// exchange is one of the case's operation, as Match would return it.
func (m *vectorModel) exchange(c *vectorCase) *Exchange {
	svc := m.service(c)
	return &Exchange{api: New(svc), Op: &svc.Operations[0], Protocol: svc.Protocols[0], json: svc.JSONVersion}
}

func TestAnswerVectors(t *testing.T) {
	eachCase(t, "output", func(t *testing.T, m *vectorModel, c *vectorCase) error {
		if c.Error != nil || c.ErrorCode != "" {
			return m.refusal(c)
		}
		x := m.exchange(c)
		out := x.Op.NewOutput()
		if c.Result != nil {
			set(reflect.ValueOf(out).Elem(), c.Result)
		}
		w := httptest.NewRecorder()
		if err := x.Encode(w, out, "example-id"); err != nil {
			return err
		}
		if w.Code != c.Response.StatusCode {
			return fmt.Errorf("got status %d, want %d", w.Code, c.Response.StatusCode)
		}
		if err := sameHeaders(w.Header(), c.Response.Headers); err != nil {
			return err
		}
		return x.sameBody(w.Body.String(), c.Response.Body, out)
	})
}

func sameHeaders(got http.Header, want map[string]string) error {
	seen := make(http.Header) // some are written in small letters
	for k, values := range got {
		seen[http.CanonicalHeaderKey(k)] = values
	}
	for k, v := range want {
		if g := seen.Get(k); g != v && !strings.EqualFold(k, "Content-Length") && k != "X-Amzn-Requestid" {
			return fmt.Errorf("header %s: got %q, want %q", k, g, v)
		}
	}
	return nil
}

// sameBody compares what came out with the published body as far as the
// protocol cares, and with out, the value it came from.
func (x *Exchange) sameBody(got, want string, out any) error {
	s := planOf(reflect.TypeOf(out).Elem())
	if s.payload != nil && s.payload.kind != kindStruct && s.payload.kind != kindDocument {
		if got != want {
			return fmt.Errorf("got body %q, want %q", got, want)
		}
		return nil
	}
	switch x.contentType() {
	case "application/cbor":
		raw, err := base64.StdEncoding.DecodeString(want)
		if err != nil {
			return err
		}
		for _, body := range []string{got, string(raw)} {
			back := reflect.New(s.typ)
			if err := new(decoder).decodeCBOR(body, s, back.Elem()); err != nil {
				return err
			}
			if err := same(plain(back.Elem()), plain(reflect.ValueOf(out).Elem())); err != nil {
				return err
			}
		}
		return nil
	case "application/xml", "text/xml", "text/xml;charset=UTF-8":
		return sameXML(got, want)
	}
	return sameJSON(got, want)
}

func sameJSON(got, want string) error {
	if got == "" || want == "" {
		if strings.Trim(got+want, "{} \n") == "" {
			return nil
		}
		return fmt.Errorf("got body %q, want %q", got, want)
	}
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return err
	}
	return same(g, w)
}

func sameXML(got, want string) error {
	if got == "" && want == "" {
		return nil
	}
	g, err := parseXML(got)
	if err != nil {
		return fmt.Errorf("%w: %q", err, got)
	}
	w, err := parseXML(want)
	if err != nil {
		return err
	}
	if g, w := g.canonical(), w.canonical(); g != w {
		return fmt.Errorf("\n got %s\nwant %s", g, w)
	}
	return nil
}

// canonical prints e without what protocols leave open: the order of members,
// namespaces, and the parts of an envelope that differ by service.
func (e *element) canonical() string {
	var kids []string
	for _, k := range e.kids {
		switch k.name {
		case "RequestId", "requestId", "RequestID", "ResponseMetadata":
		default:
			kids = append(kids, k.canonical())
		}
	}
	slices.Sort(kids)
	text := strings.TrimSpace(e.text)
	var attrs []string
	for _, a := range e.attrs {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			attrs = append(attrs, " "+a.Name.Local+"="+a.Value)
		}
	}
	return "<" + e.name + strings.Join(attrs, "") + ">" + text + strings.Join(kids, "") + "</>"
}

// refusal encodes the error of a case.
func (m *vectorModel) refusal(c *vectorCase) error {
	x := m.exchange(c)
	name := c.ErrorCode
	var shape string
	for _, r := range c.Given.Errors {
		shape = r.Shape
	}
	s := m.Shapes[shape]
	fault := aws.Fault{Code: name, Status: c.Response.StatusCode}
	if i := strings.LastIndexAny(c.ErrorCode, "#:"); i >= 0 {
		fault.Code = c.ErrorCode[i+1:]
	}
	var detail any
	if s != nil {
		delete(s.Members, "message")
		delete(s.Members, "Message")
		maker := &typeMaker{shapes: m.Shapes, protocol: m.Metadata.Protocol, busy: make(map[string]int)}
		v := reflect.New(maker.structure(shape))
		if members, ok := c.Error.(map[string]any); ok {
			set(v.Elem(), members)
		}
		detail = v.Interface()
	}
	w := httptest.NewRecorder()
	if err := x.EncodeError(w, fault.With(detail, c.ErrorMessage), "example-id"); err != nil {
		return err
	}
	if w.Code != c.Response.StatusCode {
		return fmt.Errorf("got status %d, want %d", w.Code, c.Response.StatusCode)
	}
	if want := c.Response.Headers["X-Header"]; w.Header().Get("X-Header") != want {
		return fmt.Errorf("got X-Header %q, want %q", w.Header().Get("X-Header"), want)
	}
	return x.sameError(w, c, detail)
}

// sameError reads a refusal as SDKs do: they look for code and message in
// several places, and for members at theirs.
func (x *Exchange) sameError(w *httptest.ResponseRecorder, c *vectorCase, detail any) error {
	body := w.Body.String()
	switch x.Protocol {
	case smithy.Query, smithy.EC2, smithy.RESTXML:
		return sameXML(body, c.Response.Body)
	case smithy.CBOR:
		return nil
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		return err
	}
	code, _ := got["__type"].(string)
	if x.Protocol == smithy.RESTJSON {
		code = w.Header().Get("X-Amzn-Errortype")
	}
	if want := c.ErrorCode; code != want {
		return fmt.Errorf("got code %q, want %q", code, want)
	}
	delete(got, "__type")
	if m, _ := got["message"].(string); m != c.ErrorMessage {
		return fmt.Errorf("got message %q, want %q", m, c.ErrorMessage)
	}
	delete(got, "message")
	back := reflect.New(reflect.TypeOf(detail).Elem())
	d := decoder{}
	if err := d.decodeJSON(body, back.Elem()); err != nil {
		return err
	}
	return nil
}
