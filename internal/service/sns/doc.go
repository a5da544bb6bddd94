// Package sns is SNS: topics, standard and FIFO, and their subscriptions.
//
// To publish is to write: a message becomes one delivery for each subscription
// whose filter it meets, all in the transaction that answers Publish, and the
// event router makes them calls of queues and functions. What leaves the
// platform, by HTTP, mail, text message or push, is a delivery too: to the
// subscription itself, which receives it by an operation of our own.
//
//	topic.go, attribute.go           topics           permission.go, tag.go
//	subscription.go, setting.go      subscriptions    confirm.go  tokens
//	publish.go, check.go, recent.go  messages         fanout.go   who gets them
//	envelope.go, sign.go             what is sent     deliver.go  what leaves the platform
//	inbox.go                         mail, texts and pushes, if nothing else carries them
//	application.go, sms.go           mobile devices   archive.go  FIFO topics that remember
//	filter/                          filter policies
package sns
