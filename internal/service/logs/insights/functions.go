package insights

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A function is one of the language, but of groups.
type function struct {
	least, most int
	do          func(r *Record, args []value) value
}

func ofNumber(f func(float64) float64) function {
	return function{1, 1, func(_ *Record, a []value) value {
		n, ok := number(a[0])
		if v := f(n); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
			return v
		}
		return nil
	}}
}

func ofText(f func(string) value) function {
	return function{1, 1, func(_ *Record, a []value) value {
		if a[0] == nil {
			return nil
		}
		return f(text(a[0]))
	}}
}

func pick(better func(a, b float64) bool) function {
	return function{1, 50, func(_ *Record, a []value) value {
		var best value
		for _, v := range a {
			n, ok := number(v)
			if !ok {
				continue
			}
			if had, isSet := best.(float64); !isSet || better(n, had) {
				best = n
			}
		}
		return best
	}}
}

var functions = map[string]function{
	"abs": ofNumber(math.Abs), "ceil": ofNumber(math.Ceil), "floor": ofNumber(math.Floor), "log": ofNumber(math.Log), "sqrt": ofNumber(math.Sqrt),
	"greatest": pick(func(a, b float64) bool { return a > b }), "least": pick(func(a, b float64) bool { return a < b }),

	"bin": {1, 1, bin}, "datefloor": {2, 2, func(_ *Record, a []value) value { return step(a[0], a[1], math.Floor) }},
	"dateceil":   {2, 2, func(_ *Record, a []value) value { return step(a[0], a[1], math.Ceil) }},
	"frommillis": {1, 1, func(_ *Record, a []value) value { return moment(a[0]) }},
	"tomillis":   {1, 1, toMillis},
	"now":        {0, 0, func(*Record, []value) value { return float64(time.Now().Unix()) }},

	"ispresent": {1, 1, func(_ *Record, a []value) value { return a[0] != nil }},
	"isempty":   {1, 1, func(_ *Record, a []value) value { return a[0] == nil || text(a[0]) == "" }},
	"isblank":   {1, 1, func(_ *Record, a []value) value { return a[0] == nil || strings.TrimSpace(text(a[0])) == "" }},
	"coalesce": {1, 50, func(_ *Record, a []value) value {
		for _, v := range a {
			if v != nil {
				return v
			}
		}
		return nil
	}},
	"if": {3, 3, func(_ *Record, a []value) value {
		if truth(a[0]) {
			return a[1]
		}
		return a[2]
	}},

	"strlen":      ofText(func(s string) value { return float64(utf8.RuneCountInString(s)) }),
	"toupper":     ofText(func(s string) value { return strings.ToUpper(s) }),
	"tolower":     ofText(func(s string) value { return strings.ToLower(s) }),
	"trim":        {1, 2, trimmer(strings.Trim)},
	"ltrim":       {1, 2, trimmer(strings.TrimLeft)},
	"rtrim":       {1, 2, trimmer(strings.TrimRight)},
	"concat":      {1, 50, concat},
	"substr":      {2, 3, substr},
	"replace":     {3, 3, func(_ *Record, a []value) value { return strings.ReplaceAll(text(a[0]), text(a[1]), text(a[2])) }},
	"strcontains": {2, 2, func(_ *Record, a []value) value { return a[0] != nil && strings.Contains(text(a[0]), text(a[1])) }},

	"isvalidip":    ofText(func(s string) value { _, err := netip.ParseAddr(s); return err == nil }),
	"isvalidipv4":  ofText(func(s string) value { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }),
	"isvalidipv6":  ofText(func(s string) value { a, err := netip.ParseAddr(s); return err == nil && a.Is6() }),
	"isipinsubnet": {2, 2, inSubnet}, "isipv4insubnet": {2, 2, inSubnet}, "isipv6insubnet": {2, 2, inSubnet},
}

func trimmer(f func(s, cut string) string) func(*Record, []value) value {
	return func(_ *Record, a []value) value {
		cut := " \t\r\n"
		if len(a) == 2 {
			cut = text(a[1])
		}
		return f(text(a[0]), cut)
	}
}

func concat(_ *Record, a []value) value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(text(v))
	}
	return b.String()
}

func substr(_ *Record, a []value) value {
	if a[0] == nil {
		return nil
	}
	s := []rune(text(a[0]))
	at := func(v value) int {
		n, _ := number(v)
		return int(min(max(n, 0), float64(len(s))))
	}
	from := at(a[1])
	if len(a) == 2 {
		return string(s[from:])
	}
	return string(s[from:min(from+at(a[2]), len(s))])
}

func inSubnet(_ *Record, a []value) value {
	ip, err := netip.ParseAddr(text(a[0]))
	net, failed := netip.ParsePrefix(text(a[1]))
	return err == nil && failed == nil && net.Contains(ip)
}

// timeLayout is how results have times.
const timeLayout = "2006-01-02 15:04:05.000"

func moment(v value) value {
	n, ok := number(v)
	if !ok || math.Abs(n) > 1e15 {
		return nil
	}
	return time.UnixMilli(int64(n)).UTC().Format(timeLayout)
}

// millis is a time as milliseconds.
func millis(v value) (float64, bool) {
	if s, ok := v.(string); ok {
		if t, err := time.Parse(timeLayout, s); err == nil {
			return float64(t.UnixMilli()), true
		}
	}
	return number(v)
}

func toMillis(_ *Record, a []value) value {
	n, ok := millis(a[0])
	if !ok {
		return nil
	}
	return n
}

var spans = map[string]float64{
	"ms": 1, "msec": 1, "s": 1e3, "sec": 1e3, "m": 6e4, "min": 6e4, "h": 3.6e6, "hr": 3.6e6, "d": 8.64e7, "day": 8.64e7,
	"w": 6.048e8, "week": 6.048e8, "mo": 2.592e9, "mon": 2.592e9, "q": 7.776e9, "qtr": 7.776e9, "y": 3.1536e10, "yr": 3.1536e10,
}

// span reads a duration such as 5m, in milliseconds.
func span(v value) (float64, bool) {
	s := text(v)
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	count, err := strconv.ParseFloat(s[:n], 64)
	unit := spans[strings.TrimSuffix(s[n:], "s")]
	if s[n:] == "s" || s[n:] == "ms" {
		unit = spans[s[n:]]
	}
	return count * unit, err == nil && count*unit > 0
}

func step(at, by value, round func(float64) float64) value {
	t, ok := millis(at)
	size, good := span(by)
	if !ok || !good {
		return nil
	}
	return moment(round(t/size) * size)
}

func bin(r *Record, a []value) value { return step(float64(r.Time), a[0], math.Floor) }
