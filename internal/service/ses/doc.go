// Package ses is Simple Email Service, by both of its APIs: identities that may
// send, messages, templates of them, what becomes of them as events, and mail that
// comes in.
//
// The first API and the second are two tables over one service: their handlers
// differ in shapes and refusals, and all that happens is in core files, which
// know neither. A message is checked, written as MIME and sent as deliveries,
// one to each recipient, in the transaction that counts it and tells of it; how
// letters leave the platform is SNS's courier's to know, as for all letters. So
// a message that was taken is not lost, and without a mail server it is in the
// inbox, for people to read.
//
// Mail that comes in, over SMTP or from here, is a row before it is acknowledged,
// with the rules that it has met. A delivery to the service itself goes through
// them, action by action, and notes after each how far it came.
//
//	service.go   the first API's table      v2.go        the second one's
//	store.go     rows                       errors.go    refusals of both
//	identity.go  identities                 v2identity.go
//	notify.go    topics and mail-from       verify.go    letters that verify
//	template.go  templates                  v2send.go    templates too
//	customverify.go  other such letters
//	set.go       configuration sets         v2set.go
//	setoption.go options of them
//	send.go      messages of the first API
//	letter.go    what is sent, and to whom  mime.go      how it is written
//	home.go      whose mail it is        arrival.go  how it comes in
//	ruleset.go   sets of receipt rules   rule.go     rules of them
//	act.go       what rules do           bounce.go   what they send back
//	receipt.go   what is told of it
//	event.go     what becomes of it         account.go   quotas, counts, suppression
package ses
