package protocol

import (
	"io"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/jx"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Kinds of values.
const (
	kindString kind = iota
	kindBool
	kindInt32
	kindInt64
	kindFloat32
	kindFloat64
	kindTime
	kindBlob
	kindStruct
	kindList
	kindMap
	kindDocument
	kindStream // io.Reader: the body itself
	kindEvents // iter.Seq2: an event stream
	kindCodec  // brings its own form
)

type kind uint8

// Places of members.
const (
	inBody place = iota
	inHeader
	inURI
	inQuery
	inHeaders // all headers with a prefix
	inStatus
)

type place uint8

// A shape is all the engine knows of one value: its type and how it travels.
type shape struct {
	kind      kind
	ptr       bool         // the value is behind a pointer
	typ       reflect.Type // of the value, behind the pointer
	elem      *shape       // of a list's elements, a map's values
	key       *shape       // of a map's keys
	structure *structure

	item, keyName, valueName string // in XML and queries
	flat, sparse, jsonValue  bool
	sensitive                bool
	time                     timeForm
	limits                   *limits // nil if anything goes
}

// A field is a member of a structure.
type field struct {
	shape
	index                     int
	goName                    string // "TableName": also the name in the API's documentation
	name                      string // on the wire
	query                     string // in queries
	xml                       string // in XML
	jsonKey                   string // `"TableName":`
	place                     place
	required                  bool
	payload                   bool
	attr                      bool
	eventPayload, eventHeader bool // in events of a stream
	ns, nsp                   string
	bit                       uint64 // in the set of required members that do not show whether they are absent; 0 for others
}

// A structure is the plan of one struct type.
type structure struct {
	typ     reflect.Type
	name    string
	fields  []field
	body    map[string]*field // members in the body, by name on the wire
	any     map[string]*field // all members, by any of their names
	need    uint64            // bits of all required members that have one
	union   bool
	checked bool   // something in it or below may break a constraint
	bound   bool   // has a member outside the body
	payload *field // the member that is the body, if one is
}

// plans remembers the plan of each type, as encoding/json does. A plan never
// changes once it is here.
var plans sync.Map // reflect.Type -> *structure

var (
	typeTime   = reflect.TypeFor[time.Time]()
	typeDoc    = reflect.TypeFor[smithy.Document]()
	typeUnion  = reflect.TypeFor[smithy.Union]()
	typeReader = reflect.TypeFor[io.Reader]()
	typeCloser = reflect.TypeFor[io.ReadCloser]()
	typeCodec  = reflect.TypeFor[jx.Codec]()
	typeString = reflect.TypeFor[string]()
)

// planOf returns the plan of the struct type t.
func planOf(t reflect.Type) *structure {
	if p, ok := plans.Load(t); ok {
		return p.(*structure)
	}
	b := builder{made: make(map[reflect.Type]*structure)}
	s := b.structure(t)
	b.settle()
	// All of them at once, when they are whole: others may be reading.
	for t, p := range b.made {
		plans.LoadOrStore(t, p)
	}
	return s
}

// A builder makes the plans of a type and of those it is made of, which may
// contain each other.
type builder struct {
	made map[reflect.Type]*structure
}

func (b *builder) structure(t reflect.Type) *structure {
	if p, ok := plans.Load(t); ok {
		return p.(*structure)
	}
	if s := b.made[t]; s != nil {
		return s
	}
	s := &structure{typ: t, name: t.Name(), body: make(map[string]*field), any: make(map[string]*field)}
	b.made[t] = s
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Type == typeUnion {
			s.union = true
			continue
		}
		if sf.IsExported() {
			s.fields = append(s.fields, b.field(i, sf))
		}
	}
	s.index()
	return s
}

// index fills the maps of s by its fields.
func (s *structure) index() {
	bit := uint64(1)
	for i := range s.fields {
		f := &s.fields[i]
		s.any[f.goName] = f
		s.any[strings.ToLower(f.goName[:1])+f.goName[1:]] = f
		if f.payload {
			s.payload = f
		}
		s.bound = s.bound || f.place != inBody || f.payload
		if f.required && !f.showsAbsence() {
			f.bit = bit
			s.need |= bit
			bit <<= 1
		}
	}
	for i := range s.fields {
		f := &s.fields[i]
		if f.place == inBody {
			s.any[f.name] = f
			s.body[f.name] = f
		}
	}
}

// showsAbsence reports whether a zero slot of the shape means that the value
// is absent.
func (s *shape) showsAbsence() bool {
	if s.ptr {
		return true
	}
	switch s.typ.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface, reflect.Func:
		return true
	}
	return false
}

func (b *builder) field(i int, sf reflect.StructField) field {
	f := field{index: i, goName: sf.Name}
	b.shape(&f.shape, sf.Type)
	options := strings.Split(sf.Tag.Get("aws"), ",")
	f.name, f.query, f.xml = options[0], options[0], options[0]
	f.memberOptions(options[1:])
	f.shape.options(options[1:])
	f.shape.enumeration(sf.Tag.Get("enum"))
	f.shape.pattern(sf.Tag.Get("pattern"))
	f.shape.below("", sf.Tag)
	f.jsonKey = string(jx.AppendKey(nil, f.name))
	return f
}

// shape fills s, the shape of a value of type t.
func (b *builder) shape(s *shape, t reflect.Type) {
	s.item, s.keyName, s.valueName = "member", "key", "value"
	if t.Kind() == reflect.Pointer {
		s.ptr = true
		t = t.Elem()
	}
	s.typ = t
	switch {
	case reflect.PointerTo(t).Implements(typeCodec):
		s.kind = kindCodec
	case t == typeTime:
		s.kind = kindTime
	case t == typeDoc:
		s.kind = kindDocument
	case t == typeReader || t == typeCloser:
		s.kind = kindStream
	case t.Kind() == reflect.Func:
		s.kind, s.elem = kindEvents, new(shape)
		b.shape(s.elem, t.In(0).In(0))
	case t.Kind() == reflect.Struct:
		s.kind, s.structure = kindStruct, b.structure(t)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		s.kind = kindBlob
	case t.Kind() == reflect.Slice:
		s.kind, s.elem = kindList, new(shape)
		b.shape(s.elem, t.Elem())
	case t.Kind() == reflect.Map && t.Key() == typeString:
		s.kind, s.elem, s.key = kindMap, new(shape), new(shape)
		b.shape(s.elem, t.Elem())
		b.shape(s.key, t.Key())
	default:
		s.kind = scalarKind(t)
	}
}

func scalarKind(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.String:
		return kindString
	case reflect.Bool:
		return kindBool
	case reflect.Int32:
		return kindInt32
	case reflect.Int64:
		return kindInt64
	case reflect.Float32:
		return kindFloat32
	case reflect.Float64:
		return kindFloat64
	}
	panic("protocol: no wire has a form for " + t.String())
}

// settle finds which of the new structures have something to check, themselves
// or below. Since they may contain each other it goes on until nothing changes.
func (b *builder) settle() {
	for changed := true; changed; {
		changed = false
		for _, s := range b.made {
			if s.checked {
				continue
			}
			for i := range s.fields {
				if f := &s.fields[i]; f.required || f.mustCheck() {
					s.checked, changed = true, true
					break
				}
			}
		}
	}
}

// mustCheck reports whether a value of the shape may break a constraint.
func (s *shape) mustCheck() bool {
	if s == nil {
		return false
	}
	if s.limits != nil || s.structure != nil && s.structure.checked {
		return true
	}
	return s.elem.mustCheck() || s.key.mustCheck()
}
