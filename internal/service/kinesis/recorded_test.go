package kinesis_test

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "kinesis",
		Texts:   map[string]string{"A1000": base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 1000)))},
		Masks:   []string{"starting_hash", "ending_hash"},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
