package jsonata

import (
	"regexp"
	"strings"
	"unicode/utf16"

	"github.com/aloft-cloud/aloft/internal/tree"
)

func asRegex(v value) (*regexp.Regexp, bool) {
	re, ok := v.(*regexp.Regexp)
	return re, ok
}

// matcher is a regular expression as a function: of a text, it gives the first
// match, which has a function for the next.
func matcher(re *regexp.Regexp) *function {
	return &function{match: true, params: 1, native: func(m *machine, args []value, _ value) value {
		if len(args) == 0 {
			return undef
		}
		text, ok := args[0].(string)
		if !ok {
			return undef
		}
		return matchFrom(re, text, 0)
	}}
}

func matchFrom(re *regexp.Regexp, text string, from int) value {
	if from > len(text) {
		return undef
	}
	at := nextMatch(re, text, from)
	if at == nil {
		return undef
	}
	if at[0] == at[1] {
		fail("D1004")
	}
	groups := make([]value, 0, len(at)/2-1)
	for i := 2; i < len(at); i += 2 {
		groups = append(groups, group1(text, at[i], at[i+1]))
	}
	next := &function{native: func(*machine, []value, value) value { return matchFrom(re, text, at[1]) }}
	return tree.NewObject("match", text[at[0]:at[1]], "start", float64(units(text[:at[0]])), "end", float64(units(text[:at[1]])), "groups", groups, "next", next)
}

func group1(text string, from, to int) value {
	if from < 0 {
		return ""
	}
	return text[from:to]
}

// nextMatch finds a match from a place on; what is before counts for ^ and \b.
func nextMatch(re *regexp.Regexp, text string, from int) []int {
	if from == 0 {
		return re.FindStringSubmatchIndex(text)
	}
	// The package has no search from a place on that minds what is before it.
	for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
		if at[0] >= from {
			return at
		}
	}
	return nil
}

// units is the length of s as JavaScript counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// found is one match of a pattern, as $match gives it.
type found struct {
	text       string
	start, end int // bytes, where a regular expression matched
	index      int
	groups     []value
}

// matches calls each with the matches of a pattern in text, until it returns
// false. A pattern may be any function that gives what a matcher gives.
func (m *machine) matches(pattern value, name, text string, each func(found) bool) {
	if re, ok := asRegex(pattern); ok {
		for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
			m.tick()
			if at[0] == at[1] {
				fail("D1004")
			}
			f := found{text: text[at[0]:at[1]], start: at[0], end: at[1], index: units(text[:at[0]])}
			for i := 2; i < len(at); i += 2 {
				f.groups = append(f.groups, group1(text, at[i], at[i+1]))
			}
			if !each(f) {
				return
			}
		}
		return
	}
	fn, _ := asFunction(pattern)
	v := m.apply(fn, []value{text}, undef)
	for !isUndef(v) {
		o, ok := v.(*tree.Object)
		if !ok {
			fail("T1010", name)
		}
		f := customMatch(o, name, text)
		if !each(f) {
			return
		}
		next, _ := o.Get("next")
		fn, ok := next.(*function)
		if !ok {
			fail("T1010", name)
		}
		v = m.apply(fn, nil, undef)
	}
}

func customMatch(o *tree.Object, name, text string) found {
	start, _ := o.Get("start")
	end, _ := o.Get("end")
	groups, _ := o.Get("groups")
	matched, _ := o.Get("match")
	list, isList := listOf(groups)
	if !isNumber(start) && !isNumber(end) || !isList {
		fail("T1010", name)
	}
	a, b := int(toFloat(start)), int(toFloat(end))
	f := found{index: a, groups: list, start: byteOffset(text, a), end: byteOffset(text, b)}
	f.text, _ = matched.(string)
	if f.start > f.end {
		fail("T1010", name)
	}
	return f
}

// byteOffset is where the unit n of text begins.
func byteOffset(text string, n int) int {
	for i, r := range text {
		if n <= 0 {
			return i
		}
		n -= utf16.RuneLen(r)
	}
	return len(text)
}

// expand fills $1 and such in a replacement.
func expand(replacement string, f found) string {
	var b strings.Builder
	for i := 0; i < len(replacement); i++ {
		c := replacement[i]
		if c != '$' || i+1 == len(replacement) {
			b.WriteByte(c)
			continue
		}
		i++
		d := replacement[i]
		switch {
		case d == '$':
			b.WriteByte('$')
		case d == '0':
			b.WriteString(f.text)
		case d < '0' || d > '9':
			b.WriteByte('$')
			i--
		default:
			i = expandGroup(&b, replacement, i, f)
		}
	}
	return b.String()
}

// expandGroup writes the group whose number is at i: of as many digits as
// there are groups, so $12 may be the first group and a 2.
func expandGroup(b *strings.Builder, s string, i int, f found) int {
	if len(f.groups) == 0 {
		return i
	}
	end := i
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	for ; end > i; end-- {
		n := 0
		for _, d := range s[i:end] {
			n = min(n*10+int(d-'0'), 1<<20)
		}
		if n > len(f.groups) && end > i+1 {
			continue
		}
		if n >= 1 && n <= len(f.groups) {
			text, _ := f.groups[n-1].(string)
			b.WriteString(text)
		}
		return end - 1
	}
	return i
}
