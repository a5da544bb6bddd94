// Package flow is the course of an execution of a state machine: what its
// history gains, and what is to be done next, when something happened.
//
// A Run is an execution that is under way. It has strands: one that goes from
// state to state, and one for each branch of a Parallel and each item of a Map,
// which fork from the strand of that state and join it. What happens to a run
// is a method; what the run then wants of the world is left in its strands: a
// call, a token, a time. All of it is plain data, and a method touches only the
// strands that it concerns, so a run can be rows of which a step reads and
// writes a few, or values in memory. Nothing here waits, calls or looks at a
// clock.
//
//	r.Begin(input)                        // the first strand is ready
//	r.Advance(n)                          // n states at most, until all strands wait
//	r.Answered(strand, attempt, answer)   // a call ended
//	r.Ended(strand, attempt, answer)      // a token was given back
//	r.Due(strand)                         // its time has come
//	r.Stop(…), r.Expire(), r.Redrive(…)   // from outside
//
//	run.go     Run: strands, events, context     fork.go   Parallel and Map
//	strand.go  Strand                            fail.go   retries, catchers, ends
//	state.go   entering and leaving states       event.go  Event
//	task.go    Task: calls and tokens            resource.go  what a Task calls
package flow
