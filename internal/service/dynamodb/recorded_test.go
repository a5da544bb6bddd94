package dynamodb_test

import (
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "dynamodb",
		Masks:   []string{"starting-sequence-number"},
		Hidden:  []string{"NextShardIterator"},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
