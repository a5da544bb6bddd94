// Package query is the SQL of AWS IoT rules: a statement that says which
// messages a rule is for and what of each goes on, and templates whose
// expressions are those of the statement.
//
//	q, err := query.Parse(`SELECT state.temp AS t, topic(2) AS device FROM 'sensors/+/state' WHERE state.temp > 30`, "2016-03-23")
//	out, ok := q.Run(&query.Message{Topic: "sensors/a/state", Payload: []byte(`{"state":{"temp":31}}`)})
//	// {"t":31,"device":"a"}, true
//
// A statement is compiled to functions once, and run for each message. There is
// no error then: what cannot be said of a message is Undefined, which AWS has
// for a value, and which leaves no member behind.
//
//	query.go   statements    function.go  what is called by name
//	parse.go   their text    text.go, math.go: of texts and of numbers
//	operator.go, value.go    template.go  "${topic(2)}/${id}"
//	path.go    into documents
package query
