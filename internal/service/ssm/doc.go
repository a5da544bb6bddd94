// Package ssm is Systems Manager, of which it answers the Parameter Store:
// named values with a history, which applications read their settings from.
//
// The idea that makes it work: a parameter is one row with its latest version,
// under its name, and its earlier versions are rows beside it. Names are paths,
// so what lies under a path lies together.
//
//	service.go    the table of operations   list.go   many, and the history of one
//	store.go      rows                      label.go  names of versions
//	parameter.go  put, get, delete          tag.go    tags
//	secret.go     secure strings            errors.go refusals
package ssm
