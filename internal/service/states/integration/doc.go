// Package integration is what the tasks of state machines call besides
// functions: which operation of which service a resource names, what becomes of
// a task's parameters on the way there, of the answer on the way back, and what
// failures are called. It calls nothing itself.
//
//	target.go  which operation      result.go  answers, as tasks have them
//	params.go  what goes there      naming.go  names of failures
package integration
