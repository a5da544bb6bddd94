// Package codedeploy is CodeDeploy for functions: the traffic of an alias goes
// from one version to another, step by step.
//
// A deployment is a row that says in which phase it is, and when its next step
// is due: a function is asked before traffic is allowed, weights of the alias
// move, a function is asked when all of it has moved. One task does what is due,
// and writes down that it was done; what is done twice, because the platform
// stopped between, comes to the same. Alarms are looked at while traffic moves.
//
//	service.go     the table                deployment.go  deployments
//	store.go       rows                     worker.go      what is due
//	application.go applications             revision.go    what a deployment is of
//	group.go       deployment groups        tag.go         tags
//	config.go      how fast traffic moves
package codedeploy
