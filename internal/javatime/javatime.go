// Package javatime writes times as patterns of Java's say, which AWS takes
// wherever the service behind is written in Java: "yyyy/MM/dd'T'HH".
package javatime

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Pattern is a format of times as Java's DateTimeFormatter reads it: runs of
// letters that stand for something, and text.
type Pattern []field

// A field is a run of n letters, or text.
type field struct {
	letter byte // 0: text
	n      int
	text   string
}

// mostLetters says how many letters of a kind a run may have.
var mostLetters = map[byte]int{
	'y': 9, 'u': 9, 'Y': 9, 'M': 4, 'L': 4, 'd': 2, 'D': 3, 'E': 4, 'e': 2, 'w': 2, 'Q': 2, 'a': 1,
	'H': 2, 'h': 2, 'K': 2, 'k': 2, 'm': 2, 's': 2, 'S': 9, 'n': 9, 'A': 9, 'z': 4, 'Z': 3, 'X': 3, 'x': 3, 'V': 2,
}

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	var out Pattern
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\'':
			quoted, n, err := unquote(text[i:])
			if err != nil {
				return nil, err
			}
			out = append(out, field{text: quoted})
			i += n
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			n := 1
			for i+n < len(text) && text[i+n] == c {
				n++
			}
			if most := mostLetters[c]; n > most {
				return nil, fmt.Errorf("unknown or too many pattern letters: %s", text[i:i+n])
			}
			if c == 'V' && n != 2 {
				return nil, fmt.Errorf("pattern letter count must be 2: V")
			}
			out = append(out, field{letter: c, n: n})
			i += n
		case strings.IndexByte("{}#[]", c) >= 0:
			return nil, fmt.Errorf("pattern includes reserved character: '%c'", c)
		default:
			out = append(out, field{text: text[i : i+1]})
			i++
		}
	}
	return out, nil
}

// unquote reads text in quotes, which begins with one, and returns how long
// it was. Two quotes are one.
func unquote(text string) (quoted string, n int, err error) {
	if strings.HasPrefix(text, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1, nil
	}
	return "", 0, fmt.Errorf("pattern ends with an incomplete string literal")
}

// Format writes a time.
func (p Pattern) Format(t time.Time) string {
	var b strings.Builder
	for _, field := range p {
		if field.letter == 0 {
			b.WriteString(field.text)
			continue
		}
		b.WriteString(field.format(t))
	}
	return b.String()
}

func (f field) format(t time.Time) string {
	isoYear, isoWeek := t.ISOWeek()
	switch f.letter {
	case 'y', 'u':
		return year(t.Year(), f.n)
	case 'Y':
		return year(isoYear, f.n)
	case 'M', 'L':
		return named(int(t.Month()), f.n, t.Month().String())
	case 'E':
		return named(0, max(f.n, 3), t.Weekday().String())
	case 'e':
		return padded(int(t.Weekday()+6)%7+1, f.n)
	case 'w':
		return padded(isoWeek, f.n)
	case 'Q':
		return padded((int(t.Month())+2)/3, f.n)
	case 'd':
		return padded(t.Day(), f.n)
	case 'D':
		return padded(t.YearDay(), f.n)
	case 'a':
		return t.Format("PM")
	}
	return f.clock(t)
}

// clock writes what is of the time of day, and of the zone.
func (f field) clock(t time.Time) string {
	switch f.letter {
	case 'H':
		return padded(t.Hour(), f.n)
	case 'k':
		return padded((t.Hour()+23)%24+1, f.n)
	case 'K':
		return padded(t.Hour()%12, f.n)
	case 'h':
		return padded((t.Hour()+11)%12+1, f.n)
	case 'm':
		return padded(t.Minute(), f.n)
	case 's':
		return padded(t.Second(), f.n)
	case 'S':
		return fmt.Sprintf("%09d", t.Nanosecond())[:f.n]
	case 'n':
		return padded(t.Nanosecond(), f.n)
	case 'A':
		return padded(int(t.Sub(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()))/time.Millisecond), f.n)
	case 'V':
		return t.Location().String()
	case 'z':
		return t.Format("MST")
	case 'Z':
		return t.Format("-0700")
	case 'X':
		return t.Format([]string{"Z07", "Z0700", "Z07:00"}[f.n-1])
	case 'x':
		return t.Format([]string{"-07", "-0700", "-07:00"}[f.n-1])
	}
	return ""
}

// year is a year of n digits; of two, it is its last ones.
func year(y, n int) string {
	if n == 2 {
		y %= 100
	}
	return padded(y, n)
}

// named is a number of one or two digits, or a name: short if n is 3.
func named(number, n int, name string) string {
	switch n {
	case 3:
		return name[:3]
	case 4:
		return name
	}
	return padded(number, n)
}

func padded(v, n int) string {
	s := strconv.Itoa(v)
	return strings.Repeat("0", max(0, n-len(s))) + s
}
