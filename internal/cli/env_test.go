package cli

import (
	"strings"
	"testing"
)

// What `aloft env` prints where no Aloft has run fails in a shell too.
func TestEnvWithoutData(t *testing.T) {
	clearEnv(t)
	if out, err := run(t, "env"); err == nil || !strings.HasPrefix(out, "false\n") {
		t.Errorf("it printed %q, and %v: want false, and an error", out, err)
	}
}
