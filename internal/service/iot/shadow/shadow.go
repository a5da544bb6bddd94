// Package shadow is what a cloud knows of the state of a device: what it should
// be and what it last said it is. A document is changed by merging into it, and
// each change has a version; where the two differ is the delta, which the device
// is told of.
package shadow

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/tree"
)

const (
	maxSize  = 8 << 10 // bytes of an update, and of a state
	maxDepth = 8       // of a state
	maxToken = 64      // bytes
)

// A Document is a shadow.
type Document struct {
	Desired, Reported         *tree.Object `json:",omitempty"`
	DesiredMeta, ReportedMeta *tree.Object `json:",omitempty"` // when each value was set
	Version                   int64
}

// An Error says why an update is refused, with AWS's code for it.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

func refuse(code int, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// A Change is what an update does.
type Change struct {
	Next      Document
	Accepted  []byte // the answer
	Delta     []byte // nil: there is nothing that the device is to be told
	Documents []byte // what was, and what is
}

// Update merges an update into d.
func (d Document) Update(body []byte, now time.Time) (*Change, error) {
	if len(body) > maxSize {
		return nil, refuse(413, "The payload exceeds the maximum size allowed")
	}
	v, err := tree.Parse(body)
	if err != nil {
		return nil, refuse(400, "Payload contains invalid json")
	}
	o, ok := v.(*tree.Object)
	if !ok {
		return nil, refuse(400, "Payload contains invalid json")
	}
	state, has := o.Get("state")
	if !has {
		return nil, refuse(400, "Missing required node: state")
	}
	sections, ok := state.(*tree.Object)
	if !ok && state != nil {
		return nil, refuse(400, "State node must be an object")
	}
	token, err := tokenOf(o)
	if err != nil {
		return nil, err
	}
	if version, has := o.Get("version"); has {
		n, ok := tree.Int(version)
		switch {
		case !ok:
			return nil, refuse(400, "Version must be an integer")
		case n != d.Version:
			return nil, refuse(409, "Version conflict")
		}
	}
	next, meta, err := d.merge(sections, now)
	if err != nil {
		return nil, err
	}
	return d.change(next, state, meta, token, now), nil
}

// merge returns d with the sections of an update, and when its values were set.
func (d Document) merge(sections *tree.Object, now time.Time) (next Document, meta *tree.Object, err error) {
	next, meta = d, new(tree.Object)
	next.Version++
	for name, v := range sections.All() {
		into, stamps := &next.Desired, &next.DesiredMeta
		switch name {
		case "desired":
		case "reported":
			into, stamps = &next.Reported, &next.ReportedMeta
		default:
			return next, nil, refuse(400, "State contains an invalid node: '%s'", name)
		}
		section, ok := v.(*tree.Object)
		switch {
		case v == nil:
			*into, *stamps = nil, nil
			continue
		case !ok:
			return next, nil, refuse(400, "State node '%s' must be an object", name)
		case depth(section) > maxDepth:
			return next, nil, refuse(400, "JSON contains too many levels of nesting; maximum is %d", maxDepth)
		}
		set := stamp(section, now)
		*into = mergeInto(*into, section)
		*stamps = mergeStamps(*stamps, section, now)
		meta.Set(name, set)
		if len(tree.String(*into)) > maxSize {
			return next, nil, refuse(413, "The shadow exceeds the maximum size allowed")
		}
	}
	return next, meta, nil
}

// change says what becomes of d, which is next then.
func (d Document) change(next Document, state tree.Value, meta *tree.Object, token tree.Value, now time.Time) *Change {
	stampNow := json.Number(fmt.Sprint(now.Unix()))
	version := json.Number(fmt.Sprint(next.Version))
	answer := tree.NewObject("state", state, "metadata", meta, "version", version, "timestamp", stampNow)
	c := &Change{Next: next, Accepted: print(answer, token)}
	if differs := delta(next.Desired, next.Reported); differs != nil {
		c.Delta = print(tree.NewObject("version", version, "timestamp", stampNow, "state", differs, "metadata", restrict(next.DesiredMeta, differs)), token)
	}
	c.Documents = print(tree.NewObject("previous", d.whole(), "current", next.whole(), "timestamp", stampNow), token)
	return c
}

func print(o *tree.Object, token tree.Value) []byte {
	if token != nil {
		o.Set("clientToken", token)
	}
	return tree.Append(nil, o)
}

// whole is d with its state, when that was set, and its version.
func (d Document) whole() *tree.Object {
	state, meta := new(tree.Object), new(tree.Object)
	add := func(name string, section, stamps *tree.Object) {
		if section != nil {
			state.Set(name, section)
			meta.Set(name, stamps)
		}
	}
	add("desired", d.Desired, d.DesiredMeta)
	add("reported", d.Reported, d.ReportedMeta)
	return tree.NewObject("state", state, "metadata", meta, "version", json.Number(fmt.Sprint(d.Version)))
}

// Get is what is said of d to who asks.
func (d Document) Get(now time.Time) []byte {
	o := d.whole()
	if differs := delta(d.Desired, d.Reported); differs != nil {
		state, _ := o.Get("state")
		state.(*tree.Object).Set("delta", differs)
	}
	o.Set("timestamp", json.Number(fmt.Sprint(now.Unix())))
	return tree.Append(nil, o)
}

// Deletion is the answer to who deletes d.
func (d Document) Deletion(now time.Time) []byte {
	return tree.Append(nil, tree.NewObject("version", json.Number(fmt.Sprint(d.Version)), "timestamp", json.Number(fmt.Sprint(now.Unix()))))
}

// Without is what stays of d when it is deleted: its versions go on.
func (d Document) Without() Document { return Document{Version: d.Version + 1} }

// Rejection is the answer to what is refused.
func Rejection(code int, message string, now time.Time, body []byte) []byte {
	o := tree.NewObject("code", json.Number(fmt.Sprint(code)), "message", message, "timestamp", json.Number(fmt.Sprint(now.Unix())))
	return WithToken(tree.Append(nil, o), body)
}

// WithToken is an answer with the token of the request that it is to.
func WithToken(answer, request []byte) []byte {
	v, err := tree.Parse(request)
	o, ok := v.(*tree.Object)
	if err != nil || !ok {
		return answer
	}
	token, err := tokenOf(o)
	if err != nil || token == nil {
		return answer
	}
	a, err := tree.Parse(answer)
	if err != nil {
		return answer
	}
	return print(a.(*tree.Object), token)
}

// tokenOf is the client token of a request, or nil.
func tokenOf(o *tree.Object) (tree.Value, error) {
	v, has := o.Get("clientToken")
	if !has || v == nil {
		return nil, nil
	}
	token, ok := v.(string)
	if !ok {
		return nil, refuse(400, "Client token must be a string")
	}
	if len(token) > maxToken {
		return nil, refuse(413, "Client token must not be longer than %d bytes", maxToken)
	}
	return token, nil
}

func depth(v tree.Value) int {
	deepest := 0
	switch v := v.(type) {
	case *tree.Object:
		for _, e := range v.All() {
			deepest = max(deepest, depth(e))
		}
	case []any:
		for _, e := range v {
			deepest = max(deepest, depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}

// mergeInto is o with the members of change; what is null there is gone, and
// objects merge. It is nil if nothing is left.
func mergeInto(o, change *tree.Object) *tree.Object {
	out := new(tree.Object)
	if o != nil {
		out = o.Clone()
	}
	for name, v := range change.All() {
		if v == nil {
			out.Delete(name)
			continue
		}
		if inner, ok := v.(*tree.Object); ok {
			was, _ := out.Get(name)
			old, _ := was.(*tree.Object)
			if merged := mergeInto(old, inner); merged != nil {
				out.Set(name, merged)
			} else {
				out.Delete(name)
			}
			continue
		}
		out.Set(name, v)
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}

// mergeStamps is mergeInto of when values were set.
func mergeStamps(o, change *tree.Object, now time.Time) *tree.Object {
	out := new(tree.Object)
	if o != nil {
		out = o.Clone()
	}
	for name, v := range change.All() {
		switch v := v.(type) {
		case nil:
			out.Delete(name)
		case *tree.Object:
			was, _ := out.Get(name)
			old, _ := was.(*tree.Object)
			if merged := mergeStamps(old, v, now); merged != nil {
				out.Set(name, merged)
			} else {
				out.Delete(name)
			}
		default:
			out.Set(name, stamp(v, now))
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}

// stamp is the shape of v with now for each value. Nulls have none.
func stamp(v tree.Value, now time.Time) tree.Value {
	switch v := v.(type) {
	case *tree.Object:
		out := new(tree.Object)
		for name, e := range v.All() {
			if e != nil {
				out.Set(name, stamp(e, now))
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = stamp(e, now)
		}
		return out
	}
	return tree.NewObject("timestamp", json.Number(fmt.Sprint(now.Unix())))
}

// delta is what of desired is not so in reported, or nil.
func delta(desired, reported *tree.Object) *tree.Object {
	out := new(tree.Object)
	for name, want := range desired.All() {
		is, has := reported.Get(name)
		a, deep := want.(*tree.Object)
		b, too := is.(*tree.Object)
		switch {
		case has && deep && too:
			if inner := delta(a, b); inner != nil {
				out.Set(name, inner)
			}
		case !has || !tree.Equal(want, is):
			out.Set(name, want)
		}
	}
	if out.Len() == 0 {
		return nil
	}
	return out
}

// restrict is what of stamps is of the members of shape.
func restrict(stamps, shape *tree.Object) *tree.Object {
	out := new(tree.Object)
	for name, v := range shape.All() {
		s, has := stamps.Get(name)
		if !has {
			continue
		}
		inner, deep := v.(*tree.Object)
		below, too := s.(*tree.Object)
		if deep && too {
			s = restrict(below, inner)
		}
		out.Set(name, s)
	}
	return out
}
