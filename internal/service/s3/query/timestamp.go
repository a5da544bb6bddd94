package query

import (
	"strconv"
	"strings"
	"time"
)

// A Timestamp is a point in time, known to a precision.
type Timestamp struct {
	time      time.Time
	precision precision
	digits    int  // of the fraction of its second
	local     bool // its offset is not known: -00:00
}

// A precision is the finest part that is known of a time. It is also what
// functions call the parts of dates.
type precision uint8

const (
	year precision = iota
	month
	day
	hour // no timestamp is known to the hour
	minute
	second
)

var dateParts = map[string]precision{"YEAR": year, "MONTH": month, "DAY": day, "HOUR": hour, "MINUTE": minute, "SECOND": second}

// layouts are what timestamps look like, by precision, without a zone.
var layouts = map[precision]string{year: "2006T", month: "2006-01T", day: "2006-01-02", minute: "2006-01-02T15:04", second: "2006-01-02T15:04:05"}

// parseTimestamp reads what Ion, and the note of W3C, have for times.
func parseTimestamp(s string) (Timestamp, bool) {
	date, clock, hasClock := strings.Cut(s, "T")
	if clock == "" {
		p, text := day, date
		switch {
		case hasClock && len(date) == len("2006"):
			p, text = year, s
		case hasClock && len(date) == len("2006-01"):
			p, text = month, s
		}
		t, err := time.Parse(layouts[p], text)
		return Timestamp{time: t, precision: p}, err == nil
	}
	at := strings.LastIndexAny(clock, "Z+-")
	if at < 0 {
		return Timestamp{}, false
	}
	zone, bare := clock[at:], clock[:at]
	out := Timestamp{precision: minute, local: zone == "-00:00"}
	if len(bare) > len("15:04") {
		out.precision = second
		if dot := strings.IndexByte(bare, '.'); dot >= 0 {
			out.digits = min(len(bare)-dot-1, 9)
		}
	}
	if zone != "Z" && len(zone) != len("+00:00") {
		return Timestamp{}, false
	}
	t, err := time.Parse(layouts[out.precision]+"Z07:00", date+"T"+bare+zone)
	out.time = t
	return out, err == nil
}

// String prints t as Ion does.
func (t Timestamp) String() string {
	text := t.time.Format(layouts[t.precision])
	if t.precision < minute {
		return text
	}
	if t.digits > 0 {
		text += t.time.Format("." + strings.Repeat("0", t.digits))
	}
	if t.local {
		return text + "-00:00"
	}
	return text + t.time.Format("Z07:00")
}

// add returns the time n parts later.
func (t Timestamp) add(p precision, n int64) (Timestamp, bool) {
	const most = 10000 * 366 * 24 * 60 * 60 // seconds there are in all years
	if n > most || n < -most {
		return t, false
	}
	switch p {
	case year:
		t.time = addMonths(t.time, 12*int(n))
	case month:
		t.time = addMonths(t.time, int(n))
	case day:
		t.time = t.time.AddDate(0, 0, int(n))
	default:
		unit := map[precision]int64{hour: 3600, minute: 60, second: 1}[p]
		s := t.time.Unix() + n*unit
		t.time = time.Unix(s, int64(t.time.Nanosecond())).In(t.time.Location())
		if t.precision < minute {
			t.local = true
		}
	}
	t.precision = max(t.precision, p)
	if t.precision == hour {
		t.precision = minute
	}
	y := t.time.Year()
	return t, y >= 1 && y <= 9999
}

// addMonths returns the same day n months later, or the last day of that month.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	return first.AddDate(0, 0, min(t.Day(), first.AddDate(0, 1, -1).Day())-1)
}

// since returns how many whole parts t is later than u.
func (t Timestamp) since(u Timestamp, p precision) int64 {
	if t.time.Before(u.time) {
		return -u.since(t, p)
	}
	a, b := u.time.UTC(), t.time.UTC()
	switch p {
	case year, month:
		n := 12*(b.Year()-a.Year()) + int(b.Month()) - int(a.Month())
		if addMonths(a, n).After(b) {
			n--
		}
		if p == year {
			n /= 12
		}
		return int64(n)
	}
	seconds := b.Unix() - a.Unix()
	if b.Nanosecond() < a.Nanosecond() {
		seconds--
	}
	return seconds / map[precision]int64{day: 86400, hour: 3600, minute: 60, second: 1}[p]
}

// part returns a part of t, by the name that EXTRACT has for it.
func (t Timestamp) part(name string) (int64, bool) {
	_, offset := t.time.Zone()
	switch name {
	case "YEAR":
		return int64(t.time.Year()), true
	case "MONTH":
		return int64(t.time.Month()), true
	case "DAY":
		return int64(t.time.Day()), true
	case "HOUR":
		return int64(t.time.Hour()), true
	case "MINUTE":
		return int64(t.time.Minute()), true
	case "SECOND":
		return int64(t.time.Second()), true
	case "TIMEZONE_HOUR":
		return int64(offset / 3600), true
	case "TIMEZONE_MINUTE":
		return int64(offset / 60 % 60), true
	}
	return 0, false
}

// format prints t by a pattern: "yyyy-MM-dd'T'H:m".
func (t Timestamp) format(pattern string) (string, error) {
	var b strings.Builder
	for pattern != "" {
		c := pattern[0]
		n := len(pattern) - len(strings.TrimLeft(pattern, string(c)))
		switch {
		case c == '\'':
			text, rest, ok := strings.Cut(pattern[1:], "'")
			if !ok {
				return "", Fault("EvaluatorUnterminatedTimestampFormatPatternToken", "The timestamp format pattern contains an unterminated token in the SQL expression.")
			}
			b.WriteString(text)
			pattern = rest
			continue
		case c|0x20 < 'a' || c|0x20 > 'z':
			b.WriteString(pattern[:n])
		default:
			text, ok := t.symbol(c, n)
			if !ok {
				return "", Fault("EvaluatorInvalidTimestampFormatPatternSymbol", "The timestamp format pattern contains a symbol in the SQL expression that is not valid.")
			}
			b.WriteString(text)
		}
		pattern = pattern[n:]
	}
	return b.String(), nil
}

// numerals are the symbols that are numbers, by the layouts of time.Format that
// are one digit or more, and two or more.
var numerals = map[byte][2]string{'M': {"1", "01"}, 'd': {"2", "02"}, 'h': {"3", "03"}, 'm': {"4", "04"}, 's': {"5", "05"}}

// zones are the symbols of offsets, by their number.
var zones = [6]string{1: "07", 2: "0700", 3: "07:00", 4: "0700", 5: "07:00"}

// symbol prints what n times the letter c stands for in patterns.
func (t Timestamp) symbol(c byte, n int) (string, bool) {
	if layouts, ok := numerals[c]; ok && n <= 2 {
		return t.time.Format(layouts[n-1]), true
	}
	switch {
	case c == 'y' && n == 2:
		return t.time.Format("06"), true
	case c == 'y' && n == 1:
		return strconv.Itoa(t.time.Year()), true
	case c == 'y' && n == 4:
		return t.time.Format("2006"), true
	case c == 'M' && n == 3:
		return t.time.Format("Jan"), true
	case c == 'M' && n == 4:
		return t.time.Format("January"), true
	case c == 'M' && n == 5:
		return t.time.Format("Jan")[:1], true
	case c == 'a' && n == 1:
		return t.time.Format("PM"), true
	case c == 'H' && n == 1:
		return strconv.Itoa(t.time.Hour()), true
	case c == 'H' && n == 2:
		return t.time.Format("15"), true
	case c == 'S' && n <= 9:
		return t.time.Format("." + strings.Repeat("0", n))[1:], true
	case c == 'n' && n == 1:
		return strconv.Itoa(t.time.Nanosecond()), true
	case c == 'X' && n <= 5:
		return t.time.Format("Z" + zones[n]), true
	case c == 'x' && n <= 5:
		return t.time.Format("-" + zones[n]), true
	}
	return "", false
}
