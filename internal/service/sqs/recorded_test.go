package sqs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "sqs",
		Texts: map[string]string{
			"MIB":   strings.Repeat("a", 1<<20),
			"A1024": strings.Repeat("a", 1024),
			"A2040": strings.Repeat("a", 2040),
			"A1025": strings.Repeat("a", 1025),
		},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
