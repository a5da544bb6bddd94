package protocol

import (
	"encoding/base64"
	"reflect"
	"unicode/utf8"
)

// appendXMLText appends s as the text of an element or the value of an
// attribute. Carriage returns would otherwise reach the reader as line feeds.
func appendXMLText(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		escape, n := "", 1
		switch c := s[i]; {
		case c == '&':
			escape = "&amp;"
		case c == '<':
			escape = "&lt;"
		case c == '>':
			escape = "&gt;"
		case c == '"':
			escape = "&quot;"
		case c == '\r':
			escape = "&#xD;"
		case c == '\n' || c == '\t':
		case c < ' ':
			escape = "\ufffd" // XML has no way to say it
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 || r == 0xfffe || r == 0xffff {
				escape = "\ufffd"
			}
		}
		if escape != "" {
			b = append(b, s[start:i]...)
			b = append(b, escape...)
			start = i + n
		}
		i += n
	}
	return append(b, s[start:]...)
}

func openXML(b []byte, name string) []byte {
	b = append(b, '<')
	b = append(b, name...)
	return append(b, '>')
}

func closeXML(b []byte, name string) []byte {
	b = append(b, "</"...)
	b = append(b, name...)
	return append(b, '>')
}

func appendXMLAttr(b []byte, name, value string) []byte {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, `="`...)
	b = appendXMLText(b, value)
	return append(b, '"')
}

// An xmlWriter knows how a protocol writes timestamps.
type xmlWriter struct {
	millis bool // always say the milliseconds, as S3 does
}

// members appends the members of v as elements, without an element around them.
func (w xmlWriter) members(b []byte, s *structure, v reflect.Value) []byte {
	for i := range s.fields {
		f := &s.fields[i]
		if f.place != inBody || f.attr {
			continue
		}
		if x, ok := f.present(v.Field(f.index)); ok {
			b = w.field(b, f, x)
		}
	}
	return b
}

func (w xmlWriter) field(b []byte, f *field, v reflect.Value) []byte {
	if f.ns == "" {
		return w.value(b, f.xml, &f.shape, v)
	}
	start := len(b)
	b = w.value(b, f.name, &f.shape, v)
	if f.flat && (f.kind == kindList || f.kind == kindMap) {
		return b
	}
	attr := "xmlns"
	if f.nsp != "" {
		attr += ":" + f.nsp
	}
	at := start + 1 + len(f.name)
	rest := string(b[at:])
	return append(appendXMLAttr(b[:at], attr, f.ns), rest...)
}

// attrs appends the attributes of v's element.
func (s *structure) appendAttrs(b []byte, v reflect.Value) []byte {
	for i := range s.fields {
		f := &s.fields[i]
		if !f.attr {
			continue
		}
		if x, ok := f.present(v.Field(f.index)); ok {
			b = appendXMLAttr(b, f.name, string(f.appendText(nil, x, timeISO)))
		}
	}
	return b
}

// value appends v, which is present, as an element of that name.
func (w xmlWriter) value(b []byte, name string, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindList:
		return w.list(b, name, s, v)
	case kindMap:
		return w.mapping(b, name, s, v)
	case kindStruct:
		b = append(b, '<')
		b = append(b, name...)
		b = s.structure.appendAttrs(b, v)
		b = append(b, '>')
		b = w.members(b, s.structure, v)
		return closeXML(b, name)
	}
	b = openXML(b, name)
	b = w.scalar(b, s, v)
	return closeXML(b, name)
}

func (w xmlWriter) scalar(b []byte, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindString:
		return appendXMLText(b, v.String())
	case kindBlob:
		return base64.StdEncoding.AppendEncode(b, v.Bytes())
	case kindTime:
		if w.millis && s.time.or(timeISO) == timeISO {
			return timeIn(v).UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
		}
	}
	return s.appendText(b, v, timeISO)
}

func (w xmlWriter) list(b []byte, name string, s *shape, v reflect.Value) []byte {
	item := s.item
	if s.flat {
		item = name
	} else {
		b = openXML(b, name)
	}
	for i := range v.Len() {
		if x, ok := s.elem.present(v.Index(i)); ok {
			b = w.value(b, item, s.elem, x)
		} else {
			b = closeXML(openXML(b, item), item)
		}
	}
	if !s.flat {
		b = closeXML(b, name)
	}
	return b
}

func (w xmlWriter) mapping(b []byte, name string, s *shape, v reflect.Value) []byte {
	entry := "entry"
	if s.flat {
		entry = name
	} else {
		b = openXML(b, name)
	}
	for _, k := range sortedKeys(v) {
		b = openXML(b, entry)
		b = openXML(b, s.keyName)
		b = appendXMLText(b, k.String())
		b = closeXML(b, s.keyName)
		if x, ok := s.elem.present(v.MapIndex(k)); ok {
			b = w.value(b, s.valueName, s.elem, x)
		}
		b = closeXML(b, entry)
	}
	if !s.flat {
		b = closeXML(b, name)
	}
	return b
}
