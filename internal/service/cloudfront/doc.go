// Package cloudfront is CloudFront: distributions that stand before buckets and
// servers, cache what these answer, and answer in their place.
//
// The idea that makes it work: all that CloudFront keeps is alike, a
// configuration under an id with a version that changes must name, so there is
// one kind of row, of any configuration (store.go), and one set of operations for
// those that do no more than be kept (shelf.go). What requests need is made of
// the rows once, and kept in memory until one of them changes (index.go).
//
//	service.go       the table of operations   serve.go     the way of a request
//	store.go         what is kept, and how     behavior.go  which behaviour it has
//	shelf.go         what is only kept         trigger.go   functions that see it
//	distribution.go  distributions             key.go       what is forwarded, and cached by
//	check.go         what they may be          origin.go    buckets and servers
//	associate.go     and what they may run     cache.go     what is kept of answers
//	policy.go        policies                  headers.go   what answers are given
//	managed.go       those that AWS has made   errors.go    answers of our own
//	access.go        what origins let in       log.go       what functions log
//	trusted.go       keys that sign URLs       signed.go    and what they sign
//	                                           index.go     all of it, ready to serve
//	function.go      CloudFront Functions      invalidation.go  what is to be forgotten
//	value.go         key value stores          valuekey.go  and their keys
//	record.go        a request, as logs tell it  standardlog.go  logs to buckets
//	tag.go           tags                        realtimelog.go  and to streams
package cloudfront
