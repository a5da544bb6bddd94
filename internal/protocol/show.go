package protocol

import (
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShown is how many bytes of a value a message repeats. AWS has no limit.
const maxShown = 64 << 10

// show prints v as a message repeats it, with a mark in front that keeps the
// empty string apart from "", which stands for what must not be shown.
func (s *shape) show(v reflect.Value) string {
	if s.secret() {
		return ""
	}
	var b strings.Builder
	b.WriteByte('=')
	s.print(&b, v)
	if b.Len() <= maxShown {
		return b.String()
	}
	text := b.String()[:maxShown]
	for !utf8.ValidString(text[len(text)-min(len(text), utf8.UTFMax):]) && len(text) > maxShown-utf8.UTFMax {
		text = text[:len(text)-1]
	}
	return text + "..."
}

// secret reports whether the shape holds anything sensitive.
func (s *shape) secret() bool {
	return s != nil && (s.sensitive || s.elem.secret() || s.key.secret())
}

// print writes v as Java's toString does.
func (s *shape) print(b *strings.Builder, v reflect.Value) {
	if b.Len() > maxShown {
		return
	}
	switch s.kind {
	case kindString:
		b.WriteString(v.String())
	case kindBool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	case kindInt32, kindInt64:
		b.WriteString(strconv.FormatInt(v.Int(), 10))
	case kindFloat32, kindFloat64:
		b.WriteString(s.number(v.Float()))
	case kindTime:
		b.Write(appendTime(nil, timeIn(v), timeISO))
	case kindBlob:
		b.WriteString("java.nio.HeapByteBuffer[pos=0 lim=" + strconv.Itoa(v.Len()) + " cap=" + strconv.Itoa(v.Len()) + "]")
	case kindList:
		s.printList(b, v)
	case kindMap:
		s.printMap(b, v)
	case kindStruct:
		s.structure.print(b, v)
	}
}

func (s *shape) printList(b *strings.Builder, v reflect.Value) {
	b.WriteByte('[')
	for i := range v.Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		if x, ok := s.elem.present(v.Index(i)); ok {
			s.elem.print(b, x)
		} else {
			b.WriteString("null")
		}
	}
	b.WriteByte(']')
}

func (s *shape) printMap(b *strings.Builder, v reflect.Value) {
	b.WriteByte('{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(k.String() + "=")
		if x, ok := s.elem.present(v.MapIndex(k)); ok {
			s.elem.print(b, x)
		} else {
			b.WriteString("null")
		}
	}
	b.WriteByte('}')
}

func (s *structure) print(b *strings.Builder, v reflect.Value) {
	b.WriteString(s.name + "(")
	sep := ""
	for i := range s.fields {
		f := &s.fields[i]
		x, ok := f.present(v.Field(f.index))
		if !ok {
			continue
		}
		b.WriteString(sep + lowerFirst(f.goName) + "=")
		sep = ", "
		if f.secret() {
			b.WriteString("***")
		} else {
			f.print(b, x)
		}
	}
	b.WriteByte(')')
}
