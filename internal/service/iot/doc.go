// Package iot is AWS IoT Core: topics that devices and programs publish to, and
// rules that send what is published to other services.
//
// A message is published in one transaction. What its rules make of it are
// deliveries of that transaction, each an operation of the service that an
// action names, called as the action's role. So a publish that was acknowledged
// has its rules run, whatever crashes; and what an action fails at for good
// comes back as a dead letter, to the rule itself, which gives it to its error
// action.
//
//	service.go   the tables           query/   the SQL of rules
//	store.go     rows                 topic/   names of topics, and filters
//	rule.go      rules                publish.go  messages, and which rules they are for
//	action.go    what actions do      failure.go  what error actions are given
//	table.go     those on tables      endpoint.go, tag.go
package iot
