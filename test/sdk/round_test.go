package sdk_test

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestCLI does a round with the AWS CLI.
func TestCLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/round.sh", aws)
}

// TestBoto3 does a round with boto3, whose uploads are aws-chunked with a
// trailing checksum.
func TestBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/round.py")
}

// TestJavaScript does a round with aws-sdk-js v3.
func TestJavaScript(t *testing.T) {
	modules := client(t, "node_modules/@aws-sdk/client-s3/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/round.cjs", filepath.Dir(filepath.Dir(filepath.Dir(modules))))
}
