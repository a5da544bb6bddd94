// Package apigatewayv2 answers API Gateway's HTTP and WebSocket APIs: the
// operations that define them, and the requests that users send to them.
//
// An API has routes, which lead to integrations, and stages, which are where
// users find it. What a stage serves is a deployment: a copy of the routes,
// unless the stage deploys by itself; it then serves the routes as they are.
//
// For serving, a stage is compiled into a tree of its routes that is kept in
// memory until something of the API changes. So a request costs the same
// whether there are five routes or five thousand, and reads nothing from the
// store. Functions are invoked by their public operation, in the name of
// apigateway.amazonaws.com, and their policies decide.
//
// Who may use a route says its guard: a policy, for callers that sign as they
// do for AWS; a token of an OpenID issuer; or a function.
//
//	api.go route.go integration.go authorizer.go stage.go deployment.go tag.go   operations
//	import.go export.go quick.go   APIs from OpenAPI documents, to such, and in one call
//	serve.go compile.go cors.go authorize.go   requests to APIs
//	socket*.go model.go manage.go      WebSocket APIs: a connection is read by a goroutine of
//	    its own, and each message is a turn, which a route answers
//	openapi/  documents
//
// What REST APIs need as well is in package gateway: routes, events, tokens.
package apigatewayv2
