package apigateway_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "apigateway",
		Unknown: []string{"latency"},
		Masks:   []string{"DDD MMM dd hh:mm:ss UTC yyyy"},
		As:      linesOfLog,
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// linesOfLog are those of a log, as they were recorded.
func linesOfLog(want, got any) any {
	log, isText := got.(string)
	w, ok := want.(map[string]any)
	if !isText || !ok || w["line00"] == nil {
		return got
	}
	lines := make(map[string]any)
	if log != "" {
		for i, line := range strings.Split(log, "\n") {
			lines[fmt.Sprintf("line%02d", i)] = line
		}
	}
	return lines
}
