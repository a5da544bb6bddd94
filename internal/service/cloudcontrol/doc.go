// Package cloudcontrol is the Cloud Control API: resources made, changed, read
// and deleted one at a time, by the types that CloudFormation has.
//
// A request is a row, and the one task of the service works on those that are not
// done: by the functions of the resource's type, as a deployment would. What was
// cut short is found out when it is taken up again, so nothing is made twice. What
// a resource was made with is a row too, for what cannot be read of it.
//
//	service.go  the table of operations
//	request.go  requests: creating, changing and deleting
//	model.go    resources as they are
//	worker.go   the task
//	store.go    rows
package cloudcontrol
