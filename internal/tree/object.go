package tree

import "slices"

// Value is nil, bool, string, json.Number, []Value or *Object.
type Value = any

// Object is a JSON object whose members keep their order. The zero value is
// empty and ready; a nil *Object reads as empty.
type Object struct {
	keys []string
	of   map[string]Value
}

// NewObject has the members given as key, value, key, value.
func NewObject(members ...Value) *Object {
	o := &Object{}
	for i := 0; i+1 < len(members); i += 2 {
		o.Set(members[i].(string), members[i+1])
	}
	return o
}

// Set adds a member at the end, or changes one in its place.
func (o *Object) Set(key string, v Value) {
	if o.of == nil {
		o.of = map[string]Value{}
	}
	if _, found := o.of[key]; !found {
		o.keys = append(o.keys, key)
	}
	o.of[key] = v
}

// Get finds a member.
func (o *Object) Get(key string) (Value, bool) {
	if o == nil {
		return nil, false
	}
	v, found := o.of[key]
	return v, found
}

// Delete removes a member, if there is one.
func (o *Object) Delete(key string) {
	if _, found := o.of[key]; found {
		delete(o.of, key)
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	}
}

// Len is how many members there are.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.keys)
}

// Keys are the names of the members in their order; do not change them.
func (o *Object) Keys() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

// All yields the members in their order.
func (o *Object) All() func(yield func(string, Value) bool) {
	return func(yield func(string, Value) bool) {
		for _, k := range o.Keys() {
			if !yield(k, o.of[k]) {
				return
			}
		}
	}
}

// Clone copies the object, not its members' values.
func (o *Object) Clone() *Object {
	c := &Object{keys: slices.Clone(o.Keys()), of: make(map[string]Value, o.Len())}
	for k, v := range o.All() {
		c.of[k] = v
	}
	return c
}

// With is a copy of o that has the member key = v.
func (o *Object) With(key string, v Value) *Object {
	c := o.Clone()
	c.Set(key, v)
	return c
}

// MarshalJSON prints the object, for rows that hold one.
func (o *Object) MarshalJSON() ([]byte, error) { return Append(nil, o), nil }

// UnmarshalJSON reads what MarshalJSON printed.
func (o *Object) UnmarshalJSON(b []byte) error {
	v, err := Parse(b)
	if err != nil {
		return err
	}
	if got, ok := v.(*Object); ok {
		*o = *got
		return nil
	}
	return &SyntaxError{Message: "not an object"}
}
