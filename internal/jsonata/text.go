package jsonata

import (
	"encoding/base64"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aloft-cloud/aloft/internal/tree"
)

var stringFunctions = table{
	"string":             {"<x-b?:s>", toText},
	"length":             {"<s-:n>", onText(func(s string) value { return float64(utf8.RuneCountInString(s)) })},
	"lowercase":          {"<s-:s>", onText(func(s string) value { return strings.ToLower(s) })},
	"uppercase":          {"<s-:s>", onText(func(s string) value { return strings.ToUpper(s) })},
	"trim":               {"<s-:s>", onText(func(s string) value { return strings.Join(strings.FieldsFunc(s, isSpace), " ") })},
	"substring":          {"<s-nn?:s>", substring},
	"substringBefore":    {"<s-s:s>", substringBefore},
	"substringAfter":     {"<s-s:s>", substringAfter},
	"pad":                {"<s-ns?:s>", pad},
	"contains":           {"<s-(sf):b>", containsText},
	"match":              {"<s-f<s:o>n?:a<o>>", match},
	"replace":            {"<s-(sf)(sf)n?:s>", replace},
	"split":              {"<s-(sf)n?:a<s>>", split},
	"join":               {"<a<s>s?:s>", join},
	"base64encode":       {"<s-:s>", onText(func(s string) value { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	"base64decode":       {"<s-:s>", onText(decodeBase64)},
	"encodeUrlComponent": {"<s-:s>", onText(func(s string) value { return escapeURL(s, "encodeUrlComponent", componentSafe) })},
	"encodeUrl":          {"<s-:s>", onText(func(s string) value { return escapeURL(s, "encodeUrl", componentSafe+";/?:@&=+$,#") })},
	"decodeUrlComponent": {"<s-:s>", onText(func(s string) value { return unescapeURL(s, "decodeUrlComponent", "") })},
	"decodeUrl":          {"<s-:s>", onText(func(s string) value { return unescapeURL(s, "decodeUrl", ";/?:@&=+$,#") })},
	"formatNumber":       {"<n-so?:s>", formatNumber},
	"formatInteger":      {"<n-s:s>", formatInteger},
	"parseInteger":       {"<s-s:n>", parseInteger},
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }

// onText is a function of one string, which gives nothing for nothing.
func onText(f func(string) value) native {
	return func(m *machine, a []value, _ value) value {
		s, ok := a[0].(string)
		if !ok {
			return undef
		}
		m.spend(4 * len(s))
		return f(s)
	}
}

func toText(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	if a[1] == true {
		if s, ok := a[0].(string); ok {
			return s
		}
		var b strings.Builder
		m.write(&b, a[0], "\n")
		return b.String()
	}
	return m.text(a[0])
}

// text is v as $string gives it.
func (m *machine) text(v value) string {
	switch v := v.(type) {
	case string:
		return v
	case *function:
		return ""
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			fail("D3001")
		}
	}
	var b strings.Builder
	m.write(&b, v, "")
	return b.String()
}

// stringify is text outside of an evaluation, for messages.
func stringify(v value) string {
	m := &machine{}
	var b strings.Builder
	m.write(&b, v, "")
	return b.String()
}

// write prints v as JSON. What indent has is between members; "" is compact.
func (m *machine) write(b *strings.Builder, v value, indent string) {
	m.tick()
	switch v := v.(type) {
	case string:
		b.Write(tree.AppendString(nil, v))
		m.spend(len(v))
		return
	case nil, bool:
		b.WriteString(tree.String(v))
		return
	case *tree.Object:
		m.writeObject(b, v, indent)
		return
	}
	if isNumber(v) {
		b.WriteString(shortest(v))
		return
	}
	list, isList := listOf(v)
	if !isList {
		b.WriteString(`""`)
		return
	}
	deeper := deepen(indent)
	b.WriteByte('[')
	for i, x := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(deeper)
		m.write(b, x, deeper)
	}
	if len(list) > 0 {
		b.WriteString(indent)
	}
	b.WriteByte(']')
}

func deepen(indent string) string {
	if indent == "" {
		return ""
	}
	return indent + "  "
}

func (m *machine) writeObject(b *strings.Builder, o *tree.Object, indent string) {
	deeper := deepen(indent)
	colon := ":"
	if indent != "" {
		colon = ": "
	}
	b.WriteByte('{')
	n := 0
	for k, x := range o.All() {
		if isUndef(x) {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(',')
		}
		b.WriteString(deeper)
		b.Write(tree.AppendString(nil, k))
		b.WriteString(colon)
		m.write(b, x, deeper)
	}
	if n > 0 {
		b.WriteString(indent)
	}
	b.WriteByte('}')
}

func substring(_ *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	runes := []rune(s)
	n := float64(len(runes))
	from := math.Trunc(toFloat(a[1]))
	if from+n < 0 {
		from = 0
	}
	to := n
	if isNumber(a[2]) {
		length := math.Trunc(toFloat(a[2]))
		if length <= 0 {
			return ""
		}
		start := from
		if start < 0 {
			start += n
		}
		to = start + length
	}
	if from < 0 {
		from += n
	}
	if from >= n {
		return ""
	}
	return string(runes[int(from):int(min(to, n))])
}

func substringBefore(_ *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	at, _ := a[1].(string)
	before, _, _ := strings.Cut(s, at)
	if at == "" {
		return ""
	}
	return before
}

func substringAfter(_ *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	at, _ := a[1].(string)
	if _, after, found := strings.Cut(s, at); found {
		return after
	}
	return s
}

func pad(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	fill, _ := a[2].(string)
	if fill == "" {
		fill = " "
	}
	width := toFloat(a[1])
	missing := int(min(math.Abs(width), 1<<30)) - utf8.RuneCountInString(s)
	if missing <= 0 {
		return s
	}
	m.spend(missing * 4)
	padding := string([]rune(strings.Repeat(fill, missing/utf8.RuneCountInString(fill)+1))[:missing])
	if width < 0 {
		return padding + s
	}
	return s + padding
}

func containsText(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	if isUndef(a[1]) {
		return undef
	}
	if part, ok := a[1].(string); ok {
		return strings.Contains(s, part)
	}
	some := false
	m.matches(a[1], "contains", s, func(found) bool { some = true; return false })
	return some
}

func limitArg(v value, code string) int {
	if !isNumber(v) {
		return math.MaxInt
	}
	f := toFloat(v)
	if f < 0 {
		fail(code)
	}
	return int(min(math.Ceil(f), 1<<40))
}

func match(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	limit := limitArg(a[2], "D3040")
	out := &seq{sequence: true}
	if limit == 0 {
		return out
	}
	m.matches(a[1], "match", s, func(f found) bool {
		groups := &seq{items: f.groups, sequence: true, keep: true}
		if f.groups == nil {
			groups.items = []value{}
		}
		out.items = append(out.items, tree.NewObject("match", f.text, "index", float64(f.index), "groups", slices.Clip(groups.items)))
		m.spend(64 + len(f.text))
		return len(out.items) < limit
	})
	return out
}

func replace(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	if a[1] == "" {
		fail("D3010")
	}
	limit := limitArg(a[3], "D3011")
	if isUndef(a[2]) {
		return undef
	}
	template, isText := a[2].(string)
	var b strings.Builder
	if pattern, ok := a[1].(string); ok {
		if !isText {
			fn, _ := asFunction(a[2])
			for ; limit > 0 && strings.Contains(s, pattern); limit-- {
				before, after, _ := strings.Cut(s, pattern)
				b.WriteString(before + m.replacement(fn, tree.NewObject("match", pattern, "start", 0.0, "end", 0.0, "groups", []value{})))
				s = after
			}
			return b.String() + s
		}
		n := min(strings.Count(s, pattern), limit)
		m.spend(len(s) + n*len(template))
		return strings.Replace(s, pattern, template, n)
	}
	done, n := 0, 0
	if limit > 0 {
		m.matches(a[1], "replace", s, func(f found) bool {
			if f.start < done {
				fail("T1010", "replace")
			}
			b.WriteString(s[done:f.start])
			if isText {
				b.WriteString(expand(template, f))
			} else {
				fn, _ := asFunction(a[2])
				b.WriteString(m.replacement(fn, tree.NewObject("match", f.text, "start", float64(f.index), "end", float64(f.index+units(f.text)), "groups", append([]value{}, f.groups...))))
			}
			m.spend(b.Len() / 8)
			done = f.end
			n++
			return n < limit
		})
	}
	return b.String() + s[done:]
}

func (m *machine) replacement(fn *function, about *tree.Object) string {
	text, ok := m.apply(fn, []value{about}, undef).(string)
	if !ok {
		fail("D3012")
	}
	return text
}

func split(m *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	limit := math.MaxInt
	if limitArg(a[2], "D3020") < limit {
		limit = int(toFloat(a[2]))
	}
	out := []value{}
	add := func(part string) bool {
		if len(out) >= limit {
			return false
		}
		m.spend(16)
		out = append(out, part)
		return true
	}
	if at, ok := a[1].(string); ok {
		for part := range strings.SplitSeq(s, at) {
			if !add(part) {
				break
			}
		}
		return out
	}
	done := 0
	m.matches(a[1], "split", s, func(f found) bool {
		ok := f.start >= done && add(s[done:f.start])
		done = f.end
		return ok
	})
	add(s[done:])
	return out
}

func join(m *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	at, _ := a[1].(string)
	list := asList(a[0])
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i], _ = x.(string)
		m.spend(len(parts[i]) + len(at))
	}
	return strings.Join(parts, at)
}

func decodeBase64(s string) value {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(s), "=")
	b, _ := base64.RawStdEncoding.DecodeString(s)
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

const componentSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"

func escapeURL(s, name, safe string) value {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	if strings.ContainsRune(s, utf8.RuneError) {
		fail("D3140", name, string(tree.AppendString(nil, s)))
	}
	return b.String()
}

// unescapeURL decodes what is escaped, but for the characters that keep has.
func unescapeURL(s, name, keep string) value {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		c, err := url.PathUnescape(s[i:min(i+3, len(s))])
		if err != nil {
			fail("D3140", name, string(tree.AppendString(nil, s)))
		}
		if strings.Contains(keep, c) {
			c = s[i : i+3]
		}
		b.WriteString(c)
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		fail("D3140", name, string(tree.AppendString(nil, s)))
	}
	return b.String()
}
