// Package appsync is AppSync: APIs in GraphQL over data sources, with
// subscriptions, and Event APIs.
//
// The idea that makes it work: an API is compiled when it is first asked, schema,
// templates and code, and kept until something of it changes; a request then is a
// walk over the schema (package graphql) in which a field with a resolver has its
// templates or its code (package mapping) make a request of a data source. A data
// source is a call of another service, as the role that it names.
//
//	service.go    the table of operations   serve.go      requests
//	store.go      rows                      compile.go    APIs made ready
//	api.go        APIs                      authorize.go  who may ask what
//	schema.go     schemas and types         resolve.go    a field with a resolver
//	datasource.go data sources              source….go    data sources at work
//	resolver.go   resolvers                 dynamodb….go  likewise, tables
//	function.go   functions of pipelines    socket.go     subscriptions
//	apikey.go     keys
package appsync
