// Package pipes is EventBridge Pipes: what comes from a queue or a stream is
// filtered, enriched, and given to a target.
//
// Package poll reads sources, filters, and remembers how far it is; this
// service says what to do with a batch. All of it is done as the role of the
// pipe, while the batch is open, so what fails is read again.
//
//	service.go   the table       batch.go     a batch: enrichment, then target
//	store.go     rows            template.go  input templates, and paths in parameters
//	pipe.go      pipes           target.go    the calls of targets
//	source.go    what is read    tag.go       tags
//	check.go     what pipes cannot be yet
//	log.go       what is logged of executions
package pipes
