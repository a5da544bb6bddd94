// Package wafv2 is AWS WAF: lists of rules that requests must pass before they
// come to a stage of a REST API, or to a distribution.
//
// The idea that makes it work: what a list decides is no matter of this service
// but of package gateway/firewall; here it is kept, with the sets and groups that
// it names. A list is made ready when a request first asks for it, and again
// after any change.
//
//	service.go    the table of operations, Decide
//	store.go      what is kept, and how
//	webacl.go     lists, and groups of rules
//	managed.go    groups that AWS has made
//	set.go        sets of addresses and of patterns
//	associate.go  which list guards which resource
//	errors.go     refusals
package wafv2
