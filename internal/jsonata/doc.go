// Package jsonata is the JSONata query language, version 2.2, as Step Functions
// has it: over trees that keep the order of members and the digits of numbers,
// with $partition, $range, $hash, $uuid, $parse and a seed for $random, and
// without $eval.
//
//	p, err := jsonata.Parse("$states.input.items[price > 5].sku")
//	v, err := p.Eval(jsonata.Env{Bindings: variables, Now: time.Now, Random: rand.Float64, UUID: newUUID})
//
// An evaluation is bounded in steps, depth and memory, whatever the expression;
// refusals are *Error with JSONata's codes. Regular expressions are those of
// package regexp: what needs look-around or back-references is refused.
//
// How: an expression becomes a tree of nodes, in which a path has its steps and
// a step its predicates. Lists that expressions make are sequences: one of one
// item is that item, one of none is nothing. Paths with %, @ or # are evaluated
// item by item, each with the way it was come by (track.go); others as lists.
//
//	lex.go, parse.go, node.go  text to nodes        text.go, regex.go       strings
//	eval.go, path.go           nodes to values      picture.go, integer.go  numbers as text
//	track.go                   %, @ and #           date.go, dateparse.go   times
//	call.go, signature.go      functions            step.go                 what Step Functions adds
//	value.go                   sequences, numbers   builtin.go, list.go, math.go  the other functions
package jsonata
