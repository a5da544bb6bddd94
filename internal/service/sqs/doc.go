// Package sqs is SQS: queues, standard and FIFO.
//
// Messages lie in places. In a FIFO queue a place is a message group, and in a
// standard queue every message has one of its own; so both work alike. An index
// of places, in the order of the time at which the first message of each
// becomes visible, is all that decides who gets what: delay, visibility
// timeouts and retries are times in it, and nothing moves when they pass.
//
// Of each queue a line is in memory, see line.go: the places that were read of
// the index and are yet to be handed out. Receivers take different ones from
// it, so they do not meet in the store, and none reads what others have
// deleted. Whoever got a place looks it up in a transaction of its own, which
// finds it gone if it was handed out in vain.
//
//	store.go      queues, messages and the index as rows
//	batch.go      what a transaction does to messages, and hands to lines after
//	line.go       which places are ready      count.go   how many messages there are
//	queue.go      operations on queues        attribute.go, redrive.go, permission.go, tag.go
//	send.go       SendMessage and its batch   check.go   what is refused of messages
//	receive.go    ReceiveMessage              handle.go  receipt handles
//	settle.go     deleting and hiding what was received
//	throttle.go   how many calls a FIFO queue takes
//	recent.go     deduplication, and attempts to receive
//	move.go       tasks that move messages    worker.go  retention, and those tasks
package sqs
