// Package client has our clients of the Runtime API, which run functions in
// the languages that bring none of their own. A client asks which function it
// is, so it can be started before anyone knows.
package client

import _ "embed" // the clients

// Node is the client for Node.js.
//
//go:embed node.js
var Node []byte

// Codes compiles a function's files for Node, as a program, and is a part of Node.
//
//go:embed codes.js
var Codes []byte

// Python is the client for Python 3.6 and later.
//
//go:embed python.py
var Python []byte

// Ruby is the client for Ruby 3.
//
//go:embed ruby.rb
var Ruby []byte

// Names of the clients' files in a root.
const (
	NodeFile   = "var/runtime/bootstrap.js"
	CodesFile  = "var/runtime/codes.js"
	PythonFile = "var/runtime/bootstrap.py"
	RubyFile   = "var/runtime/bootstrap.rb"
)

// Rehearsal has the functions by path that the client for Node.js is before it
// is anybody's; see rehearse there.
var Rehearsal = map[string][]byte{
	"var/runtime/rehearsal/script.js":  []byte("exports.handler = async (event) => event;\n"),
	"var/runtime/rehearsal/module.mjs": []byte("export const handler = async (event) => event;\n"),
}

// JobType is the content type of a Job.
const JobType = "application/vnd.aloft.function"

// A Job tells a client which function it is.
type Job struct {
	Handler string            `json:"handler"`
	Version string            `json:"version"` // of the language that the function asked for: "18", "3.9"
	Task    string            `json:"task"`    // directory of the code
	Opt     string            `json:"opt"`     // directory of the layers
	Env     map[string]string `json:"env"`
	Codes   string            `json:"codes,omitempty"` // file with the code compiled, for Node
}
