package cron_test

import (
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/event/cron"
)

const layout = "Mon 2006-01-02 15:04:05 -0700"

func TestNext(t *testing.T) {
	f := func(text, zone, after string, want ...string) {
		t.Helper()
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		s, err := cron.Parse(text, loc)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			return
		}
		at, err := time.Parse(time.RFC3339, after)
		if err != nil {
			t.Fatal(err)
		}
		start := at
		for _, w := range want {
			next, ok := s.Next(at, start)
			got := next.Format(layout)
			if !ok {
				got = "never"
			}
			if got != w {
				t.Errorf("%s after %s = %s, want %s", text, at, got, w)
			}
			at = next
		}
	}
	f("rate(5 minutes)", "UTC", "2024-01-01T00:00:30Z", "Mon 2024-01-01 00:05:30 +0000", "Mon 2024-01-01 00:10:30 +0000")
	f("at(2024-03-01T10:00:00)", "Europe/Berlin", "2024-01-01T00:00:00Z", "Fri 2024-03-01 10:00:00 +0100", "never")
	f("cron(0 10 * * ? *)", "UTC", "2024-01-01T10:00:00Z", "Tue 2024-01-02 10:00:00 +0000")
	f("cron(15 12 * * ? *)", "UTC", "2024-12-31T12:15:00Z", "Wed 2025-01-01 12:15:00 +0000")
	f("cron(0 18 ? * MON-FRI *)", "UTC", "2024-01-05T18:00:00Z", "Mon 2024-01-08 18:00:00 +0000")
	f("cron(0 8 1 * ? *)", "UTC", "2024-01-02T00:00:00Z", "Thu 2024-02-01 08:00:00 +0000")
	f("cron(0/15 * * * ? *)", "UTC", "2024-01-01T00:46:00Z", "Mon 2024-01-01 01:00:00 +0000", "Mon 2024-01-01 01:15:00 +0000")
	f("cron(0/5 8-17 ? * MON-FRI *)", "UTC", "2024-01-05T17:55:00Z", "Mon 2024-01-08 08:00:00 +0000")
	f("cron(0 2 ? * SAT#3 *)", "UTC", "2024-01-01T00:00:00Z", "Sat 2024-01-20 02:00:00 +0000", "Sat 2024-02-17 02:00:00 +0000")
	f("cron(0 0 ? * MON#5 *)", "UTC", "2024-01-30T00:00:00Z", "Mon 2024-04-29 00:00:00 +0000")
	f("cron(15 10 ? * 6L 2002-2005)", "UTC", "2005-11-26T00:00:00Z", "Fri 2005-12-30 10:15:00 +0000", "never")
	f("cron(0 0 L * ? *)", "UTC", "2024-02-01T00:00:00Z", "Thu 2024-02-29 00:00:00 +0000", "Sun 2024-03-31 00:00:00 +0000")
	f("cron(0 0 LW * ? *)", "UTC", "2024-03-01T00:00:00Z", "Fri 2024-03-29 00:00:00 +0000")
	f("cron(0 0 1W * ? *)", "UTC", "2024-05-31T00:00:00Z", "Mon 2024-06-03 00:00:00 +0000")
	f("cron(0 0 15W * ? *)", "UTC", "2024-06-01T00:00:00Z", "Fri 2024-06-14 00:00:00 +0000")
	f("cron(0 0 ? * L *)", "UTC", "2024-01-01T00:00:00Z", "Sat 2024-01-06 00:00:00 +0000")
	f("cron(0 0 ? * FRI-MON *)", "UTC", "2024-01-02T00:00:00Z", "Fri 2024-01-05 00:00:00 +0000")
	f("cron(0 0 29 2 ? *)", "UTC", "2024-03-01T00:00:00Z", "Tue 2028-02-29 00:00:00 +0000")
	f("cron(0 0 30 FEB ? *)", "UTC", "2024-03-01T00:00:00Z", "never")
	// Half past two does not come on the last Sunday of March, and once in October.
	f("cron(30 2 * * ? *)", "Europe/Berlin", "2024-03-30T00:00:00Z", "Sat 2024-03-30 02:30:00 +0100", "Mon 2024-04-01 02:30:00 +0200")
	f("cron(30 2 * * ? *)", "Europe/Berlin", "2024-10-26T12:00:00Z", "Sun 2024-10-27 02:30:00 +0100", "Mon 2024-10-28 02:30:00 +0100")
}

func TestParse(t *testing.T) {
	f := func(text string, rule, schedule bool) {
		t.Helper()
		if _, err := cron.ParseRule(text); (err == nil) != rule {
			t.Errorf("ParseRule(%q): %v", text, err)
		}
		if _, err := cron.Parse(text, time.UTC); (err == nil) != schedule {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
	for _, text := range []string{
		"rate(1 minute)", "rate(7 days)", "rate(2 hours)", "cron(*/15 * * * ? *)", "cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)",
		"cron(1-31/30 1-1 ? * 1,7 *)", "cron(0/10 * ? * MON-FRI *)", "cron(0 12 ? jan-mar mon 2024/2)",
	} {
		f(text, true, true)
	}
	for _, text := range []string{
		"", "rate", "rate()", "rate(10 minutes", " rate(10 minutes)", "rate( 10 minutes )", "rate(-10 minutes)", "rate(0 minutes)", "rate(10 seconds)",
		"rate(foo minutes)", "rate(10)", "cron()", "cron(0 1 * * * *)", "cron(0 dummy ? * MON-FRI *)", "cron(7 20 * * NOT *)", "cron(71 8 1 * ? *)",
		"cron(0 1 ? * ? *)", "cron(0 1 * * ?)", "cron(0/0 1 * * ? *)", "cron(0 1 0 * ? *)", "cron(0 1 ? * MON#6 *)", "cron(0 1 * * ? 1969)",
		"cron(,  1 * * ? *)", "cron(+1 1 * * ? *)", "at(2021-12-31)", "at(2021-12-31T23:59:59Z)", "every(5 minutes)",
	} {
		f(text, false, false)
	}
	f("rate(1 minutes)", false, true)
	f("rate(5 minute)", false, true)
	f("at(2021-12-31T23:59:59)", false, true)
}

// FuzzNext holds that the next time is past the one before, is due itself, and
// that nothing between the two is.
func FuzzNext(f *testing.F) {
	f.Add("cron(0/7 1-23/5 ? 2,3,10 SUN,MON 2020-2060)", int64(1711756800), "Europe/Berlin")
	f.Add("cron(30 2 LW * ? *)", int64(1729987200), "America/New_York")
	f.Add("rate(90 minutes)", int64(0), "UTC")
	f.Add("at(2024-03-31T02:30:00)", int64(0), "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string, unix int64, zone string) {
		loc, err := time.LoadLocation(zone)
		if err != nil || unix < 0 || unix > 1<<33 {
			return
		}
		s, err := cron.Parse(text, loc)
		if err != nil {
			return
		}
		after := time.Unix(unix, 0)
		next, ok := s.Next(after, after)
		if !ok {
			return
		}
		if !next.After(after) {
			t.Fatalf("%s after %s is %s", text, after, next)
		}
		if again, ok := s.Next(next.Add(-time.Nanosecond), after); !ok || !again.Equal(next) {
			t.Fatalf("%s just before %s is %s", text, next, again)
		}
		middle := after.Add(next.Sub(after) / 2)
		if again, ok := s.Next(middle, after); !ok || !again.Equal(next) {
			t.Fatalf("%s after %s is %s, after %s is %s", text, after, next, middle, again)
		}
	})
}
