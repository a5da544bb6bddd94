// Package dynamodb implements Amazon DynamoDB.
//
// An item is one row, in the form that package item gives it, from the wire to
// the disk and back. Rows lie in the order of a hash of the partition key, as
// on AWS, so that segments of a Scan are ranges; below one partition key they
// are in the order of the sort key, so that a Query is a range too. Indexes are
// rows of their own, changed in the transaction that changes the item.
//
// What a table is, its key, indexes and settings, is a row too. Requests read
// only its version, 16 bytes, and find the rest decoded in memory: whoever
// changes the table changes the version, and conflicts with them.
//
// All changes of items are writes (write.go), whether PutItem, UpdateItem and
// DeleteItem ask for them, a batch, a transaction, a statement or expiry.
//
//	service.go  what the service is made of, and its table of operations
//	access.go   what callers must be allowed to do; facts.go, what policies may ask
//	table.go    operations on tables; create.go, update.go, describe.go, schema.go
//	item.go     operations on single items
//	query.go    Query and, in scan.go, Scan; read.go has what they share
//	batch.go    batches
//	transact.go transactions
//	partiql.go  statements; statement.go, what they come to in the terms of the others
//	write.go    how items change; lag.go, in global indexes later, if that is wanted
//	stream.go   what is recorded of changes; shard.go, in which shard of a stream;
//	            streams.go, the API of its readers
//	kinesis.go  streams of Kinesis that are told of changes
//	transition.go tables that take a while to be made and deleted, if that is wanted
//	replica.go  the same table in other regions; globaltable.go, as it was
//	            before 2019, and globalsettings.go, its settings
//	ttl.go      items that expire
//	recovery.go what items have been, and tables made of that; backup.go, backups
//	export.go   tables to S3, and exportfile.go, what is written there; ion.go,
//	            in that format; exportfilter.go, of which items
//	import.go   tables from S3, and importfile.go, what is read there
//	encryption.go the key that a table is encrypted with
//	insights.go the setting of contributor insights
//	key.go      what may be in keys
//	request.go  parameters with expressions, and in legacy.go those without
//	capacity.go what operations consume; throttle.go, how much they may
//	worker.go   what it does in the background; fill.go, what is made of all items
//	store.go    the rows it keeps, and nothing but
//	errors.go   its refusals, where more than one handler makes them
//	expression  the language of expressions
//	partiql     the language of statements
package dynamodb
