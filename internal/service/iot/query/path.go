package query

import "github.com/aloft-cloud/aloft/internal/tree"

// member finds a member of what of gives.
func member(of expr, name string) expr {
	return func(x *scope) tree.Value { return get(of(x), name) }
}

// root finds a member of the document.
func root(name string) expr {
	return func(x *scope) tree.Value { return get(x.doc, name) }
}

// get finds what is at key in v: a member, an element, or a letter.
func get(v, key tree.Value) tree.Value {
	switch v := v.(type) {
	case *tree.Object:
		if name, ok := key.(string); ok {
			if found, ok := v.Get(name); ok {
				return found
			}
		}
	case []any:
		if i, ok := at(key); ok && i < len(v) {
			return v[i]
		}
	case string:
		if i, ok := at(key); ok {
			if letters := []rune(v); i < len(letters) {
				return string(letters[i])
			}
		}
	}
	return Undefined
}

// at is a key that is a place.
func at(key tree.Value) (int, bool) {
	if _, name := key.(string); name {
		return 0, false
	}
	i, ok := integer(key)
	return i, ok && i >= 0
}

// everything is *: the payload as it is.
func everything(x *scope) tree.Value {
	if x.doc == Undefined {
		return raw(x.msg.Payload)
	}
	return x.doc
}
