package apigateway

import (
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
)

func TestPeriodStart(t *testing.T) {
	f := func(period string, offset int32, day, want string) {
		t.Helper()
		at, err := time.Parse(dayLayout, day)
		if err != nil {
			t.Fatal(err)
		}
		got := periodStart(&api.QuotaSettings{Period: &period, Offset: &offset}, at.Add(23*time.Hour)).Format(dayLayout)
		if got != want {
			t.Errorf("%s + %d at %s: got %s, want %s", period, offset, day, got, want)
		}
	}
	f("DAY", 0, "2026-03-01", "2026-03-01")
	f("WEEK", 0, "2026-03-01", "2026-03-01") // a Sunday
	f("WEEK", 0, "2026-03-07", "2026-03-01")
	f("WEEK", 1, "2026-03-01", "2026-02-23")
	f("WEEK", 1, "2026-03-02", "2026-03-02")
	f("WEEK", 6, "2026-03-07", "2026-03-07")
	f("WEEK", 6, "2026-03-06", "2026-02-28")
	f("MONTH", 0, "2026-03-01", "2026-03-01")
	f("MONTH", 14, "2026-03-15", "2026-03-15")
	f("MONTH", 14, "2026-03-14", "2026-02-15")
	f("MONTH", 27, "2026-03-27", "2026-02-28")
	f("MONTH", 27, "2026-01-05", "2025-12-28")
}
