package sdk_test

import "testing"

// TestRollout moves an alias to a new version with boto3.
func TestRollout(t *testing.T) {
	runClient(t, start(t, t.TempDir()), client(t, "python/bin/python"), "python/rollout.py")
}
