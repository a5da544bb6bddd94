package rule

import (
	"strings"
	"testing"
)

var states = map[string]string{"a": "ALARM", "b": "OK", "arn:aws:cloudwatch:us-east-1:000000000000:alarm:c": "INSUFFICIENT_DATA"}

func state(alarm string) string { return states[alarm] }

func TestHolds(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		r, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		} else if r.Holds(state) != want {
			t.Errorf("%s holds: %v, want %v", text, !want, want)
		}
	}
	f("ALARM(a)", true)
	f(`ALARM("a")`, true)
	f("alarm(a)", true)
	f("ALARM(b)", false)
	f("ALARM(a) AND OK(b)", true)
	f("ALARM(a) AND NOT OK(b)", false)
	f("NOT (ALARM(b) OR ALARM(c))", true)
	f("ALARM(b) OR ALARM(a) AND OK(b)", true)
	f("(ALARM(b)\nOR ALARM(a)) AND FALSE", false)
	f("TRUE", true)
	f(`INSUFFICIENT_DATA("arn:aws:cloudwatch:us-east-1:000000000000:alarm:c")`, true)
	f("INSUFFICIENT_DATA(arn:aws:cloudwatch:us-east-1:000000000000:alarm:c)", true)
	f("AT_LEAST(1, ALARM, (a, b))", true)
	f("AT_LEAST(2, ALARM, (a, b))", false)
	f("AT_LEAST(1, NOT ALARM, (a, b))", true)
	f("ALARM(none)", false)
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "ALARM", "ALARM(", "ALARM()", "ALARM(a", "ALARM(a) OK(b)", "WARN(a)", "ALARM(a) AND", "(ALARM(a)", `ALARM("a)`, "AT_LEAST(x, ALARM, (a))", strings.Repeat("NOT ", 100) + "TRUE"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) is no refusal", text)
		}
	}
}

// No text makes the parser panic, and what it parsed can be asked.
func FuzzParse(f *testing.F) {
	f.Add(`ALARM("a") AND NOT (OK(b) OR TRUE)`)
	f.Add("AT_LEAST(1, NOT ALARM, (a, b))")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := Parse(text); err == nil {
			r.Holds(state)
		}
	})
}
