package jsonata

import (
	"math"
	"strconv"
	"strings"
	"time"
)

var timeFunctions = table{
	"now":        {"<s?s?:s>", func(m *machine, a []value, _ value) value { return formatTime(m.now(), a[0], a[1]) }},
	"millis":     {"<:n>", func(m *machine, _ []value, _ value) value { return float64(m.now().UnixMilli()) }},
	"fromMillis": {"<n-s?s?:s>", fromMillis},
	"toMillis":   {"<s-s?:n>", toMillis},
}

const isoPicture = "[Y0001]-[M01]-[D01]T[H01]:[m01]:[s01].[f001][Z01:01t]"

var months = strings.Fields("January February March April May June July August September October November December")
var days = strings.Fields("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

func fromMillis(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	f := toFloat(a[0])
	if math.Abs(f) > 8.64e15 {
		fail("D1001", a[0])
	}
	return formatTime(time.UnixMilli(int64(f)), a[1], a[2])
}

// formatTime prints a time as a picture says, in a zone that is given as +hhmm.
func formatTime(t time.Time, picture, zone value) value {
	offset := 0
	if z, ok := zone.(string); ok && z != "" && z != "Z" {
		n, _ := strconv.Atoi(z)
		hours := int(math.Floor(float64(n) / 100))
		offset = (hours*60 + n%100) * 60
		if n%100 < 0 {
			offset = (hours*60 + n%100 + 100) * 60
		}
	}
	p, ok := picture.(string)
	if !ok {
		p = isoPicture
	}
	t = t.In(time.FixedZone("", offset))
	var b strings.Builder
	for _, part := range parsePicture(p) {
		if part.component == 0 {
			b.WriteString(part.literal)
		} else {
			b.WriteString(part.format(t, offset))
		}
	}
	return b.String()
}

// marker is one part of a picture: a text, or a component of a date.
type marker struct {
	literal     string
	component   rune
	names       rune // 0, or n, N, t for names in lower, upper, title case
	integers    *integerFormat
	traditional bool // Z for no offset
	min, max    int  // width, 0 for any
	digits      int  // of a year, -1 for all
}

var defaultFormats = map[rune]string{'Y': "1", 'M': "1", 'D': "1", 'd': "1", 'F': "n", 'W': "1", 'w': "1", 'X': "1", 'x': "1", 'H': "1", 'h': "1", 'P': "n", 'm': "01", 's': "01", 'f': "1", 'Z': "01:01", 'z': "01:01", 'C': "n", 'E': "n"}

func parsePicture(picture string) []marker {
	if last := strings.LastIndexByte(picture, '['); last >= 0 && !strings.Contains(picture[last:], "]") && !strings.HasSuffix(picture, "[[") {
		fail("D3135")
	}
	var parts []marker
	literal := func(s string) {
		if s = strings.ReplaceAll(s, "]]", "]"); s != "" {
			parts = append(parts, marker{literal: s})
		}
	}
	for {
		i := strings.IndexByte(picture, '[')
		if i < 0 {
			literal(picture)
			return parts
		}
		if strings.HasPrefix(picture[i:], "[[") {
			literal(picture[:i])
			literal("[")
			picture = picture[i+2:]
			continue
		}
		literal(picture[:i])
		end := strings.IndexByte(picture[i:], ']')
		if end < 0 {
			fail("D3135")
		}
		parts = append(parts, parseMarker(strings.Join(strings.Fields(picture[i+1:i+end]), "")))
		picture = picture[i+end+1:]
	}
}

func parseMarker(text string) marker {
	if text == "" {
		fail("D3132", "")
	}
	runes := []rune(text)
	m := marker{component: runes[0], digits: -1}
	body := string(runes[1:])
	if i := strings.LastIndexByte(body, ','); i >= 0 {
		low, high, ranged := strings.Cut(body[i+1:], "-")
		width := func(s string) int { n, _ := strconv.Atoi(s); return min(n, 1000) }
		m.min = width(low)
		if ranged {
			m.max = width(high)
		}
		body = body[:i]
	}
	form, known := defaultFormats[m.component]
	if !known {
		fail("D3132", string(m.component))
	}
	second := byte(0)
	switch n := len(body); {
	case n == 1:
		form = body
	case n > 1 && strings.IndexByte("atco", body[n-1]) >= 0:
		second, form = body[n-1], body[:n-1]
	case n > 1:
		form = body
	}
	m.presentation(form, second)
	return m
}

func (m *marker) presentation(form string, second byte) {
	switch form[0] {
	case 'n':
		m.names = 'n'
	case 'N':
		m.names = 'N'
		if len(form) > 1 && form[1] == 'n' {
			m.names = 't'
		}
	}
	if m.names != 0 {
		if !strings.ContainsRune("MxFPCE", m.component) {
			fail("D3133", string(m.component))
		}
		return
	}
	m.traditional = second == 't'
	if second == 'o' {
		form += ";o"
	}
	m.integers = parseIntegerFormat(form)
	if m.integers.mandatory < m.min {
		m.integers.mandatory = m.min
	}
	if m.component == 'Y' {
		if m.max > 0 {
			m.digits = m.max
			m.integers.mandatory = m.max
		} else if w := m.integers.mandatory + m.integers.optional; m.integers.style == '1' && w >= 2 {
			m.digits = w
		}
	}
}

func (m *marker) format(t time.Time, offset int) string {
	switch m.component {
	case 'Z', 'z':
		return m.zone(offset)
	case 'C', 'E':
		return "ISO"
	case 'P':
		return m.name([]string{"am", "pm"}[t.Hour()/12])
	}
	n := m.of(t)
	if m.names != 0 {
		if m.component == 'F' {
			return m.name(days[n-1])
		}
		return m.name(months[n-1])
	}
	if m.component == 'Y' && m.digits >= 0 && m.digits < 9 {
		n %= int(math.Pow10(m.digits))
	}
	return m.integers.format(float64(n))
}

func (m *marker) name(s string) string {
	switch m.names {
	case 'n':
		s = strings.ToLower(s)
	case 'N':
		s = strings.ToUpper(s)
	}
	if m.max > 0 && len(s) > m.max {
		s = s[:m.max]
	}
	return s
}

// of is a component of a time.
func (m *marker) of(t time.Time) int {
	switch m.component {
	case 'Y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'D':
		return t.Day()
	case 'd':
		return t.YearDay()
	case 'F':
		return weekday(t)
	case 'W':
		_, w := t.ISOWeek()
		return w
	case 'X':
		y, _ := t.ISOWeek()
		return y
	case 'w', 'x':
		// A week belongs to the month that its Thursday is in.
		thursday := t.AddDate(0, 0, 4-weekday(t))
		if m.component == 'x' {
			return int(thursday.Month())
		}
		return (thursday.Day()-1)/7 + 1
	case 'H':
		return t.Hour()
	case 'h':
		return (t.Hour()+11)%12 + 1
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	}
	return t.Nanosecond() / int(time.Millisecond)
}

// weekday is 1 for Monday to 7 for Sunday.
func weekday(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func (m *marker) zone(offset int) string {
	minutes := max(offset, -offset) / 60
	value := float64(minutes/60*100 + minutes%60)
	f := m.integers
	if offset == 0 && m.traditional {
		return "Z"
	}
	var s string
	switch digits := f.mandatory + f.optional; {
	case f.every != nil || len(f.groups) > 0:
		s = f.format(value)
	case digits > 4:
		fail("D3134")
	case f.mandatory <= 2:
		s = f.format(float64(minutes / 60))
		if minutes%60 != 0 {
			s += ":" + (&integerFormat{style: '1', zero: '0', mandatory: 2}).format(float64(minutes%60))
		}
	default:
		s = f.format(value)
	}
	sign := "+"
	if offset < 0 {
		sign = "-"
	}
	if m.component == 'z' {
		sign = "GMT" + sign
	}
	return sign + s
}
