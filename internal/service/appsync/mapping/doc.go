// Package mapping runs the templates and the code of resolvers: what makes a
// request of a data source, and what makes a value of its answer.
//
// The idea that makes it work: the helpers that both find in util are one table
// of functions over the values of package vtl. Templates call them as methods;
// code, which runs elsewhere, calls them by name, its arguments as JSON.
//
//	run.go        what a resolver sees, and what it leaves
//	template.go   templates: $context and $util
//	code.go       code: modules of APPSYNC_JS
//	lint.go       what code may not have
//	util.go       util.* that is about values
//	time.go       util.time
//	dynamodb.go   util.dynamodb
//	transform.go  util.transform
//	runtime.js    what code finds of util in JavaScript
package mapping
