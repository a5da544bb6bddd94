package cron

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// A table is the fields of cron(…).
type table struct {
	minutes, hours, days, months, weekdays uint64 // one bit each
	years                                  yearSet
	byWeekday                              bool // weekdays count, and not days
	last                                   bool // L: the last day of the month, or its last of weekdays
	workday                                bool // W: the working day next to the day
	nth                                    int  // #: of the month
}

const firstYear, lastYear = 1970, 2199

type yearSet [(lastYear-firstYear)/64 + 1]uint64

func (y *yearSet) has(year int) bool {
	i := year - firstYear
	return year >= firstYear && year <= lastYear && y[i/64]&(1<<(i%64)) != 0
}

// A field says what may stand in a field.
type field struct {
	least, most int
	names       string // of three letters each, from least on
}

var (
	minutes  = field{0, 59, ""}
	hours    = field{0, 23, ""}
	days     = field{1, 31, ""}
	months   = field{1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"}
	weekdays = field{1, 7, "SUNMONTUEWEDTHUFRISAT"}
	years    = field{firstYear, lastYear, ""}
)

func parseTable(text string) (*table, error) {
	f := strings.Split(text, " ")
	if len(f) != 6 {
		return nil, ErrInvalid
	}
	t := &table{byWeekday: f[2] == "?"}
	ok := t.byWeekday != (f[4] == "?") // one of days and weekdays is left open
	ok = ok && minutes.bits(f[0], &t.minutes) && hours.bits(f[1], &t.hours) && months.bits(f[3], &t.months)
	ok = ok && years.parse(f[5], func(y int) { t.years[(y-firstYear)/64] |= 1 << ((y - firstYear) % 64) })
	if t.byWeekday {
		ok = ok && t.parseWeekdays(f[4])
	} else {
		ok = ok && t.parseDays(f[2])
	}
	if !ok {
		return nil, ErrInvalid
	}
	return t, nil
}

func (t *table) parseDays(text string) bool {
	if day, ok := strings.CutSuffix(text, "W"); ok {
		t.workday = true
		if day != "L" {
			n, ok := days.value(day)
			t.days = 1 << n
			return ok
		}
		text = day
	}
	if text == "L" {
		t.last = true
		return true
	}
	return days.bits(text, &t.days)
}

func (t *table) parseWeekdays(text string) bool {
	if text == "L" {
		text = "7"
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		n, ok := weekdays.value(day)
		t.last, t.weekdays = true, 1<<n
		return ok
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		n, ok := weekdays.value(day)
		t.weekdays = 1 << n
		if len(nth) == 1 {
			t.nth = int(nth[0] - '0')
		}
		return ok && t.nth >= 1 && t.nth <= 5
	}
	return weekdays.bits(text, &t.weekdays)
}

// bits reads a field into set.
func (f field) bits(text string, set *uint64) bool {
	return f.parse(text, func(n int) { *set |= 1 << n })
}

// parse calls add for each number that text lists.
func (f field) parse(text string, add func(int)) bool {
	for _, part := range strings.Split(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			var err error
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > f.most {
				return false
			}
		}
		from, to := f.least, f.most
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			var ok bool
			if from, ok = f.value(first); !ok {
				return false
			}
			switch {
			case ranged:
				if to, ok = f.value(last); !ok {
					return false
				}
			case !stepped:
				to = from
			}
		}
		if to < from { // FRI-MON
			to += f.most - f.least + 1
		}
		for n := from; n <= to; n += step {
			add((n-f.least)%(f.most-f.least+1) + f.least)
		}
	}
	return true
}

// value reads a number or a name.
func (f field) value(text string) (int, bool) {
	if len(text) == 3 && f.names != "" {
		if i := strings.Index(f.names, strings.ToUpper(text)); i >= 0 && i%3 == 0 {
			return f.least + i/3, true
		}
	}
	for _, c := range []byte(text) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.least && n <= f.most
}

// next returns the first time past after. Times that clocks skip in spring are
// never due, and those that come twice in autumn are due once.
func (t *table) next(after time.Time, zone *time.Location) (time.Time, bool) {
	local := after.In(zone)
	year, month, today := local.Date()
	for ; year <= lastYear; year, month, today = year+1, time.January, 1 {
		if !t.years.has(year) {
			continue
		}
		for ; month <= time.December; month, today = month+1, 1 {
			if t.months&(1<<month) == 0 {
				continue
			}
			for set := t.daysOf(year, month) >> today << today; set != 0; set &= set - 1 {
				if due, ok := t.on(year, month, bits.TrailingZeros64(set), after, zone); ok {
					return due, true
				}
			}
		}
	}
	return time.Time{}, false
}

// on returns the first time past after on that day.
func (t *table) on(year int, month time.Month, day int, after time.Time, zone *time.Location) (time.Time, bool) {
	for hs := t.hours; hs != 0; hs &= hs - 1 {
		for ms := t.minutes; ms != 0; ms &= ms - 1 {
			hour, minute := bits.TrailingZeros64(hs), bits.TrailingZeros64(ms)
			due := time.Date(year, month, day, hour, minute, 0, 0, zone)
			if due.After(after) && due.Hour() == hour && due.Minute() == minute {
				return due, true
			}
		}
	}
	return time.Time{}, false
}

// daysOf returns the days of a month that t is due on.
func (t *table) daysOf(year int, month time.Month) uint64 {
	length := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	first := int(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC).Weekday())
	weekday := func(day int) int { return (first+day-1)%7 + 1 }
	var set uint64
	for day := 1; day <= length; day++ {
		switch {
		case !t.byWeekday && t.last:
			if day == length {
				set |= 1 << day
			}
		case !t.byWeekday:
			set |= t.days & (1 << day)
		case t.weekdays&(1<<weekday(day)) == 0:
		case t.last && day+7 <= length:
		case t.nth > 0 && (day+6)/7 != t.nth:
		default:
			set |= 1 << day
		}
	}
	if !t.workday || set == 0 {
		return set
	}
	day := bits.TrailingZeros64(set)
	switch weekday(day) {
	case 7: // Saturday
		if day--; day == 0 {
			day = 3
		}
	case 1:
		if day++; day > length {
			day -= 3
		}
	}
	return 1 << day
}
