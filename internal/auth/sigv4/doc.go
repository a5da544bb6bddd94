// Package sigv4 proves who sent a request: it verifies and makes AWS's
// signatures, version 4 (HMAC) and 4a (ECDSA).
//
//	sig := sigv4.Parse(r)               // what the request claims: enough to route by
//	err := v.Verify(r, sig, secret, …)  // whether the claim is true
//
// A signature covers a canonical form of the request (canonical.go): method,
// path, query, the headers it lists and a hash of the payload. The payload is
// the body as a whole, or nothing, or, in S3 alone, a stream of chunks of which
// each is signed with the signature before it (chunked.go): Verify then puts a
// reader in place of r.Body that checks the stream as it is read.
//
// S3 differs from all other services in how it writes paths, in what it
// accepts for a payload, and in the words of its refusals; flag s3 says which
// is meant.
package sigv4
