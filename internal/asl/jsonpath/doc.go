// Package jsonpath is JSONPath as Step Functions has it: the dialect of Jayway,
// with filters, slices and recursive descent, over the state's input ($), the
// Context object ($$) and variables ($name).
//
//	p, err := jsonpath.Parse("$.orders[?(@.total > 10)].id")
//	v, err := p.Get(input)
//
// A path that can match in one place only is definite: what it finds is the
// value, and finding nothing is an error. Others give a list, be it empty. Paths
// of names and indexes alone are reference paths, which Set can write through.
//
//	parse.go  paths and filters    get.go  finding    filter.go  conditions    set.go  writing
package jsonpath
