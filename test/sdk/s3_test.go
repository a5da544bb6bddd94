package sdk_test

import (
	"os/exec"
	"testing"
)

// TestS3CLI syncs folders both ways with the AWS CLI.
func TestS3CLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/s3.sh", aws)
}

// TestS3Python transfers, encrypts and locks files with boto3.
func TestS3Python(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/s3.py")
}

// TestObjectLambda reads what a function makes of objects, with boto3.
func TestObjectLambda(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/lens.py")
}

// TestS3JavaScript uploads streams with aws-sdk-js v3's lib-storage.
func TestS3JavaScript(t *testing.T) {
	client(t, "node_modules/@aws-sdk/lib-storage/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node on the PATH: install Node.js 18 or later")
	}
	a := start(t, t.TempDir())
	runClient(t, a, node, "js/s3.cjs")
}

// TestS3Cmd does the same with s3cmd.
func TestS3Cmd(t *testing.T) {
	s3cmd := client(t, "python/bin/s3cmd")
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl on the PATH")
	}
	a := start(t, t.TempDir())
	runClient(t, a, "bash", "cli/s3cmd.sh", s3cmd)
}
