// Package tree holds JSON documents as trees that lose nothing: objects keep
// the order of their members, and numbers their digits, so an int64 or a long
// decimal prints as it was written.
//
//	v, err := tree.Parse([]byte(`{"b": 1.50, "a": [true]}`))
//	v.(*tree.Object).Get("b")            // json.Number("1.50"), true
//	tree.String(v)                       // {"b":1.50,"a":[true]}
//
// A value is one of nil, bool, string, json.Number, []any and *Object. Values
// are shared freely, so nobody changes one that they did not make: Object.With
// and friends copy.
//
//	object.go  Object: members in order     parse.go  bytes to values, refusals in Jackson's words
//	print.go   values to bytes              equal.go  equality, sizes
package tree
