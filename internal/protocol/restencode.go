package protocol

import (
	"encoding/base64"
	"io"
	"net/http"
	"reflect"
	"strings"
)

const xmlProlog = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// encodeREST answers with v, an output whose members are bound to the parts
// of the answer.
func (x *Exchange) encodeREST(w http.ResponseWriter, s *structure, v reflect.Value, requestID string) error {
	status := x.Op.Status
	if status == 0 {
		status = http.StatusOK
	}
	h := w.Header()
	if s.bound {
		status = bindOut(h, s, v, status)
	}
	if f := s.payload; f != nil && f.kind == kindStream {
		x.identify(h, requestID)
		r, ok := v.Field(f.index).Interface().(io.Reader)
		if !ok {
			r = http.NoBody
		}
		if h["Content-Type"] == nil {
			h["Content-Type"] = []string{"application/octet-stream"}
		}
		return stream(w, status, r, x.head)
	}
	p := buffers.Get().(*[]byte)
	b := x.appendREST((*p)[:0], h, s, v)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		b = b[:0]
	}
	err := x.send(w, status, b, requestID)
	keep(p, b)
	return err
}

// appendREST appends the body of an answer.
func (x *Exchange) appendREST(b []byte, h http.Header, s *structure, v reflect.Value) []byte {
	isXML := x.contentType() == "application/xml"
	if s.payload != nil {
		return x.appendPayload(b, h, s.payload, v.Field(s.payload.index), isXML)
	}
	switch {
	case !isXML:
		return wireNames.jsonStruct(b, s, v)
	case len(s.body) == 0:
		return b
	}
	if x.Op.Unwrapped {
		for _, f := range s.body {
			if m, ok := f.present(v.Field(f.index)); ok {
				return x.appendElement(b, f, m)
			}
		}
		return b
	}
	root := x.Op.Result
	if root == "" {
		root = x.Op.Name + "Result"
	}
	b = append(append(append(b, xmlProlog...), '<'), root...)
	if ns := x.api.namespace(); ns != "" {
		b = appendXMLAttr(b, "xmlns", ns)
	}
	b = append(s.appendAttrs(b, v), '>')
	b = xmlWriter{millis: x.api.quirks.millis}.members(b, s, v)
	return closeXML(b, root)
}

// namespace is that of documents in XML. S3's model leaves it out.
func (a *API) namespace() string {
	if a.svc.XMLNamespace == "" && a.svc.Name == "s3" {
		return "http://s3.amazonaws.com/doc/2006-03-01/"
	}
	return a.svc.XMLNamespace
}

// appendPayload appends the body of an answer that is one member.
func (x *Exchange) appendPayload(b []byte, h http.Header, f *field, slot reflect.Value, isXML bool) []byte {
	v, ok := f.present(slot)
	if !ok {
		return b
	}
	usual := ""
	switch f.kind {
	case kindBlob:
		if usual = x.api.quirks.payloadType; usual == "" {
			usual = "application/octet-stream"
		}
		b = append(b, v.Bytes()...)
	case kindString:
		usual = "text/plain"
		b = append(b, v.String()...)
	default:
		if !isXML {
			return wireNames.jsonValue(b, &f.shape, v)
		}
		b = x.appendElement(b, f, v)
	}
	if usual != "" && h["Content-Type"] == nil && len(b) > 0 {
		h["Content-Type"] = []string{usual}
	}
	return b
}

// appendElement appends v, a member that is all of the document.
func (x *Exchange) appendElement(b []byte, f *field, v reflect.Value) []byte {
	b = append(b, xmlProlog...)
	start := len(b)
	b = xmlWriter{millis: x.api.quirks.millis}.field(b, f, v)
	ns := x.api.namespace()
	if ns == "" || f.ns != "" {
		return b
	}
	at := start + 1 + len(f.name)
	rest := string(b[at:])
	return append(appendXMLAttr(b[:at], "xmlns", ns), rest...)
}

// bindOut puts the members of v that are not in the body in their places, and
// returns the status.
func bindOut(h http.Header, s *structure, v reflect.Value, status int) int {
	for i := range s.fields {
		f := &s.fields[i]
		if f.place == inBody {
			continue
		}
		x, ok := f.present(v.Field(f.index))
		if !ok {
			continue
		}
		switch f.place {
		case inStatus:
			if n := int(x.Int()); n >= 200 && n < 600 {
				status = n
			}
		case inHeader:
			if text := headerText(&f.shape, x); text != "" {
				h[f.name] = []string{text}
			}
		case inHeaders:
			for _, k := range sortedKeys(x) {
				// As AWS writes them: clients make keys of what they see.
				h[strings.ToLower(f.name+k.String())] = []string{headerText(f.elem, x.MapIndex(k))}
			}
		}
	}
	return status
}

// headerText is v as the value of a header.
func headerText(s *shape, v reflect.Value) string {
	switch {
	case s.kind == kindList:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = headerText(s.elem, v.Index(i))
			if s.elem.kind == kindString && strings.ContainsAny(items[i], `",`) {
				items[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(items[i]) + `"`
			}
		}
		return strings.Join(items, ", ")
	case s.kind == kindBlob:
		return base64.StdEncoding.EncodeToString(v.Bytes())
	case s.jsonValue:
		return base64.StdEncoding.EncodeToString([]byte(v.String()))
	}
	return string(s.appendText(nil, v, timeHTTP))
}
