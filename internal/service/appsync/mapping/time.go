package mapping

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // time zones are known wherever Aloft runs
)

// millisISO is how times are written, in UTC.
const millisISO = "2006-01-02T15:04:05.000Z"

var timeHelpers = map[string]helper{
	"time.nowISO8601":           pure(func(arguments) any { return time.Now().UTC().Format(millisISO) }),
	"time.nowEpochSeconds":      pure(func(arguments) any { return time.Now().Unix() }),
	"time.nowEpochMilliSeconds": pure(func(arguments) any { return time.Now().UnixMilli() }),
	"time.nowFormatted":         func(_ *Run, a arguments) (any, error) { return formatted(time.Now(), a.text(0), a.at(1)) },
	"time.parseFormattedToEpochMilliSeconds": func(_ *Run, a arguments) (any, error) {
		zone, err := zoneOf(a.at(2))
		if err != nil {
			return nil, err
		}
		layout, err := layoutOf(a.text(1))
		if err != nil {
			return nil, err
		}
		t, err := time.ParseInLocation(layout, a.text(0), zone)
		if err != nil {
			return nil, errTime("Unable to parse '%s' as '%s'", a.text(0), a.text(1))
		}
		return t.UnixMilli(), nil
	},
	"time.parseISO8601ToEpochMilliSeconds": func(_ *Run, a arguments) (any, error) {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04Z07:00"} {
			if t, err := time.Parse(layout, a.text(0)); err == nil {
				return t.UnixMilli(), nil
			}
		}
		return nil, errTime("Unable to parse '%s' as a date time in ISO 8601", a.text(0))
	},
	"time.epochMilliSecondsToSeconds": pure(func(a arguments) any { return int64(a.number(0)) / 1000 }),
	"time.epochMilliSecondsToISO8601": pure(func(a arguments) any { return time.UnixMilli(int64(a.number(0))).UTC().Format(millisISO) }),
	"time.epochMilliSecondsToFormatted": func(_ *Run, a arguments) (any, error) {
		return formatted(time.UnixMilli(int64(a.number(0))), a.text(1), a.at(2))
	},
}

func errTime(format string, args ...any) error {
	return &Abort{Problem{Type: "MappingTemplate", Message: fmt.Sprintf(format, args...)}}
}

func formatted(t time.Time, pattern string, zone any) (any, error) {
	in, err := zoneOf(zone)
	if err != nil {
		return nil, err
	}
	layout, err := layoutOf(pattern)
	if err != nil {
		return nil, err
	}
	return t.In(in).Format(layout), nil
}

// zoneOf finds a time zone by its name, or by how far it is from UTC.
func zoneOf(v any) (*time.Location, error) {
	name, _ := v.(string)
	switch {
	case name == "":
		return time.UTC, nil
	case len(name) == 6 && (name[0] == '+' || name[0] == '-') && name[3] == ':':
		hours, err1 := strconv.Atoi(name[1:3])
		minutes, err2 := strconv.Atoi(name[4:])
		if errors.Join(err1, err2) == nil {
			seconds := hours*3600 + minutes*60
			if name[0] == '-' {
				seconds = -seconds
			}
			return time.FixedZone(name, seconds), nil
		}
	case strings.ContainsAny(name, `.\`) || strings.HasPrefix(name, "/") || name == "Local":
	default:
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, errTime("Unknown time zone '%s'", name)
}

// layouts are the parts of Java's patterns, as Go writes them.
var layouts = map[string]string{
	"yyyy": "2006", "yy": "06", "y": "2006", "u": "2006", "uuuu": "2006", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1", "L": "1", "LL": "01",
	"dd": "02", "d": "2", "D": "__2", "DDD": "002", "EEEE": "Monday", "EEE": "Mon", "EE": "Mon", "E": "Mon", "HH": "15", "H": "15", "hh": "03", "h": "3", "mm": "04", "m": "4",
	"ss": "05", "s": "5", "a": "PM", "X": "Z07", "XX": "Z0700", "XXX": "Z07:00", "x": "-07", "xx": "-0700", "xxx": "-07:00",
	"Z": "-0700", "ZZ": "-0700", "ZZZ": "-0700", "ZZZZ": "-07:00", "ZZZZZ": "-07:00", "z": "MST", "zzz": "MST",
}

// layoutOf is a pattern of Java's DateTimeFormatter as a layout of Go's.
func layoutOf(pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		if c == '\'' {
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return "", errTime("Pattern ends with an incomplete string literal: %s", pattern)
			}
			if b.WriteString(pattern[i+1 : i+1+end]); end == 0 {
				b.WriteByte('\'')
			}
			i += end + 2
			continue
		}
		j := i + 1
		for j < len(pattern) && pattern[j] == c {
			j++
		}
		run := pattern[i:j]
		i = j
		switch layout, known := layouts[run]; {
		case known:
			b.WriteString(layout)
		case c == 'S': // after the point that is there
			b.WriteString(strings.Repeat("0", len(run)))
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			return "", errTime("Unknown pattern letter: %c", c)
		default:
			b.WriteString(run)
		}
	}
	return b.String(), nil
}
