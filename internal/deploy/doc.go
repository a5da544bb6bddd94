// Package deploy makes of a template what it describes, and of what there is
// what another template describes.
//
// An Engine works on one Stack at a time, from what its Journal remembers: what
// the stack is, what it is to become, in which phase that is, and for every
// resource what it was made with and what is being done to it right now. Every
// step is written down before it is taken and when it is done, so that an engine
// that starts after a crash goes on where the last one stopped. Phases:
//
//	Creating ──────────────────────────────────────► at rest
//	    └─ failed ─► RollingBackCreation ──────────► at rest
//	Updating ─────────────► CleaningUp ────────────► at rest
//	    └─ failed ─► RollingBackUpdate ─► CleaningUpRollback ─► at rest
//	Deleting ──────────────────────────────────────► at rest
//	Importing ─────────────────────────────────────► at rest
//
// Resources that do not wait for each other are dealt with at once.
//
//	stack.go    what is remembered: Stack, Row, Event, Journal
//	macro.go    macros that change a template
//	prepare.go  a template made ready: parameters, conditions, order
//	creation.go what resources wait for before they are there
//	plan.go     what an update would do
//	walk.go     visiting a graph, many at once
//	engine.go   Engine, and its phases
//	apply.go    creating, updating and replacing a resource
//	remove.go   deleting resources
//	restore.go  taking an update back
//	watch.go    alarms for which a deed is taken back
//	import.go   taking in resources that exist
package deploy
