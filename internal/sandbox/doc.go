// Package sandbox runs function code. A Manager keeps workers, each a process
// behind a fence that serves one version of one function and speaks the Lambda
// Runtime API with us, and gives every event to a worker of its function: an
// idle one, or a new one made for it.
package sandbox
