// Package acm is AWS Certificate Manager: certificates of names, with keys
// that stay here, which domains of gateways and distributions show.
//
// The idea that makes it work: the installation has an authority of its own, so
// nobody outside is asked whether a name is the caller's, and a certificate is
// issued as soon as it is wanted. What clients must trust is that authority
// (`aloft env` says where it is), unless a certificate of another is imported.
// When a certificate is issued, renewed and expires are due rows.
//
//	service.go      the table of operations   issue.go   keys, issuing, renewing
//	store.go        rows                      import.go  certificates of others
//	certificate.go  requests, descriptions    private.go certificates of private authorities
//	tag.go          tags                     key.go     their keys, sealed at rest
package acm
