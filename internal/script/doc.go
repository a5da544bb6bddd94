// Package script runs small pieces of JavaScript that strangers wrote: resolvers
// of AppSync, functions of CloudFront. They are functions of values that are
// JSON, and reach nothing but what their caller calls for them.
//
// The idea that makes it safe: an interpreter in Go can stop a script that runs
// for long, but not one that takes too much memory. So scripts run in processes
// of their own, which are this program again, behind the fence that functions
// are behind, with little memory and no network; one script at a time each, so
// that one that takes its process down harms itself alone. A script gets a fresh
// realm each time; what it is made of stays compiled.
//
//	pool := script.New(script.Config{Command: []string{self, "run-scripts"}, …})
//	result, err := pool.Run(ctx, &script.Job{Sources: […], Entry: "exports.request", Args: […]})
//
// Where Config has no Command, they run in this process, as in tests.
//
//	job.go     Job, Result       realm.go    one run in the interpreter
//	pool.go    processes         worker.go   what runs in them
package script
