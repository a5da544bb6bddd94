// Package appconfig is AppConfig: configurations that are deployed to
// environments step by step, and read by sessions.
//
// A deployment is a row with the time of its next step. What is deployed is
// copied at the start into what is live in an environment, so that nothing that
// happens to its source changes what sessions read; how many of them read the
// new one is the deployment's percentage, and which ones follows from their
// ids. A session's token is sealed, and holds all there is of it: reading
// writes nothing.
//
//	service.go   both tables      deployment.go  deployments, step by step
//	store.go     rows             strategy.go    how fast they are
//	resource.go  applications, environments and profiles
//	version.go   hosted versions  source.go      where configurations are from
//	flag.go      feature flags    validate.go    validators
//	session.go   sessions         tag.go         tags
package appconfig
