// Package cloudfront is CloudFront: distributions that stand before buckets and
// servers, cache what these answer, and answer in their place.
//
// The idea that makes it work: all that CloudFront keeps is alike, a
// configuration under an id with a version that changes must name, so there is
// one kind of row, of any configuration (store.go). What requests need is made
// of the rows once, and kept in memory until one of them changes (index.go).
//
//	service.go       the table of operations   serve.go     the way of a request
//	store.go         what is kept, and how     behavior.go  which behaviour it has
//	distribution.go  distributions             key.go       what is forwarded, and cached by
//	check.go         what they may be          origin.go    buckets and servers
//	policy.go        cache policies            cache.go     what is kept of answers
//	originrule.go    origin request policies   headers.go   what answers are given
//	headerrule.go    response headers policies errors.go    answers of our own
//	managed.go       those that AWS has made   index.go     all of it, ready to serve
//	access.go        origin access controls    identity.go  and identities
//	invalidation.go  what is to be forgotten
package cloudfront
