package sdk_test

import (
	"path/filepath"
	"testing"
)

// TestStacksCLI packages, deploys, changes and deletes a stack with the AWS CLI,
// and reaches Aloft by its proxy.
func TestStacksCLI(t *testing.T) {
	aws := client(t, "python/bin/aws")
	data := t.TempDir()
	a := start(t, data)
	runClient(t, a, "bash", "cli/stacks.sh", aws, filepath.Join(data, "ca", "ca.pem"))
}
