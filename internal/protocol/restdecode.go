package protocol

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// A request is what a REST operation's input is read from.
type request struct {
	*http.Request
	labels []label
	query  url.Values
	body   string
	xml    bool
}

// rest fills v, an input, from the parts of a request.
func (d *decoder) rest(r *request, s *structure, v reflect.Value) error {
	var seen uint64
	if s.bound {
		for i := range s.fields {
			f := &s.fields[i]
			if f.place == inBody {
				continue
			}
			d.enter(step{field: f})
			found, err := r.bind(f, v.Field(f.index))
			d.leave()
			if err != nil {
				return err
			}
			if found {
				seen |= f.bit
			}
		}
	}
	if f := s.payload; f != nil {
		d.end(s, seen|f.bit)
		return d.payload(r, f, v.Field(f.index))
	}
	if r.body == "" || len(s.body) == 0 {
		d.end(s, seen)
		return nil
	}
	d.given = seen
	if r.xml {
		return d.decodeXML(r.body, s, v)
	}
	return d.decodeJSON(r.body, v)
}

// bind fills the slot v of f from its place outside the body, and reports
// whether there was anything.
func (r *request) bind(f *field, v reflect.Value) (bool, error) {
	switch f.place {
	case inURI:
		for _, l := range r.labels {
			if l.name == f.name {
				return true, f.setText(v, l.value, timeISO)
			}
		}
	case inHeader:
		if values := r.Header[f.name]; len(values) > 0 {
			return true, f.setHeader(v, values)
		}
		// Go's server keeps this one apart.
		if f.name == "Host" && r.Host != "" {
			return true, f.setText(v, r.Host, timeHTTP)
		}
	case inHeaders:
		return r.bindHeaders(f, v), nil
	case inQuery:
		return r.bindQuery(f, v)
	}
	return false, nil
}

func (r *request) bindQuery(f *field, v reflect.Value) (bool, error) {
	if f.kind == kindMap {
		return r.bindParams(f, v), nil
	}
	values, ok := r.query[f.name]
	if !ok {
		return false, nil
	}
	for _, v := range values {
		if !utf8.ValidString(v) {
			return true, errMalformed
		}
	}
	switch {
	case f.kind == kindList:
		return true, f.setTexts(v, values, timeISO)
	case r.xml && values[0] == "" && (f.kind == kindInt32 || f.kind == kindInt64):
		return false, nil // S3 takes no number as none given
	}
	return true, f.setText(v, values[0], timeISO)
}

// bindParams fills a map with all parameters of the query.
func (r *request) bindParams(f *field, v reflect.Value) bool {
	if len(r.query) == 0 {
		return false
	}
	m := reflect.MakeMap(f.typ)
	for k, values := range r.query {
		if f.elem.kind == kindString {
			m.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(values[0]))
		} else {
			m.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(values))
		}
	}
	v.Set(m)
	return true
}

// bindHeaders fills a map with all headers whose names begin as f's does.
func (r *request) bindHeaders(f *field, v reflect.Value) bool {
	var m map[string]string
	for k, values := range r.Header {
		if len(k) > len(f.name) && strings.EqualFold(k[:len(f.name)], f.name) {
			if m == nil {
				m = make(map[string]string)
			}
			m[strings.ToLower(k[len(f.name):])] = strings.Join(values, ",")
		}
	}
	if m == nil {
		return false
	}
	v.Set(reflect.ValueOf(m))
	return true
}

// setHeader fills the slot v from the lines of a header.
func (s *shape) setHeader(v reflect.Value, lines []string) error {
	switch {
	case s.kind == kindList:
		dates := s.elem.kind == kindTime && s.elem.time.or(timeHTTP) == timeHTTP
		return s.setTexts(v, splitHeader(strings.Join(lines, ","), dates), timeHTTP)
	case s.jsonValue:
		text, err := base64.StdEncoding.DecodeString(lines[0])
		if err != nil || !jx.Valid(string(text)) {
			return cannot("JSON")
		}
		return s.setText(v, string(text), timeHTTP)
	}
	return s.setText(v, lines[0], timeHTTP)
}

// setTexts fills a list of scalars.
func (s *shape) setTexts(v reflect.Value, texts []string, usual timeForm) error {
	list := reflect.MakeSlice(s.typ, len(texts), len(texts))
	for i, text := range texts {
		if err := s.elem.setText(list.Index(i), text, usual); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// splitHeader splits a list in a header. Quoted items may hold commas, and
// dates hold one each.
func splitHeader(s string, dates bool) []string {
	var items []string
	if dates {
		parts := strings.Split(s, ",")
		for i := 0; i+1 < len(parts); i += 2 {
			items = append(items, strings.TrimSpace(parts[i]+","+parts[i+1]))
		}
		return items
	}
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		if s[0] != '"' {
			var item string
			item, s, _ = strings.Cut(s, ",")
			items = append(items, strings.TrimSpace(item))
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
		}
		items = append(items, b.String())
		_, s, _ = strings.Cut(s[min(i+1, len(s)):], ",")
	}
	return items
}

// payload fills the slot v of f, the member that is the body.
func (d *decoder) payload(r *request, f *field, v reflect.Value) error {
	switch f.kind {
	case kindStream:
		v.Set(reflect.ValueOf(newContent(r.Request)))
		return nil
	case kindBlob:
		if r.body != "" {
			v.SetBytes([]byte(r.body))
		}
		return nil
	case kindDocument:
		if r.body != "" {
			if !jx.Valid(r.body) {
				return jx.ErrSyntax
			}
			v.SetBytes(smithy.Document(r.body))
		}
		return nil
	case kindString:
		if r.body != "" {
			return f.setText(v, r.body, timeISO)
		}
		return nil
	}
	if r.body == "" {
		return nil
	}
	d.enter(step{field: f})
	defer d.leave()
	if r.xml {
		root, err := parseXML(r.body)
		if err != nil {
			return err
		}
		return d.xmlValue(root, &f.shape, v)
	}
	j := jx.NewReader(r.body)
	d.jsonValue(j, &f.shape, v)
	return j.End()
}
