package script

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// A Job is a function of a script, to be called once.
type Job struct {
	// Sources are scripts, which are run in order in a fresh realm. They find
	// host(name, ...args), which calls Call, and log(text).
	Sources []Source

	Entry   string            // an expression for the function to call
	Args    []json.RawMessage // that it is called with
	Timeout time.Duration     // for all of it; 1 s if zero

	// Call answers what scripts ask of host. Its error is thrown there, with its
	// text as message. nil: nothing is answered.
	Call func(ctx context.Context, name string, args []json.RawMessage) (json.RawMessage, error)
}

// A Source is a script and what errors call it. Its text must say what it does
// whenever it is run: compiled, it is kept by its text.
type Source struct{ Name, Text string }

// A Result is what a function came to. If it returned a promise, that is what
// the promise came to.
type Result struct {
	Value json.RawMessage `json:",omitempty"` // nil is undefined
	Log   []string        `json:",omitempty"`
	Took  time.Duration   // by the clock, in the interpreter

	Thrown *Thrown // nil if it returned
}

// A Thrown is what a script threw.
type Thrown struct {
	Name    string // "TypeError"; "" of what is no Error
	Message string
	Stack   string
	Value   json.RawMessage // what was thrown, as JSON
}

// Errors of scripts that were stopped.
var (
	ErrTimeout = errors.New("the script did not end in time")
	ErrMemory  = errors.New("the script took too much memory, or brought its process down")
	ErrAnswer  = errors.New("the script returned or logged too much")
	ErrClosed  = errors.New("no scripts are run any more")
)

const (
	usualTimeout = time.Second
	maxMessage   = 8 << 20 // bytes between a script and its caller
	maxLog       = 1000    // lines
	maxLogBytes  = 256 << 10
)

func (j *Job) timeout() time.Duration {
	if j.Timeout <= 0 {
		return usualTimeout
	}
	return j.Timeout
}
