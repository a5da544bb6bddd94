package deploy

import (
	"testing"
	"time"
)

func TestParseISODuration(t *testing.T) {
	parses := func(text string, want time.Duration) {
		t.Helper()
		if got, err := parseISODuration(text); err != nil || got != want {
			t.Errorf("parseISODuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	parses("PT15M", 15*time.Minute)
	parses("PT1H30M10S", time.Hour+30*time.Minute+10*time.Second)
	parses("PT45S", 45*time.Second)
	parses("PT0S", 0)
	for _, text := range []string{"", "PT", "15M", "P1D", "PT13H", "PT1M1H", "PT-1M", "pt5m"} {
		if got, err := parseISODuration(text); err == nil {
			t.Errorf("parseISODuration(%q) = %v, want a refusal", text, got)
		}
	}
}
