// Package graphql runs requests in GraphQL over a schema, as AppSync answers them.
// It knows of no data sources: a Resolver has the values of fields.
//
// The idea that makes it work: a request is run a level at a time. All fields of
// a level that one resolver answers are given to it together, so that it can ask
// for all of them at once; resolvers of a level run beside each other. Values are
// those of package vtl, since templates make most of them.
//
//	schema.go    text -> schema, with what AppSync adds to each
//	prepare.go   a request's text -> an operation that is valid
//	input.go     arguments and variables
//	execute.go   levels, and the answer
//	output.go    values -> what the schema says that they are
//	scalar.go    AppSync's own scalars
//	introspect.go  the schema as an answer
//	print.go     the schema as text
package graphql
