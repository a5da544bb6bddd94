package lambda_test

import (
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares refusals with those that AWS made.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "lambda",
		As: func(want, got any) any {
			if want == "User" && got == nil { // the Type of a refusal, which the protocols of others do not say
				return want
			}
			return got
		},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
