// Package poll reads queues and streams for those whom AWS calls pollers:
// event source mappings of Lambda, and pipes. It turns what comes into batches
// of records, hands them to whom they are for, and remembers how far it is.
//
// Who uses it keeps its own rows of what is to be read, and answers two
// questions: whose are there (Config.Owners), and what is to be done for one
// (Config.Job). The rest is here:
//
//	engine := poll.New(poll.Config{DB: db, Table: table, Owners: s.pipes, Job: s.job})
//
//	// in its Definition
//	Tasks: []task.Task{{Name: "pipes/poll", Run: engine.Run}}
//
//	// in the transaction that makes, changes or deletes a pipe
//	engine.Changed(tx, pipe)
//	poll.Forget(tx, pipe) // when it is deleted
//
// A Job says where to read, as whom (Call), what is wanted (Filters), how
// large a batch is, and what to do with one (Handle). A pipe's Handle calls
// its enrichment and then its target by dispatch.Call, and says what failed:
//
//	Handle: func(ctx context.Context, b *poll.Batch) poll.Result {
//		events, err := s.enrich(ctx, b.Records)
//		…
//		return poll.Result{Failed: ids, Err: err}
//	}
//
// Records have the shape in which functions get them; with Job.Flat those of
// Kinesis have the shape in which pipes get them. Filters are what package
// event/pattern parses.
//
// The one idea: a record is handled before that is remembered. How far a shard
// was read is a row, and a record is behind that place only if it was handled,
// filtered out, or given up in the same transaction (Job.Dead); of a queue, a
// message is deleted only then. So each is handled at least once, whatever
// happens. Who reads a shard claims its row, and only the last to claim it can
// move it: so exactly one node gets ahead, even if another believes itself to.
//
// Nothing reads on a clock. A queue is asked with long polls, and of a stream
// the topic rings (store.DB.Watch) that its service notifies with each record:
// Topic. An iterator is used every few minutes so that it does not expire.
//
//	poll.go     what is polled: Engine, Job, Batch, Result
//	engine.go   one goroutine for each owner
//	shards.go   all shards of a stream, parents before children
//	reader.go   one shard: reads, and gives its lanes their batches
//	lane.go     batches of a lane, one after another: retries, bisects, gives up
//	window.go   tumbling windows
//	queue.go    queues
//	dynamodb.go, kinesis.go: streams
//	filter.go   what of a record a filter sees
//	store.go    the rows
package poll
