// Package firehose is Data Firehose: streams that gather records and deliver
// them to S3, or to an HTTP endpoint, in batches.
//
// A stream has lines, each a log of records that wait for the same thing: to
// be processed, to be written below one prefix, to be kept as a backup. What
// is acknowledged is a row of a line. A batch is taken out of its line in the
// transaction that puts it into the next, or after it was delivered; so each
// record arrives at least once, whatever crashes. How large and how old lines
// are is remembered in memory alone, and counted anew at a start: so records
// that are put at once never wait for one another.
//
//	put --> in --> processors --> out --> S3 or an endpoint
//	         |          |
//	         |          +--> error --> S3, below the error prefix
//	         +--> backup --> S3
//
//	service.go      the table           record.go     records that are put
//	store.go        rows                source.go     records of data streams
//	stream.go       delivery streams    line.go       lines, and when they are due
//	destination.go  where they lead     flush.go      a batch of a line
//	check.go        what is refused     process.go    processors, in order
//	tag.go          tags                transform.go  the function that transforms
//	prefix.go       names of objects    partition.go  keys of partitions
//	object.go       objects in S3       compress.go   objects that are compressed
//	report.go       errors in logs      endpoint.go   HTTP endpoints
//	failure.go      records that failed
package firehose
