package protocol

import (
	"encoding/base64"
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

var errUnion = errors.New("exactly one member of a union must be set")

// decodeJSON fills v, a struct, from the text of a JSON object.
func (d *decoder) decodeJSON(text string, v reflect.Value) error {
	r := jx.NewReader(text)
	d.jsonStruct(r, planOf(v.Type()), v)
	return r.End()
}

func (d *decoder) jsonStruct(r *jx.Reader, s *structure, v reflect.Value) {
	members := s.body
	if d.free {
		members = s.any
	}
	seen := d.begin()
	count := 0
	r.BeginObject()
	for r.More('}') {
		f := members[r.Key()]
		switch {
		case r.Null():
		case f == nil:
			r.Skip()
		default:
			d.jsonField(r, f, v.Field(f.index))
			seen |= f.bit
			count++
		}
	}
	d.end(s, seen)
	if s.union && count != 1 && !d.lax {
		r.Fail(errUnion)
	}
}

func (d *decoder) jsonField(r *jx.Reader, f *field, v reflect.Value) {
	if f.elem == nil && f.structure == nil {
		if f.kind == kindCodec && d.memberMisfits(r) {
			return
		}
		d.jsonValue(r, &f.shape, v)
		return
	}
	d.enter(step{field: f})
	d.jsonValue(r, &f.shape, v)
	d.leave()
}

// jsonValue reads a value that is not null into the slot v.
func (d *decoder) jsonValue(r *jx.Reader, s *shape, v reflect.Value) {
	switch s.kind {
	case kindStruct, kindMap:
		if d.misfits(r, s) {
			return
		}
	case kindList:
		if d.elementMisfits(r) {
			return
		}
	}
	if s.ptr {
		p := reflect.New(s.typ)
		v.Set(p)
		v = p.Elem()
	}
	switch s.kind {
	case kindString:
		v.SetString(d.jsonText(r))
	case kindBool:
		v.SetBool(r.Bool())
	case kindInt32:
		v.SetInt(r.Int(32))
	case kindInt64:
		v.SetInt(r.Int(64))
	case kindFloat32, kindFloat64:
		v.SetFloat(r.Float())
	case kindTime:
		*v.Addr().Interface().(*time.Time) = jsonTime(r, s.time)
	case kindBlob:
		v.SetBytes(d.jsonBytes(r))
	case kindStream:
		setStream(v, d.jsonBytes(r))
	case kindDocument:
		v.SetBytes(smithy.Document(r.Raw()))
	case kindStruct:
		d.jsonStruct(r, s.structure, v)
	case kindList:
		d.jsonList(r, s, v)
	case kindMap:
		d.jsonMap(r, s, v)
	case kindCodec:
		if err := v.Addr().Interface().(jx.Codec).DecodeJSON(r); err != nil {
			r.Fail(err)
		}
	case kindEvents:
		r.Skip()
	}
}

func (d *decoder) jsonList(r *jx.Reader, s *shape, v reflect.Value) {
	r.BeginArray()
	list := reflect.MakeSlice(s.typ, 0, 4)
	for n := 0; r.More(']'); {
		null := r.Null()
		if null && !s.sparse {
			continue
		}
		list = extend(list)
		n++
		if null {
			continue
		}
		d.enter(step{index: n})
		d.jsonValue(r, s.elem, list.Index(n-1))
		d.leave()
	}
	v.Set(list)
}

// extend returns list with one more element, which is zero.
func extend(list reflect.Value) reflect.Value {
	n := list.Len()
	if n == list.Cap() {
		bigger := reflect.MakeSlice(list.Type(), n, 2*n)
		reflect.Copy(bigger, list)
		list = bigger
	}
	return list.Slice(0, n+1)
}

func (d *decoder) jsonMap(r *jx.Reader, s *shape, v reflect.Value) {
	r.BeginObject()
	if m, ok := v.Addr().Interface().(*map[string]string); ok {
		*m = make(map[string]string)
		for r.More('}') {
			k := r.Key()
			if r.Null() {
				continue
			}
			(*m)[k] = d.jsonText(r)
		}
		return
	}
	m := reflect.MakeMap(s.typ)
	elem := reflect.New(s.typ.Elem()).Elem()
	for r.More('}') {
		k := r.Key()
		elem.SetZero()
		if r.Null() {
			if s.sparse {
				m.SetMapIndex(reflect.ValueOf(k), elem)
			}
			continue
		}
		d.enter(step{key: k})
		d.jsonValue(r, s.elem, elem)
		d.leave()
		m.SetMapIndex(reflect.ValueOf(k), elem)
	}
	v.Set(m)
}

func jsonTime(r *jx.Reader, form timeForm) time.Time {
	var t time.Time
	var err error
	if r.Kind() == jx.String {
		t, err = parseTime(r.String(), form)
	} else {
		t, err = unixTime(r.Float())
	}
	if err != nil && r.Err() == nil {
		r.Fail(err)
	}
	return t
}

func jsonBlob(r *jx.Reader) []byte {
	switch k := r.Kind(); k {
	case jx.String, jx.Invalid:
	case jx.Object:
		r.Fail(&jx.TypeError{Found: k})
		return nil
	case jx.Array:
		r.Fail(words("Unrecognized collection type class java.nio.ByteBuffer"))
		return nil
	default:
		r.Fail(words("only base-64-encoded strings are convertible to bytes"))
		return nil
	}
	b, err := parseBlob(r.String())
	if err != nil {
		r.Fail(err)
	}
	return b
}

// words are an error in AWS's own words.
type words string

func (w words) Error() string { return string(w) }

// parseBlob reads base64, and speaks as AWS does of what is not.
func parseBlob(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err == nil {
		return b, nil
	}
	if len(s)%4 != 0 {
		return nil, words("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(s)))
	}
	if at, ok := errors.AsType[base64.CorruptInputError](err); ok && int(at) < len(s) && s[int(at)] != '=' {
		return nil, words("Invalid Base64 character: '" + s[at:at+1] + "'")
	}
	return nil, words("Invalid last non-pad Base64 character dectected")
}
