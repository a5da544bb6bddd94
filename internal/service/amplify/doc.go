// Package amplify is Amplify Hosting: apps, whose branches are websites of files
// that somebody has built and deploys.
//
// The idea that makes it work: a deployment is a set of files that nobody sees
// until it is whole. A worker fetches them and keeps them under the name of the
// set; then one transaction has the branch point to it, and what it pointed to
// before is dropped (work.go). Where a crash leaves half a set, the work begins
// anew. What requests need of apps, branches and domains is made of the rows
// once, and kept in memory until one of them changes (index.go).
//
//	service.go     the table of operations   index.go   all hosts, ready to serve
//	store.go       what is kept, and how     serve.go   the way of a request
//	app.go         apps                      rule.go    redirects and rewrites
//	branch.go      branches                  header.go  headers that apps add
//	domain.go      names of users' own       kind.go    types of files
//	deployment.go  deployments               page.go    pages of our own
//	upload.go      what is put before them
//	job.go         what became of them
//	work.go        the worker
//	source.go      where files come from
//	webhook.go     webhooks, and backend.go environments: kept, and no more
//	tag.go         tags
package amplify
