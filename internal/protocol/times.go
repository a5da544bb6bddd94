package protocol

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Forms of timestamps.
const (
	timeUsual timeForm = iota // that of the place
	timeUnix
	timeISO
	timeHTTP
)

type timeForm uint8

var timeForms = map[string]timeForm{
	"unixTimestamp": timeUnix,
	"iso8601":       timeISO,
	"rfc822":        timeHTTP,
}

// or returns the form itself, or usual if it is that of the place.
func (f timeForm) or(usual timeForm) timeForm {
	if f == timeUsual {
		return usual
	}
	return f
}

var errTime = errors.New("not a timestamp")

// Only what is in years of four digits is a timestamp: seconds since the epoch.
const (
	minTime = -62135596800
	maxTime = 253402300800
)

// parseTime reads a timestamp in the form meant, or in one that can be told
// from it.
func parseTime(s string, form timeForm) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil && form == timeHTTP {
		if t, err = http.ParseTime(s); err != nil {
			t, err = time.Parse("Mon, 02 Jan 2006 15:04:05.999 GMT", s)
		}
	}
	if err == nil {
		if u := t.Unix(); u < minTime || u >= maxTime {
			return time.Time{}, errTime
		}
		return t.UTC(), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, errTime
	}
	return unixTime(f)
}

// unixTime returns the time that is f seconds after the epoch, to the
// millisecond.
func unixTime(f float64) (time.Time, error) {
	if !(f >= minTime && f < maxTime) {
		return time.Time{}, errTime
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), nil
}

// appendUnix appends t in seconds, as a decimal and never with an exponent,
// which some SDKs cannot read.
func appendUnix(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}

// appendTime appends t as text without quotes.
func appendTime(b []byte, t time.Time, form timeForm) []byte {
	switch form {
	case timeUnix:
		return appendUnix(b, t)
	case timeHTTP:
		return t.UTC().AppendFormat(b, http.TimeFormat)
	}
	return t.UTC().AppendFormat(b, "2006-01-02T15:04:05.999Z")
}
