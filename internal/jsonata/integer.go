package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

// integerFormat is how a picture writes whole numbers.
type integerFormat struct {
	style     rune // 1 decimal, a letters, i roman, w words
	upper     bool
	title     bool // words
	ordinal   bool
	zero      rune
	mandatory int
	optional  int
	groups    []grouping
	every     *grouping
}

type grouping struct {
	at   int // digits to the right
	mark rune
}

func formatInteger(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	picture, _ := a[1].(string)
	return parseIntegerFormat(picture).format(math.Floor(toFloat(a[0])))
}

func parseInteger(_ *machine, a []value, _ value) value {
	s, ok := a[0].(string)
	if !ok {
		return undef
	}
	picture, _ := a[1].(string)
	f, ok := parseIntegerFormat(picture).parse(s)
	if !ok {
		return undef
	}
	return f
}

// zeros are the zeros of the decimal digit families.
var zeros = []rune{0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10}

func zeroOf(r rune) (rune, bool) {
	for _, z := range zeros {
		if r >= z && r < z+10 {
			return z, true
		}
	}
	return 0, false
}

func parseIntegerFormat(picture string) *integerFormat {
	f := &integerFormat{style: '1', zero: '0'}
	primary := picture
	if i := strings.LastIndexByte(picture, ';'); i >= 0 {
		primary = picture[:i]
		f.ordinal = strings.HasPrefix(picture[i+1:], "o")
	}
	switch primary {
	case "A", "a", "I", "i", "W", "w":
		f.style = unicode.ToLower(rune(primary[0]))
		f.upper = primary != strings.ToLower(primary)
		return f
	case "Ww":
		f.style, f.title = 'w', true
		return f
	}
	f.digits([]rune(primary))
	return f
}

// digits reads a decimal pattern such as #,##0, from its end.
func (f *integerFormat) digits(pattern []rune) {
	family, place := rune(0), 0
	for _, r := range slices.Backward(pattern) {
		zero, isDigit := zeroOf(r)
		switch {
		case isDigit:
			f.mandatory++
			place++
			if family != 0 && family != zero {
				fail("D3131")
			}
			family = zero
		case r == '#':
			place++
			f.optional++
		default:
			f.groups = append(f.groups, grouping{place, r})
		}
	}
	if f.mandatory == 0 {
		fail("D3130", string(pattern))
	}
	f.zero = family
	same := len(f.groups) > 0
	places := make([]int, len(f.groups))
	for i, g := range f.groups {
		places[i] = g.at
		same = same && g.mark == f.groups[0].mark
	}
	if d := regular(places); same && d > 0 {
		f.every = &grouping{d, f.groups[0].mark}
	}
}

func (f *integerFormat) format(x float64) string {
	negative := x < 0
	x = math.Abs(x)
	var s string
	switch f.style {
	case 'a':
		s = letters(int(x), f.upper)
	case 'i':
		s = roman(int(min(x, 1e5)))
		if f.upper {
			s = strings.ToUpper(s)
		}
	case 'w':
		s = words(x, f.ordinal)
		if f.upper {
			s = strings.ToUpper(s)
		} else if !f.title {
			s = strings.ToLower(s)
		}
	default:
		s = f.decimal(x)
	}
	if negative {
		s = "-" + s
	}
	return s
}

func (f *integerFormat) decimal(x float64) string {
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	digits = strings.Repeat("0", max(min(f.mandatory, 1000)-len(digits), 0)) + digits
	n := len(digits)
	var b strings.Builder
	for i := range n {
		right := n - i
		if f.every != nil && i > 0 && right%f.every.at == 0 {
			b.WriteRune(f.every.mark)
		}
		if f.every == nil {
			for _, g := range f.groups {
				if i > 0 && g.at == right {
					b.WriteRune(g.mark)
				}
			}
		}
		b.WriteRune(f.zero + rune(digits[i]-'0'))
	}
	if f.ordinal {
		b.WriteString(suffix(digits))
	}
	return b.String()
}

// suffix is th, st, nd or rd.
func suffix(digits string) string {
	last := digits[len(digits)-1]
	if len(digits) > 1 && digits[len(digits)-2] == '1' {
		last = '0'
	}
	switch last {
	case '1':
		return "st"
	case '2':
		return "nd"
	case '3':
		return "rd"
	}
	return "th"
}

func letters(n int, upper bool) string {
	first := 'a'
	if upper {
		first = 'A'
	}
	var out []rune
	for ; n > 0; n = (n - 1) / 26 {
		out = append(out, first+rune((n-1)%26))
	}
	slices.Reverse(out)
	return string(out)
}

var numerals = []struct {
	n int
	s string
}{{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"}, {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}}

func roman(n int) string {
	var b strings.Builder
	for _, r := range numerals {
		for ; n >= r.n; n -= r.n {
			b.WriteString(r.s)
		}
	}
	return b.String()
}

var (
	few        = strings.Fields("Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen Eighteen Nineteen")
	ordinals   = strings.Fields("Zeroth First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth Eleventh Twelfth Thirteenth Fourteenth Fifteenth Sixteenth Seventeenth Eighteenth Nineteenth")
	decades    = strings.Fields("Twenty Thirty Forty Fifty Sixty Seventy Eighty Ninety Hundred")
	magnitudes = strings.Fields("Thousand Million Billion Trillion")
)

func words(x float64, ordinal bool) string { return spell(x, false, ordinal) }

// spell writes a number in words; after says that there are words before it.
func spell(x float64, after, ordinal bool) string {
	joint := func(s string) string {
		if after {
			return s
		}
		return ""
	}
	rest := func(s string, rest float64) string {
		if rest > 0 {
			return s + spell(rest, true, ordinal)
		}
		if ordinal {
			return s + "th"
		}
		return s
	}
	switch {
	case x <= 19 && ordinal:
		return joint(" and ") + ordinals[int(x)]
	case x <= 19:
		return joint(" and ") + few[int(x)]
	case x < 100:
		ten, one := int(x)/10, int(x)%10
		s := joint(" and ") + decades[ten-2]
		switch {
		case one > 0:
			s += "-" + spell(float64(one), false, ordinal)
		case ordinal:
			s = s[:len(s)-1] + "ieth"
		}
		return s
	case x < 1000:
		return rest(joint(", ")+few[int(x)/100]+" Hundred", math.Mod(x, 100))
	}
	magnitude := min(int(math.Log10(x)/3), len(magnitudes))
	factor := math.Pow10(magnitude * 3)
	whole := math.Floor(x / factor)
	return rest(joint(", ")+spell(whole, false, false)+" "+magnitudes[magnitude-1], x-whole*factor)
}

// pattern matches what the format writes.
func (f *integerFormat) pattern() string {
	switch f.style {
	case 'a', 'i':
		if f.upper && f.style == 'a' {
			return "[A-Z]+"
		}
		if f.style == 'a' {
			return "[a-z]+"
		}
		if f.upper {
			return "[MDCLXVI]+"
		}
		return "[mdclxvi]+"
	case 'w':
		return `(?i:(?:` + strings.Join(slices.Concat(few, ordinals, decades, magnitudes, []string{"Hundredth", "Thousandth", "Millionth", "Billionth", "Trillionth", "and", `[a-z]+ieth`, `[\-, ]`}), "|") + `)+)`
	}
	p := `[0-9]+`
	if f.zero != '0' {
		p = "[" + string(f.zero) + "-" + string(f.zero+9) + "]+"
	}
	if f.ordinal {
		p += "(?:th|st|nd|rd)"
	}
	return p
}

func (f *integerFormat) parse(s string) (value, bool) {
	switch f.style {
	case 'a':
		n := 0.0
		for _, r := range strings.ToLower(s) {
			n = n*26 + float64(r-'a'+1)
		}
		return n, true
	case 'i':
		return parseRoman(strings.ToLower(s)), true
	case 'w':
		return parseWords(s), true
	}
	digits := strings.Map(func(r rune) rune {
		if r >= f.zero && r < f.zero+10 {
			return r - f.zero + '0'
		}
		return -1
	}, s)
	if digits == "" {
		return nil, false
	}
	x, err := strconv.ParseFloat(digits, 64)
	return x, err == nil
}

func parseRoman(s string) float64 {
	n, most := 0, 1
	for _, r := range slices.Backward([]rune(s)) {
		v := map[rune]int{'m': 1000, 'd': 500, 'c': 100, 'l': 50, 'x': 10, 'v': 5, 'i': 1}[r]
		if v < most {
			n -= v
		} else {
			most = v
			n += v
		}
	}
	return float64(n)
}

var wordValues = func() map[string]float64 {
	values := map[string]float64{}
	for i, w := range few {
		values[strings.ToLower(w)] = float64(i)
	}
	for i, w := range ordinals {
		values[strings.ToLower(w)] = float64(i)
	}
	for i, w := range decades {
		w = strings.ToLower(w)
		values[w] = float64((i + 2) * 10)
		values[w[:len(w)-1]+"ieth"] = values[w]
	}
	values["hundred"], values["hundredth"] = 100, 100
	for i, w := range magnitudes {
		w = strings.ToLower(w)
		values[w] = math.Pow10((i + 1) * 3)
		values[w+"th"] = values[w]
	}
	return values
}()

func parseWords(s string) float64 {
	segments := []float64{0}
	for _, w := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == ',' || r == '-' }) {
		v, known := wordValues[w]
		if !known {
			continue // and
		}
		last := len(segments) - 1
		switch {
		case v >= 100:
			segments[last] *= v
		case segments[last] >= 1000:
			segments = append(segments, v)
		default:
			segments[last] += v
		}
	}
	sum := 0.0
	for _, x := range segments {
		sum += x
	}
	return sum
}
