package sdk_test

import (
	"syscall"
	"testing"
)

// TestEdgeBoto3 runs functions at the edge with boto3, kills the binary, and
// finds them and what they read as they were.
func TestEdgeBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/edge.py", "make")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/edge.py", "again")
}
