package drive

import (
	"strings"
	"testing"
)

// TestLine holds what is written into a log group that a filter follows.
func TestLine(t *testing.T) {
	f := func(pattern string, want ...string) {
		t.Helper()
		got := line(pattern)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("line(%q) = %q, want %q in it", pattern, got, w)
			}
		}
	}
	f(`ERROR`, "ERROR ERROR one line")
	f(`?ERROR ?"Task timed out"`, "ERROR")
	f(`{$.userIdentity.type="IAMUser"}`, `"type":"IAMUser"`, `"arn":"arn:aws:iam::`)
	f(`{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed*") }`, `"eventName":"ConsoleLogin"`, `"errorMessage":"Failed1"`)
	f(`{ $.userIdentity.type != "AWSService" }`, `"type":"not AWSService"`)
}
