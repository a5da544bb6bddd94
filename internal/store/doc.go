// Package store keeps everything the platform remembers: rows in order of
// their keys, changed in transactions, and files for what is too large to be a
// row.
//
//	var queues = store.NewTable[aws.ARN, queue]("sqs.queue")
//
//	err := db.Update(ctx, func(tx *store.Tx) error {
//		q, err := queues.Get(tx, arn)
//		if errors.Is(err, store.ErrNotFound) {
//			return errNoQueue(arn)
//		}
//		q.Paused = true
//		return queues.Put(tx, arn, q)
//	})
//
// Two promises hold everywhere. Transactions are strictly serialisable,
// phantoms included: they behave as if run one after another, in an order that
// agrees with the clock. And nothing that is not durable leaves: neither as an
// acknowledgement nor as something that a reader saw.
//
// How: an Update runs its function over a snapshot and notes what it reads,
// keys and ranges. One committer then checks each transaction against what
// was committed since its snapshot and writes those that hold, as a group, to the
// log, and has pebble take them in; it waits for the log to reach the disk, while
// the next group gathers, and only then acknowledges, in order. A function that lost is
// run again while the committer waits for it, so it cannot lose twice; if that
// takes long, it gets a second try first. A View reads a snapshot that is on
// disk already.
//
// When the disk fails to keep the log, the store refuses everything and says
// so to Config.Fatal: what is on disk is not known then, and it never guesses.
//
//	db.go       DB: View and Update        table.go  Table: typed rows
//	commit.go   the committer              bytes.go  Bytes: raw rows, for hot paths
//	crowd.go    for whom it waits          view.go   snapshots
//	window.go   who conflicts with whom    log.go    Log: rows in order of commit
//	tx.go       Tx: reads and writes       blob.go   Blobs: what is too large for a row
//	scan.go     Tx: ranges                 upload.go bodies on their way in
//	key.go      keys as bytes, in order    sweep.go  files that are not needed any more
//	mark.go     rows kept decoded          derived.go what is made of rows
//	journal.go  what is committed          segment.go, blockfile.go: its files
//	config.go, scheduler.go: the engine
package store
