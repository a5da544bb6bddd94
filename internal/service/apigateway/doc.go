// Package apigateway answers API Gateway's REST APIs: the operations that define
// them, and the requests that users send to them.
//
// An API is a tree of resources with methods, each with an integration: what
// answers it. Nothing of it is served until it is deployed. A deployment is a
// copy of the whole API, and a stage serves the copy that it points at.
//
// For serving, a stage is compiled into a tree of its methods that is kept in
// memory until the stage changes. So a request costs the same whether there are
// five resources or five thousand, and reads nothing from the store.
//
//	restapi.go resource.go method.go integration.go responses.go   the parts of an API
//	model.go validator.go authorizer.go gatewayresponse.go documentation.go
//	deployment.go stage.go          what is served
//	apikey.go usageplan.go usage.go account.go domain.go vpclink.go clientcert.go tag.go
//	import.go export.go openapi/    APIs as OpenAPI documents
//	patch.go                        changes, as JSON Patch
//
// The way of a request, each step of which may end it:
//
//	serve.go compile.go             which method it is for
//	admit.go cognito.go key.go      may they?
//	validate.go answers.go          is it good, and known already?
//	integrate.go function.go backend.go   what answers it
//	context.go mapping/             templates, and what they speak of
//	fail.go logs.go compress.go     what is said if it did not, and what is noted
//	testinvoke.go                   the same, for methods that are not deployed
package apigateway
