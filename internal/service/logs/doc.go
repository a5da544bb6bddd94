// Package logs implements Amazon CloudWatch Logs: groups of streams of events.
//
// Events are kept as they come: the events of one PutLogEvents are one row, a
// compressed block, so a flood of small events costs little. A block's key
// says its stream and when its first event was; a block never spans more than
// a slot of ten seconds (rarely, a batch becomes two blocks). So what happened
// since some moment begins at the start of that moment's slot, and readers
// sort one slot at a time. Reading a group is a merge of its streams.
//
// What is older than a group's retention is not shown. A task removes it when
// it gets to it, a range of blocks at once.
//
//	service.go    what the service is made of, and its table of operations
//	group.go      operations on log groups
//	retention.go  how long groups keep events
//	stream.go     operations on log streams
//	put.go        PutLogEvents
//	tell.go       what events mean to others: metrics, subscribers
//	metricfilter.go  metric filters
//	subscription.go  subscription filters
//	policy.go     resource policies, saved queries
//	query.go      queries of Logs Insights
//	get.go        GetLogEvents: one stream, in both directions
//	filter.go     FilterLogEvents: a merge of streams, through a pattern
//	tag.go        tags of groups
//	block.go      blocks as bytes
//	reader.go     streams as events in order
//	store.go      the rows it keeps, and nothing but
//	errors.go     its refusals, where more than one handler makes them
//	worker.go     what it does in the background
//	pattern       the language of filter patterns
//	insights      the language of Logs Insights
//	emf           metrics embedded in events
package logs
