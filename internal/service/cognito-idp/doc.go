// Package cognitoidp is the user pools of Amazon Cognito: directories of users
// who sign up and in, and the tokens that say who they are.
//
// The idea that makes it work: whoever signs in climbs steps, and each step that
// waits for an answer is a ticket, a row that the client holds the secret to and
// that expires. When nothing is left to ask, the user is proven, and is given
// tokens, or, on the pages of the pool's domain, a code for them. What was begun
// is a ticket too: refresh tokens, codes, and the cookies of browsers. So what a
// crash leaves is what was there before it.
//
//	service.go  the table of operations      auth.go      signing in, by any flow
//	store.go    rows, and finding them       challenge.go what is asked on the way, and answers
//	visit.go    who a request is about       factor.go    second factors
//	pool.go     user pools                   token.go     tokens, and who may have them
//	schema.go   attributes of users          ticket.go    what clients hold secrets to
//	client.go   app clients                  trigger.go   functions of the pool
//	user.go     users, as administrators see code.go      codes, by mail and text message
//	signup.go   how users come               srp/         passwords that nobody sends
//	password.go how passwords are changed    filter.go    which users to list
//	profile.go  what users do to themselves  group.go     groups
//	oauth.go    OAuth 2.0, and its tokens in oauthtoken.go
//	page.go     pages of a pool's domain: to sign in, and in pageaccount.go the others
//	custom.go   challenges and claims of functions, and the choice of how to begin
//	server.go, provider.go, domain.go, ui.go, risk.go: what else a pool has
//	publish.go  keys of tokens, and where what is
package cognitoidp
