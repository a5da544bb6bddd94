package jsonata

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var isoTime = regexp.MustCompile(`^([+-]\d{6}|\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)?$`)

func toMillis(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	picture, ok := a[1].(string)
	if !ok {
		return parseISO(s)
	}
	return parseTime(s, picture, m.now)
}

func parseISO(s string) value {
	g := isoTime.FindStringSubmatch(s)
	if g == nil {
		fail("D3110", s)
	}
	number := func(i, missing int) int {
		if g[i] == "" {
			return missing
		}
		n, _ := strconv.Atoi(g[i])
		return n
	}
	year, month, day := number(1, 0), number(2, 1), number(3, 1)
	hour, minute, second := number(4, 0), number(5, 0), number(6, 0)
	millis, _ := strconv.Atoi((g[7] + "000")[:3])
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 59 {
		fail("D3110", s)
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, millis*int(time.Millisecond), time.UTC)
	return float64(t.Add(-time.Duration(zoneSeconds(g[8])) * time.Second).UnixMilli())
}

// zoneSeconds reads Z, +hhmm, +hh:mm or +hh.
func zoneSeconds(z string) int {
	z = strings.TrimPrefix(strings.ReplaceAll(z, ":", ""), "GMT")
	if z == "" || z == "Z" {
		return 0
	}
	sign := 1
	if z[0] == '-' {
		sign = -1
	}
	digits := strings.TrimLeft(z, "+-")
	if len(digits) <= 2 {
		digits += "00"
	}
	n, _ := strconv.Atoi(digits)
	return sign * (n/100*60 + n%100) * 60
}

// parseTime reads a time that is written as a picture says.
func parseTime(s, picture string, now func() time.Time) value {
	parts := parsePicture(picture)
	var b strings.Builder
	b.WriteString("(?i)^")
	for _, p := range parts {
		b.WriteString("(" + p.pattern() + ")")
	}
	re, err := regexp.Compile(b.String() + "$")
	if err != nil {
		fail("D3136")
	}
	g := re.FindStringSubmatch(s)
	if g == nil {
		return undef
	}
	fields := map[rune]int{}
	zone := 0
	for i, p := range parts {
		switch p.component {
		case 0:
		case 'Z', 'z':
			zone = zoneSeconds(strings.ToUpper(g[i+1]))
		default:
			fields[p.component] = p.parse(g[i+1])
		}
	}
	return assemble(fields, zone, now())
}

// pattern matches a part of a picture.
func (m *marker) pattern() string {
	switch {
	case m.component == 0:
		return regexp.QuoteMeta(m.literal)
	case m.component == 'Z' || m.component == 'z':
		prefix := ""
		if m.component == 'z' {
			prefix = "GMT"
		}
		p := prefix + `[-+][0-9]{1,2}(?::?[0-9]{2})?`
		if m.traditional {
			p += "|Z"
		}
		return p
	case m.names != 0:
		return "[a-zA-Z]+"
	case m.integers.style != '1':
		return m.integers.pattern()
	}
	p := strings.TrimSuffix(m.integers.pattern(), "+")
	ending := ""
	if m.integers.ordinal {
		ending = "(?:th|st|nd|rd)"
		p = strings.TrimSuffix(strings.TrimSuffix(m.integers.pattern(), ending), "+")
	}
	if m.integers.mandatory > 0 && m.component != 'f' && m.component != 'Y' || m.digits > 0 {
		n := max(m.integers.mandatory, m.digits)
		if n > 1 {
			return fmt.Sprintf("%s{%d}%s", p, min(n, 100), ending)
		}
	}
	return p + "+" + ending
}

func (m *marker) parse(s string) int {
	if m.names == 0 {
		v, ok := m.integers.parse(s)
		if !ok {
			return 0
		}
		if m.component == 'f' {
			n, _ := strconv.Atoi((s + "000")[:3])
			return n
		}
		return int(min(toFloat(v), 1e6))
	}
	names := months
	switch m.component {
	case 'F':
		names = days
	case 'P':
		names = []string{"am", "pm"}
	}
	for i, n := range names {
		if m.max > 0 && len(n) > m.max {
			n = n[:m.max]
		}
		if strings.EqualFold(n, s) {
			if m.component == 'P' {
				return i
			}
			return i + 1
		}
	}
	fail("D3136")
	return 0
}

// assemble makes a time of components. What is above the largest that is given
// is that of now; what is below the smallest is the least; none may lack between.
func assemble(fields map[rune]int, zone int, now time.Time) value {
	if len(fields) == 0 {
		return undef
	}
	has := func(c rune) bool { _, ok := fields[c]; return ok }
	if (has('X') || has('x') || has('W') || has('w')) && !has('M') && !has('D') {
		fail("D3136")
	}
	order := []rune("YMD")
	if !has('M') && !has('D') && has('d') {
		order = []rune("Yd")
	}
	if has('P') || has('h') {
		order = append(order, 'P', 'h')
	} else {
		order = append(order, 'H')
	}
	order = append(order, 'm', 's', 'f')
	now = now.UTC()
	current := map[rune]int{'Y': now.Year(), 'M': int(now.Month()), 'D': now.Day(), 'd': now.YearDay()}
	least := map[rune]int{'Y': 1, 'M': 1, 'D': 1, 'd': 1}
	started, ended := false, false
	for _, c := range order {
		switch {
		case has(c) && ended:
			fail("D3136")
		case has(c):
			started = true
		case !started:
			fields[c] = current[c]
		default:
			ended = true
			fields[c] = least[c]
		}
	}
	hour := fields['H']
	if has('P') {
		hour = fields['h']%12 + 12*fields['P']
	}
	month, day := time.Month(fields['M']), fields['D']
	if order[1] == 'd' {
		month, day = 1, fields['d']
	}
	t := time.Date(fields['Y'], month, day, hour, fields['m'], fields['s'], fields['f']*int(time.Millisecond), time.UTC)
	return float64(t.Add(-time.Duration(zone) * time.Second).UnixMilli())
}
