// Package kms is the Key Management Service: keys that never leave it, and what
// is done with them, to encrypt, to sign, and to make keys for others.
//
// The idea that makes it work: a key is one row, under its ARN, with all the
// material that it ever had, so that what was encrypted before a rotation still
// opens. The material is sealed with the key of the installation: who has the
// rows alone opens nothing. A ciphertext begins with the key and the material that
// it was made with; its encryption context is what else is authenticated. When
// keys rotate and are deleted are rows of their own.
//
//	service.go  the table of operations   crypt.go   encrypt, decrypt, data keys
//	store.go    rows                      sign.go    signatures, MACs, shared secrets
//	key.go      keys and their states     pair.go    pairs of keys
//	find.go     the key that is meant     rotate.go  rotation and deletion, by the clock
//	alias.go    names of keys             grant.go   who may besides, for a while
//	spec.go     kinds of keys             access.go  what callers must be allowed
//	policy.go   key policies              region.go  keys of several regions
//	rest.go     material at rest
package kms
