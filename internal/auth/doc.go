// Package auth answers two questions about a request: who sends it, and
// whether they may.
//
//	Authenticate   HTTP request --> aws.Call     by its signature (sigv4)
//	Authorize      aws.Call + Access --> yes/no  by policies (policy)
//
// What it decides by it asks of others: a Directory, which package iam is, for
// access keys and the policies of users and roles; and the services themselves,
// by service.Definition, for the policies of their resources. All of them
// answer from memory while nothing changes, so a decision takes no transaction.
//
// A Mint makes access keys, and knows those it made. Temporary ones are kept by
// nobody: what their holder is and may is in the session token, sealed.
//
// A service that acts for itself (a topic that delivers to a queue) is a
// principal like any other, and has no policy of its own: it may do what a
// resource's policy lets it, and nothing else.
package auth
