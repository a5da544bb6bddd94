package protocol

import (
	"strconv"
	"strings"
)

// A step is one part of the way from an input to a value in it.
type step struct {
	field *field // a member; nil for an element
	key   string // of a map
	index int    // in a list, from 1; 0 for a map
}

// A path is the way from an input to a value in it.
type path []step

// String spells p as AWS does: tags.1.member.key.
func (p path) String() string {
	var b strings.Builder
	for _, s := range p {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		switch {
		case s.field != nil:
			b.WriteString(lowerFirst(s.field.goName))
		case s.index > 0:
			b.WriteString(strconv.Itoa(s.index) + ".member")
		default:
			b.WriteString(s.key + ".member")
		}
	}
	return b.String()
}

func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+'a'-'A') + s[1:]
}

// A decoder is what the decoders of all protocols share: where they are, and
// which required members did not come. Only values that do not show by
// themselves that they are absent are noted.
type decoder struct {
	path    path
	absent  map[string]bool // by path; nil if all came
	free    bool            // members of all places are in the body, by any of their names
	texts   bool            // strings and bytes may be any JSON
	lax     bool            // unions may have members we do not know
	oldCBOR bool            // times in CBOR are in ms
	java    string          // package of the service's types, to name them in refusals; empty if unknown
	given   uint64          // members of the input that came with the request line and headers
}

func (d *decoder) enter(s step) { d.path = append(d.path, s) }
func (d *decoder) leave()       { d.path = d.path[:len(d.path)-1] }

// begin returns the members of a structure that have been seen before its body.
func (d *decoder) begin() uint64 {
	seen := d.given
	d.given = 0
	return seen
}

// end notes which required members of s are not in seen.
func (d *decoder) end(s *structure, seen uint64) {
	if s.need&^seen == 0 {
		return
	}
	if d.absent == nil {
		d.absent = make(map[string]bool)
	}
	for i := range s.fields {
		if f := &s.fields[i]; f.bit&^seen != 0 {
			d.enter(step{field: f})
			d.absent[d.path.String()] = true
			d.leave()
		}
	}
}
