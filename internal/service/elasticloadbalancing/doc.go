// Package elasticloadbalancing is Elastic Load Balancing: application load
// balancers, which answer HTTP by rules, and network load balancers, which pass
// it on as it comes.
//
// The idea that makes it work: a load balancer is its rows, made ready once. All
// of them are an index in memory, by the names that requests have, which is made
// anew after a change. So a request costs a look at a map, the conditions of
// rules until one holds, and what its actions do. Nothing watches targets: their
// health is what they answer when somebody asks for it, and what happened to the
// last request.
//
//	service.go       the table of operations    serve.go     the way of a request
//	store.go         what is kept, and how      index.go     all of it, ready to serve
//	loadbalancer.go  load balancers             match.go     whether conditions hold
//	listener.go      listeners                  redirect.go  answers without a target
//	rule.go          rules                      function.go  targets that are functions
//	condition.go     what conditions may be     forward.go   and servers
//	action.go        what actions may be        login.go     who a browser is
//	targetgroup.go   target groups              session.go   what it keeps of that
//	target.go        targets, and their health  claims.go    what targets are told
//	attribute.go     attributes                 stick.go     where a browser was before
//	certificate.go   certificates               address.go   where gateways find it
//	tag.go, limit.go                            measure.go   what is counted
package elasticloadbalancing
