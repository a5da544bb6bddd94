// Package cognitoidentity is the identity pools of Amazon Cognito: they give
// people whom somebody else knows, or nobody, credentials of roles.
//
// The idea that makes it work: an identity pool is an issuer of tokens itself. It
// verifies what a login brings, with the keys that its issuer publishes, and
// writes a token of its own for STS, which asks the role whether its trust
// policy lets in that pool and that identity, as on AWS. So the pool decides who
// one is, and the role what that is good for.
//
//	service.go  the table of operations  identity.go  identities, and their logins
//	store.go    rows                     role.go      which role an identity gets
//	pool.go     identity pools           token.go     tokens, and credentials for them
package cognitoidentity
