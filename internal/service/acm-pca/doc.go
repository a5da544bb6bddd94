// Package acmpca is AWS Private Certificate Authority: authorities that sign
// certificates for who trusts them, as roots or under one another.
//
// The idea that makes it work: an authority is a key that never leaves the store
// but sealed, and a certificate of that key, which it or another has signed; all
// else is crypto/x509. What a certificate is to say comes from a request to sign,
// from the template that is named, and from the caller, in that order.
//
//	service.go      the table of operations    template.go  what certificates say
//	store.go        rows                       name.go      subjects and other names
//	authority.go    authorities                key.go       keys, and how they sign
//	certificate.go  issuing and revoking       tag.go       tags
//	permission.go   what services may
package acmpca
