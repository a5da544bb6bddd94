package protocol

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// names chooses what members are called in JSON.
type names uint8

const (
	wireNames  names = iota // of the body; members in other places are left out
	modelNames              // as in the API's documentation, wherever the member is
	lowerNames              // likewise, of models whose members begin with a small letter
	taskNames               // as in the API's documentation, in results of tasks of Step Functions
)

// key appends the name of f and a colon, or nothing if f does not travel there.
func (n names) key(b []byte, f *field) []byte {
	switch {
	case n == wireNames:
		return append(b, f.jsonKey...)
	case n == lowerNames:
		return jx.AppendKey(b, lowerFirst(f.goName))
	}
	return jx.AppendKey(b, f.goName)
}

// present returns the value in the slot v, or false if it is absent.
func (s *shape) present(v reflect.Value) (reflect.Value, bool) {
	if s.ptr {
		return v.Elem(), !v.IsNil()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface, reflect.Func:
		return v, !v.IsNil()
	}
	return v, true
}

// jsonStruct appends v as a JSON object.
func (n names) jsonStruct(b []byte, s *structure, v reflect.Value) []byte {
	b = append(b, '{')
	start := len(b)
	for i := range s.fields {
		f := &s.fields[i]
		if n == wireNames && f.place != inBody {
			continue
		}
		if f.kind == kindEvents && n == wireNames {
			continue // sent apart
		}
		if x, ok := f.present(v.Field(f.index)); ok {
			b = n.key(b, f)
			b = n.jsonValue(b, &f.shape, x)
			b = append(b, ',')
		}
	}
	return jx.Close(b, start, '}')
}

// jsonValue appends v, which is present.
func (n names) jsonValue(b []byte, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindString:
		return jx.AppendString(b, v.String())
	case kindBool:
		return strconv.AppendBool(b, v.Bool())
	case kindInt32, kindInt64:
		return strconv.AppendInt(b, v.Int(), 10)
	case kindFloat32:
		return jx.AppendFloat(b, v.Float(), 32)
	case kindFloat64:
		return jx.AppendFloat(b, v.Float(), 64)
	case kindTime:
		return n.appendMoment(b, timeIn(v), s.time)
	case kindBlob:
		return n.appendBytes(b, v.Bytes())
	case kindStream:
		return n.appendBytes(b, streamed(v))
	case kindDocument:
		return appendDocument(b, v.Bytes())
	case kindStruct:
		return n.jsonStruct(b, s.structure, v)
	case kindList:
		return n.jsonList(b, s, v)
	case kindMap:
		return n.jsonMap(b, s, v)
	case kindEvents:
		return n.jsonEvents(b, s, v)
	case kindCodec:
		return addressable(v).Addr().Interface().(jx.Codec).AppendJSON(b)
	}
	return append(b, "null"...)
}

func (n names) jsonList(b []byte, s *shape, v reflect.Value) []byte {
	b = append(b, '[')
	start := len(b)
	for i := range v.Len() {
		if x, ok := s.elem.present(v.Index(i)); ok {
			b = n.jsonValue(b, s.elem, x)
		} else if s.sparse {
			b = append(b, "null"...)
		} else {
			b = appendEmpty(b, s.elem)
		}
		b = append(b, ',')
	}
	return jx.Close(b, start, ']')
}

// jsonEvents appends the events of a stream as a list, and an error as its end.
func (n names) jsonEvents(b []byte, s *shape, v reflect.Value) []byte {
	b = append(b, '[')
	start := len(b)
	for event, failure := range v.Seq2() {
		if !failure.IsNil() || len(b) > maxBuffered {
			break
		}
		b = append(n.jsonValue(b, s.elem, event), ',')
	}
	return jx.Close(b, start, ']')
}

// appendEmpty appends the value of an element that Go has as nil and that is
// not absent, since the collection is not sparse.
func appendEmpty(b []byte, s *shape) []byte {
	switch s.kind {
	case kindList:
		return append(b, "[]"...)
	case kindMap, kindStruct:
		return append(b, "{}"...)
	case kindBlob:
		return append(b, `""`...)
	}
	return append(b, "null"...)
}

func (n names) jsonMap(b []byte, s *shape, v reflect.Value) []byte {
	b = append(b, '{')
	start := len(b)
	for _, k := range sortedKeys(v) {
		b = jx.AppendKey(b, k.String())
		if x, ok := s.elem.present(v.MapIndex(k)); ok {
			b = n.jsonValue(b, s.elem, x)
		} else if s.sparse {
			b = append(b, "null"...)
		} else {
			b = appendEmpty(b, s.elem)
		}
		b = append(b, ',')
	}
	return jx.Close(b, start, '}')
}

// sortedKeys are the keys of the map v in order, so that equal values look alike.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.String() < b.String():
			return -1
		case a.String() > b.String():
			return 1
		}
		return 0
	})
	return keys
}

// addressable returns v, or a copy of it that has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func timeIn(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

func jsonAppendTime(b []byte, t time.Time, form timeForm) []byte {
	if form = form.or(timeUnix); form == timeUnix {
		return appendUnix(b, t)
	}
	b = append(b, '"')
	b = appendTime(b, t, form)
	return append(b, '"')
}

func appendDocument(b []byte, d smithy.Document) []byte {
	if len(d) == 0 {
		return append(b, "null"...)
	}
	return append(b, d...)
}
