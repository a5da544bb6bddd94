// Package resource knows what CloudFormation can make: one Type for each
// "AWS::Service::Thing", which says what properties it has, which of them
// cannot be changed in place, what it is called, and how it is made, changed and
// deleted by the public operations of its service. It imports no service:
// CloudFormation is a client of the others.
//
//	type.go    Type, Op, Made: the contract
//	properties.go  Properties: which there are, and what is wrong with a template's
//	bind.go    properties into the inputs of operations
//	name.go    names for what the template does not name
//	fault.go   what is said of a refusal
//	<service>.go  the types of a service
package resource
