package sdk_test

import (
	"syscall"
	"testing"
)

// TestBalancingBoto3 makes a load balancer with boto3 and asks it, before and
// after the platform is killed.
func TestBalancingBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/balancing.py", "make", "ask")
	a.stop(syscall.SIGKILL) // the error says that it was killed
	a = start(t, data)
	runClient(t, a, python, "python/balancing.py", "ask", "remove")
}
