// Package secretsmanager is Secrets Manager: secrets with versions, that are
// kept encrypted, and rotated by functions.
//
// The idea that makes it work: a version of a secret is a row whose value is
// sealed with a data key of KMS, which is kept with it, encrypted; so who may
// not use the key may not read the secret. Stages, such as AWSCURRENT, are names
// of versions, and each is one version's alone. To rotate is a delivery to the
// secret itself, on a line of its own, that has the function do its four steps.
//
//	service.go  the table of operations   stage.go   names of versions
//	store.go    rows                      rotate.go  rotation
//	secret.go   secrets                   list.go    many of them
//	value.go    values and versions       policy.go  resource policies, tags
//	seal.go     encryption                password.go passwords
//	delete.go   deletion, by the clock    managed.go those of other services
//	errors.go   refusals
package secretsmanager
