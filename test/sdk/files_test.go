package sdk_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestFiles has functions share a file system with boto3, and kills the binary
// between what was written and who reads it.
func TestFiles(t *testing.T) {
	python := client(t, "python/bin/python")
	if _, err := exec.LookPath("node"); err != nil || os.Getuid() != 0 {
		t.Skip("needs Node.js and a whole fence")
	}
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, python, "python/files.py", "write")
	a.stop(syscall.SIGKILL)
	runClient(t, start(t, data), python, "python/files.py", "read")
}
