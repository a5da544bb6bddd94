package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// The first byte of every key says what it belongs to.
const (
	spaceMeta  = 0x00 // the store itself
	spaceTable = 0x01 // followed by the name of a table, and NUL
)

var errKey = errors.New("malformed key")

// AppendString appends s to a key so that keys are in the order of their
// strings, whatever follows: NUL becomes 00 FF, and 00 01 is the end.
func AppendString[S string | []byte](key []byte, s S) []byte {
	n := len(key)
	key = append(key, s...)
	if bytes.IndexByte(key[n:], 0) >= 0 { // hardly ever
		key = append(key[:n], bytes.ReplaceAll(key[n:], []byte{0}, []byte{0, 0xff})...)
	}
	return append(key, 0, 1)
}

// CutString takes what AppendString appended off the front of a key.
func CutString(key []byte) (s, rest []byte, err error) {
	end := bytes.IndexByte(key, 0)
	if end >= 0 && end+1 < len(key) && key[end+1] == 1 {
		return key[:end:end], key[end+2:], nil // as it is nearly always
	}
	for {
		i := bytes.IndexByte(key, 0)
		if i < 0 || i+1 >= len(key) {
			return nil, nil, errKey
		}
		s = append(s, key[:i]...)
		end, key = int(key[i+1]), key[i+2:]
		switch end {
		case 1:
			return s, key, nil
		case 0xff:
			s = append(s, 0)
		default:
			return nil, nil, errKey
		}
	}
}

// after returns the first key that does not begin with prefix, or nil.
func after(prefix []byte) []byte {
	k := bytes.Clone(prefix)
	for i := len(k) - 1; i >= 0; i-- {
		k[i]++
		if k[i] != 0 {
			return k[:i+1]
		}
	}
	return nil
}

func tablePrefix(name string) []byte {
	if name == "" || bytes.IndexByte([]byte(name), 0) >= 0 {
		panic(fmt.Sprintf("store: table name %q", name))
	}
	return append(append([]byte{spaceTable}, name...), 0)
}

// A keyPlan says how values of one type are laid out as keys.
type keyPlan struct{ fields []keyField }

// A keyField is one scalar of a key.
type keyField struct {
	path []int // as reflect.Value.FieldByIndex takes it; empty for a key that is a scalar
	kind fieldKind
}

type fieldKind int

const (
	stringField fieldKind = iota
	intField
	uintField
	boolField
	timeField
)

var (
	arnType  = reflect.TypeFor[aws.ARN]()
	timeType = reflect.TypeFor[time.Time]()
)

// planKey returns the plan of t. It panics if values of t cannot be keys.
func planKey(t reflect.Type) keyPlan {
	var p keyPlan
	p.add(t, nil)
	return p
}

func (p *keyPlan) add(t reflect.Type, path []int) {
	path = path[:len(path):len(path)]
	switch {
	case t == timeType:
		p.fields = append(p.fields, keyField{path, timeField})
		return
	case t == arnType:
		// Account and region come first, so that what belongs together lies together.
		for _, name := range []string{"Account", "Region", "Service", "Resource"} {
			f, _ := t.FieldByName(name)
			p.add(f.Type, append(path, f.Index...))
		}
		return
	}
	kind := stringField
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if !f.IsExported() {
				panic(fmt.Sprintf("store: key %v: field %s is not exported", t, f.Name))
			}
			p.add(f.Type, append(path, f.Index...))
		}
		return
	case reflect.String:
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		kind = intField
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		kind = uintField
	case reflect.Bool:
		kind = boolField
	default:
		panic(fmt.Sprintf("store: a key cannot hold a %v", t))
	}
	p.fields = append(p.fields, keyField{path, kind})
}

func (f keyField) in(v reflect.Value) reflect.Value {
	for _, i := range f.path {
		v = v.Field(i)
	}
	return v
}

// append appends all of v to key.
func (p *keyPlan) append(key []byte, v reflect.Value) []byte {
	for _, f := range p.fields {
		key = f.append(key, f.in(v))
	}
	return key
}

// appendPrefix appends the fields of v before its trailing zero ones.
func (p *keyPlan) appendPrefix(key []byte, v reflect.Value) []byte {
	n := len(p.fields)
	for n > 0 && p.fields[n-1].isZero(v) {
		n--
	}
	for _, f := range p.fields[:n] {
		key = f.append(key, f.in(v))
	}
	return key
}

func (f keyField) isZero(v reflect.Value) bool {
	v = f.in(v)
	if f.kind == timeField {
		return v.Interface().(time.Time).IsZero()
	}
	return v.IsZero()
}

const signBit = 1 << 63 // flipped, so that negative numbers come first

func (f keyField) append(key []byte, v reflect.Value) []byte {
	switch f.kind {
	case stringField:
		return AppendString(key, v.String())
	case intField:
		return binary.BigEndian.AppendUint64(key, uint64(v.Int())^signBit)
	case uintField:
		return binary.BigEndian.AppendUint64(key, v.Uint())
	case boolField:
		if v.Bool() {
			return append(key, 1)
		}
		return append(key, 0)
	default:
		t := v.Interface().(time.Time)
		key = binary.BigEndian.AppendUint64(key, uint64(t.Unix())^signBit)
		return binary.BigEndian.AppendUint32(key, uint32(t.Nanosecond()))
	}
}

// decode sets v, which is settable, to what key says. Times are in UTC.
func (p *keyPlan) decode(key []byte, v reflect.Value) error {
	var err error
	for _, f := range p.fields {
		if key, err = f.decode(key, f.in(v)); err != nil {
			return err
		}
	}
	if len(key) > 0 {
		return errKey
	}
	return nil
}

// fieldSize is how long fields are as part of a key, unless they end themselves.
var fieldSize = [...]int{stringField: 0, intField: 8, uintField: 8, boolField: 1, timeField: 12}

func (f keyField) decode(key []byte, v reflect.Value) (rest []byte, err error) {
	size := fieldSize[f.kind]
	if len(key) < size {
		return nil, errKey
	}
	exact := true
	switch f.kind {
	case stringField:
		s, rest, err := CutString(key)
		v.SetString(string(s))
		return rest, err
	case intField:
		n := int64(binary.BigEndian.Uint64(key) ^ signBit)
		exact = !v.OverflowInt(n)
		v.SetInt(n)
	case uintField:
		n := binary.BigEndian.Uint64(key)
		exact = !v.OverflowUint(n)
		v.SetUint(n)
	case boolField:
		exact = key[0] <= 1
		v.SetBool(key[0] == 1)
	case timeField:
		sec := int64(binary.BigEndian.Uint64(key) ^ signBit)
		nsec := int64(binary.BigEndian.Uint32(key[8:]))
		exact = nsec < int64(time.Second)
		v.Set(reflect.ValueOf(time.Unix(sec, nsec).UTC()))
	}
	if !exact {
		return nil, errKey
	}
	return key[size:], nil
}
