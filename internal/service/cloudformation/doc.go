// Package cloudformation is CloudFormation: stacks of resources, made from
// templates, and change sets that show what an update would do.
//
// An operation that changes a stack checks all that can be checked, writes down
// what is to be done and returns; the one task of the service has a deploy.Engine
// do it. What the engine does is rows from the first step to the last, so a stack
// that was being worked on when the platform stopped is worked on when it starts.
//
//	service.go    the table of operations
//	store.go      rows
//	journal.go    what the engine remembers
//	worker.go     the task: an engine for every stack that is not at rest
//	request.go    from the members of requests to what a stack is to be
//	stack.go      creating, updating and deleting stacks
//	describe.go   stacks, resources and events as people see them
//	template.go   templates: where they come from, and what is said of them
//	changeset.go  change sets
//	import.go     resources that are taken into stacks
//	export.go     values that stacks share
//	drift.go      whether stacks are as they were made
//	policy.go     stack policies and termination protection
//	nested.go     stacks within stacks; nestedset.go has their change sets
//	stackset.go   templates that are deployed to accounts and regions; their instances,
//	              operations and how those are run, in stackinstance.go, stacksetoperation.go, stacksetrun.go
//	signal.go     answers of custom resources, signals of wait conditions
//	creation.go   signals to resources that wait for them
//	macro.go      functions that change templates
package cloudformation
