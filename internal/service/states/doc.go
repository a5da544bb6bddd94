// Package states is AWS Step Functions: state machines that run, step by step,
// and lose nothing.
//
// The course of an execution is package flow, which is pure: it is told what
// happened, and says what the history gains and what is to be done next. This
// package keeps it. A step of a standard execution is one transaction, which
// writes what came out, its events, and what comes next: a call is a row
// before it is made and until its answer is one, a wait is a due time, and what
// somebody else ends is a token. So after a crash everything goes on where it
// was, and a call that was under way is made again. An execution that waits
// costs its rows and nothing else. Express executions take the same steps in
// memory.
//
//	service.go    the table                  strand.go   runs as rows
//	machine.go    state machines             worker.go   steps, calls and times that are due
//	version.go    versions                   express.go  runs in memory
//	alias.go      aliases and their routes   call.go     tasks that call operations
//	activity.go   activities and workers     http.go     tasks that call the web
//	execution.go  executions                 maprun.go   distributed maps
//	history.go    their events               token.go    tasks that others end
//	validate.go   definitions, tried out     notify.go   events on the bus, lines in logs
//	store.go      tables, keys, rows         tag.go      tags
package states
