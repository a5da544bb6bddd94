package kinesis_test

import (
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "kinesis",
		Masks:   []string{"starting_hash", "ending_hash"},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
