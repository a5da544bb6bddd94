// Package events is EventBridge: buses that events are put on, rules that
// choose some of them, and targets that those are delivered to.
//
// An event is matched with the rules of its bus in the transaction that puts
// it, and becomes deliveries there, so it is never kept itself, but in
// archives. What rules ask of events is compiled and remembered in memory.
//
//	service.go    the table           bus.go         buses
//	store.go      rows                permission.go  who may put events on buses
//	rule.go       rules               archive.go     archives
//	target.go     targets             replay.go      replays of archives
//	put.go        PutEvents           connection.go  connections: how to sign in
//	match.go      events meet rules   destination.go API destinations
//	deliver.go    a target's delivery invoke.go      requests to API destinations
//	receive.go    deliveries to buses oauth.go       tokens for those
//	schedule.go   rules on a schedule secret.go      what is secret in connections
//	tag.go        tags                endpoint.go    global endpoints
//	partner.go    sources of partners, of which there are none
package events
