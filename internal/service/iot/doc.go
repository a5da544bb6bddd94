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
// Devices speak MQTT, over TLS with certificates or over WebSockets with signed
// URLs. A session that outlives its connection is rows: its filters, and the
// messages of quality 1 that its client has not acknowledged.
//
//	service.go   the tables                query/, topic/, shadow/, mqtt/  what knows no rows
//	store.go     rows                      list.go      pages of lists
//	rule.go      rules                     publish.go   messages, and whom they are for
//	action.go    what actions do           table.go     those on tables
//	failure.go   what error actions are given
//	thing.go, thingtype.go, principal.go, certificate.go, policy.go, tag.go: the registry
//	shadow.go    shadows                   retain.go    messages that topics have
//	connect.go   how connections begin and end
//	client.go    one that is connected     broker.go    all of them
//	flight.go    what it is sent
//	session.go   what outlives them        grant.go     what they may
//	socket.go    WebSockets and TLS        endpoint.go  where
//	authorizer.go, defaultauthorizer.go, customauth.go: functions that say who comes
package iot
