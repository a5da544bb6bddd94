// Package kinesis is Kinesis Data Streams.
//
// A stream's shards are part of its row, each with a range of hash keys; a
// shard's records are a log of the store, in order of commit. A record's place
// in that log is known when its transaction is, and is its sequence number, so
// writers never wait for one another and readers see an order that stays.
//
//	service.go   the table         record.go    PutRecord, PutRecords
//	store.go     rows              iterator.go  where to read
//	sequence.go  sequence numbers  read.go      GetRecords
//	hash.go      hash keys         consumer.go  enhanced fan-out: consumers
//	stream.go    streams           subscribe.go enhanced fan-out: SubscribeToShard
//	shard.go     split and merge   policy.go    resource policies
//	setting.go   what can be set   tag.go       tags
//	worker.go    retention         throttle.go  what shards take and give
//	warm.go      sizes of records, warm throughput and what accounts commit to
//
// Streams on demand have as many shards as they are made with, and those take
// all that they are given.
package kinesis
