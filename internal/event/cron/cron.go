// Package cron holds the schedules of rules and of EventBridge Scheduler:
// cron(…), rate(…) and at(…), and when they are next due.
//
// A schedule is a pure function from one time to the next, so whoever keeps
// the last due time can always tell the one after it, whatever happened since.
package cron

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ErrInvalid is the error of a text that is no schedule.
var ErrInvalid = errors.New("cron: not a schedule")

// A Schedule says when something is due. One of its parts is set.
type Schedule struct {
	every time.Duration // rate
	once  time.Time     // at
	table *table        // cron
	zone  *time.Location
}

// ParseRule reads the schedule of a rule: cron, in UTC, or rate.
func ParseRule(text string) (Schedule, error) {
	s, err := Parse(text, time.UTC)
	if err != nil || !s.once.IsZero() || s.every > 0 && strings.HasPrefix(text, "rate(1 ") == strings.HasSuffix(text, "s)") {
		return Schedule{}, ErrInvalid // what is once a minute is rate(1 minute), and no other is
	}
	return s, nil
}

// Parse reads a schedule of EventBridge Scheduler; what it says of hours and
// days is meant in zone.
func Parse(text string, zone *time.Location) (Schedule, error) {
	kind, rest, _ := strings.Cut(text, "(")
	arg, ok := strings.CutSuffix(rest, ")")
	if !ok {
		return Schedule{}, ErrInvalid
	}
	switch kind {
	case "rate":
		return parseRate(arg)
	case "at":
		t, err := time.ParseInLocation("2006-01-02T15:04:05", arg, zone)
		if err != nil || len(arg) != len("2006-01-02T15:04:05") {
			return Schedule{}, ErrInvalid
		}
		return Schedule{once: t}, nil
	case "cron":
		t, err := parseTable(arg)
		return Schedule{table: t, zone: zone}, err
	}
	return Schedule{}, ErrInvalid
}

var rate = regexp.MustCompile(`^([1-9][0-9]{0,8}) (minute|hour|day)s?$`)

func parseRate(arg string) (Schedule, error) {
	m := rate.FindStringSubmatch(arg)
	if m == nil {
		return Schedule{}, ErrInvalid
	}
	unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || time.Duration(n) > time.Duration(1<<62)/unit {
		return Schedule{}, ErrInvalid
	}
	return Schedule{every: time.Duration(n) * unit}, nil
}

// Once reports whether s is due only one time.
func (s Schedule) Once() bool { return !s.once.IsZero() }

// Every returns how often s is due, if it is a rate, or 0.
func (s Schedule) Every() time.Duration { return s.every }

// Next returns the first time past after at which s is due; false is that
// there is none. What is due at a rate is so from start on.
func (s Schedule) Next(after, start time.Time) (time.Time, bool) {
	switch {
	case s.every > 0:
		if after.Before(start) {
			return start, true
		}
		n := after.Sub(start)/s.every + 1
		return start.Add(n * s.every), true
	case s.table != nil:
		return s.table.next(after, s.zone)
	}
	return s.once, s.once.After(after)
}
