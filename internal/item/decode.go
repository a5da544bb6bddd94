package item

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// What may be wrong with values, in AWS's words.
const (
	errEmpty   problem = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	errMany    problem = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	errNesting problem = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	errNull    problem = badParameter + "Null attribute value types must have the value of true"
	errEmptySS problem = badParameter + "An string set  may not be empty"
	errEmptyNS problem = badParameter + "An number set  may not be empty"
	errEmptyBS problem = badParameter + "Binary sets should not be empty"
	errNoName  problem = badParameter + "Empty attribute name"
	errName    problem = badParameter + "Attribute name is too large, must be less than 65536 bytes"
	errSameNS  problem = "Input collection contains duplicates"

	badParameter = "One or more parameter values were invalid: "
)

// What is no value at all, in the words of AWS's parser.
const (
	errNotObject problem = "Unexpected value type in payload"
	errArray     problem = "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"
	errNotMap    problem = "Unexpected field type"
	errNotItem   problem = problem(jx.NotCollection) // of an element; who reads a member says the above
	errMapArray  problem = "Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>"
	errNotBlob   problem = "only base-64-encoded strings are convertible to bytes"
	errBlobArray problem = "Unrecognized collection type class java.nio.ByteBuffer"
	errToken     problem = "Unexpected token received from parser"
	errBase64    problem = "Invalid last non-pad Base64 character dectected"
)

// MaxName is how long, in bytes, the name of an attribute may be.
const MaxName = 65535

// MaxDepth is how deep lists and maps may be nested.
const MaxDepth = 31

// DecodeJSON reads an item in the form it has on the wire. If it is against
// DynamoDB's rules, Err says so; only what is no item at all is an error.
func (it *Item) DecodeJSON(r *jx.Reader) error {
	var spans [24]span
	d := decoder{r: r, buf: append(make([]byte, 0, 256), formPlain), spans: spans[:0]}
	d.fields(0)
	if r.Err() != nil {
		return r.Err()
	}
	*it = d.buf
	if d.wrong != nil {
		*it = d.invalid
	}
	return nil
}

// DecodeJSON reads a value in the form it has on the wire. If it is against
// DynamoDB's rules, Err says so; only what is no value at all is an error.
func (v *Value) DecodeJSON(r *jx.Reader) error {
	var spans [24]span
	d := decoder{r: r, buf: make([]byte, 0, 64), spans: spans[:0]}
	d.value(0)
	if r.Err() != nil {
		return r.Err()
	}
	*v = d.buf
	if d.wrong != nil {
		*v = wrap(invalid, []byte(d.wrong.Message))
	}
	return nil
}

// A decoder turns JSON into the stored form in one pass.
type decoder struct {
	r     *jx.Reader
	buf   []byte
	spans []span // attributes and elements of the containers that are open
	name  string // the top-level attribute
	wrong *Error // the first thing wrong

	invalid Item // what to make of the item because of it
}

// A span is where an attribute or element stands in the buffer.
type span struct{ start, key, keyEnd, end int }

func (d *decoder) problem(p problem) {
	if d.wrong == nil {
		d.wrong = &Error{d.name, string(p)}
	}
}

// fields reads the attributes of an item or map.
func (d *decoder) fields(depth int) {
	start, base := len(d.buf), len(d.spans)
	switch d.r.Kind() {
	case jx.Object, jx.Invalid:
	case jx.Array:
		d.r.Fail(errMapArray)
	default:
		if depth == 0 {
			d.r.Fail(errNotItem)
		}
		d.r.Fail(errNotMap)
	}
	if !d.r.BeginObject() {
		return
	}
	sorted := true
	for d.r.More('}') {
		name := d.r.Key()
		if depth == 0 {
			d.name = name
		}
		if name == "" {
			d.problem(errNoName)
		} else if len(name) > MaxName {
			d.problem(errName)
		}
		s := span{start: len(d.buf)}
		d.buf = binary.AppendUvarint(d.buf, uint64(len(name)))
		s.key = len(d.buf)
		d.buf = append(d.buf, name...)
		s.keyEnd = len(d.buf)
		if n := len(d.spans); n > base {
			last := d.spans[n-1]
			sorted = sorted && string(d.buf[last.key:last.keyEnd]) < name
		}
		d.spans = append(d.spans, s)
		d.value(depth)
		d.spans[len(d.spans)-1].end = len(d.buf)
	}
	if depth == 0 && d.wrong != nil {
		d.invalidate(d.spans[base:])
	}
	if !sorted {
		d.sort(d.spans[base:])
		d.rebuild(start, d.spans[base:])
	}
	d.spans = d.spans[:base]
}

// invalidate makes an invalid item of the names of the attributes.
func (d *decoder) invalidate(spans []span) {
	var attrs []Attribute
	for _, s := range spans {
		attrs = append(attrs, Attribute{string(d.buf[s.key:s.keyEnd]), Null()})
	}
	attrs = append(attrs, Attribute{d.wrong.Attribute, wrap(invalid, []byte(d.wrong.Message))})
	d.invalid = New(attrs...)
	d.invalid[0] = formInvalid
}

// sort puts spans in order of their keys.
func (d *decoder) sort(spans []span) {
	slices.SortStableFunc(spans, func(a, b span) int {
		return bytes.Compare(d.buf[a.key:a.keyEnd], d.buf[b.key:b.keyEnd])
	})
}

// rebuild puts what follows start in the order of spans. Of spans with one key
// the last counts.
func (d *decoder) rebuild(start int, spans []span) {
	ordered := make([]byte, 0, len(d.buf)-start)
	for i, s := range spans {
		if i+1 < len(spans) && d.sameKey(s, spans[i+1]) {
			continue
		}
		ordered = append(ordered, d.buf[s.start:s.end]...)
	}
	d.buf = append(d.buf[:start], ordered...)
}

func (d *decoder) sameKey(a, b span) bool {
	return bytes.Equal(d.buf[a.key:a.keyEnd], d.buf[b.key:b.keyEnd])
}

// value reads an object with one member, whose name is the type.
func (d *decoder) value(depth int) {
	if d.r.Null() {
		d.problem(errEmpty)
		return
	}
	switch d.r.Kind() {
	case jx.Object, jx.Invalid:
	case jx.Array:
		d.r.Fail(errArray)
	default:
		d.r.Fail(errNotObject)
	}
	d.r.BeginObject()
	n := 0
	for d.r.More('}') {
		t, ok := TypeNamed(d.r.Key())
		if d.r.Null() {
			continue
		}
		if !ok {
			d.r.Skip()
			continue
		}
		d.typed(t, depth)
		n++
	}
	switch {
	case n == 0:
		d.problem(errEmpty)
	case n > 1:
		d.problem(errMany)
	}
}

// typed reads the content of a value of type t.
func (d *decoder) typed(t Type, depth int) {
	switch t {
	case S, N, B:
		d.scalar(t)
	case BOOL:
		d.buf = append(d.buf, Bool(d.bool())...)
	case NULL:
		if !d.bool() {
			d.problem(errNull)
		}
		d.buf = append(d.buf, byte(NULL), 0)
	default:
		d.buf = append(d.buf, byte(t), 0)
		start := len(d.buf)
		switch {
		case t.IsSet():
			d.set(t)
		case depth == MaxDepth:
			d.problem(errNesting)
			d.r.Skip()
		case t == M:
			d.fields(depth + 1)
		default:
			d.list(depth + 1)
		}
		d.closeAt(start)
	}
}

// bool reads a truth. AWS takes some strings for it, too.
func (d *decoder) bool() bool {
	if d.r.Kind() != jx.String {
		return d.r.Bool()
	}
	switch strings.ToUpper(d.r.String()) {
	case "TRUE", "YES", "1":
		return true
	case "FALSE", "NO", "0":
	default:
		d.r.Fail(errToken)
	}
	return false
}

// closeAt notes the length of the payload that begins at start, in the byte
// before it and as many more as that takes.
func (d *decoder) closeAt(start int) {
	n := len(d.buf) - start
	if n < 0x80 {
		d.buf[start-1] = byte(n)
		return
	}
	var head [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(head[:], uint64(n))
	d.buf = slices.Insert(d.buf, start, head[1:k]...)
	copy(d.buf[start-1:], head[:k])
}

func (d *decoder) list(depth int) {
	d.r.BeginArray()
	for d.r.More(']') {
		d.value(depth)
	}
}

// scalar reads a string, number or binary.
func (d *decoder) scalar(t Type) {
	if t == B {
		d.blob()
		return
	}
	s := d.r.String()
	if t == S {
		d.buf = append(d.buf, byte(S))
		d.buf = binary.AppendUvarint(d.buf, uint64(len(s)))
		d.buf = append(d.buf, s...)
		return
	}
	num, err := parseDecimal(s)
	if err != nil && d.r.Err() == nil {
		d.problem(problem(err.Error()))
		return
	}
	d.buf = append(d.buf, byte(N), 0)
	start := len(d.buf)
	d.buf = num.append(d.buf)
	d.closeAt(start)
}

func (d *decoder) blob() {
	switch d.r.Kind() {
	case jx.Array:
		d.r.Fail(errBlobArray)
	case jx.True, jx.False, jx.Integer, jx.Decimal:
		d.r.Fail(errNotBlob)
	}
	s := d.r.String()
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if len(s)%4 != 0 {
		d.r.Fail(problem("Base64 encoded length is expected a multiple of 4 bytes but found: " + Int(len(s)).Text()))
	} else if err != nil || strings.ContainsAny(s, "\r\n") {
		d.r.Fail(errBase64)
	}
	d.buf = append(d.buf, byte(B))
	d.buf = binary.AppendUvarint(d.buf, uint64(len(b)))
	d.buf = append(d.buf, b...)
}

// set reads the elements of a set and puts them in order.
func (d *decoder) set(t Type) {
	start, base := len(d.buf), len(d.spans)
	d.r.BeginArray()
	for d.r.More(']') {
		s := span{start: len(d.buf)}
		d.scalar(t.Element())
		s.end = len(d.buf)
		if s.end > s.start { // else it was no number
			s.key = s.end - len(Value(d.buf[s.start:]).payload())
			s.keyEnd = s.end
			d.spans = append(d.spans, s)
		}
	}
	spans := d.spans[base:]
	if d.r.Err() == nil && len(spans) == 0 {
		d.problem(map[Type]problem{SS: errEmptySS, NS: errEmptyNS, BS: errEmptyBS}[t])
	}
	d.sort(spans)
	for i := range spans[:max(len(spans)-1, 0)] {
		if d.wrong == nil && d.sameKey(spans[i], spans[i+1]) {
			d.problem(d.duplicates(t, spans))
		}
	}
	d.rebuild(start, spans)
	d.spans = d.spans[:base]
}

// duplicates says that the set of spans has an element twice.
func (d *decoder) duplicates(t Type, spans []span) problem {
	if t == NS {
		return errSameNS
	}
	given := slices.SortedFunc(slices.Values(spans), func(a, b span) int { return a.start - b.start })
	texts := make([]string, len(given))
	for i, s := range given {
		b := d.buf[s.key:s.keyEnd]
		if t == BS {
			b = base64.StdEncoding.AppendEncode(nil, b)
		}
		texts[i] = string(b)
	}
	list := badParameter + "Input collection [" + strings.Join(texts, ", ") + "]"
	if t == BS {
		return problem(list + "of type BS contains duplicates.")
	}
	return problem(list + " contains duplicates.")
}
