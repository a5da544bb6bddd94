package jsonata

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// symbols are what the characters of a picture for $formatNumber mean.
type symbols struct {
	decimal, grouping, exponent, percent, perMille, digit, zero, separator rune
	minus                                                                  string
}

// subPicture is one half of a picture, analysed.
type subPicture struct {
	prefix, suffix      string
	integer, fraction   []rune
	exponent            []rune
	hasDecimal          bool
	hasExponent         bool
	percent, perMille   bool
	groups              []int // digits to the right of each separator of the integer part
	every               int   // or one after as many digits, again and again
	fractionGroups      []int
	minInteger, scaling int
	minFraction         int
	maxFraction         int
	minExponent         int
}

// formatNumber prints a number as a picture of XPath says.
func formatNumber(_ *machine, a []value, _ value) value {
	if isUndef(a[0]) {
		return undef
	}
	picture, _ := a[1].(string)
	s := symbols{'.', ',', 'e', '%', '‰', '#', '0', ';', "-"}
	if options, ok := a[2].(*tree.Object); ok {
		s.set(options)
	}
	parts := strings.Split(picture, string(s.separator))
	if len(parts) > 2 {
		fail("D3080")
	}
	positive := s.analyse([]rune(parts[0]))
	f := toFloat(a[0])
	if f >= 0 {
		return s.format(positive, f)
	}
	if len(parts) == 2 {
		return s.format(s.analyse([]rune(parts[1])), -f)
	}
	positive.prefix = s.minus + positive.prefix
	return s.format(positive, -f)
}

func (s *symbols) set(options *tree.Object) {
	for name, to := range map[string]*rune{"decimal-separator": &s.decimal, "grouping-separator": &s.grouping, "exponent-separator": &s.exponent,
		"percent": &s.percent, "per-mille": &s.perMille, "digit": &s.digit, "zero-digit": &s.zero, "pattern-separator": &s.separator} {
		if v, found := options.Get(name); found {
			if text, ok := v.(string); ok && text != "" {
				*to = []rune(text)[0]
			}
		}
	}
	if v, found := options.Get("minus-sign"); found {
		s.minus, _ = v.(string)
	}
}

func (s *symbols) isDigit(r rune) bool { return r >= s.zero && r < s.zero+10 }

func (s *symbols) active(r rune) bool {
	return s.isDigit(r) || r == s.decimal || r == s.grouping || r == s.digit || r == s.separator
}

func (s *symbols) analyse(pic []rune) *subPicture {
	p := &subPicture{}
	from, to := 0, len(pic)
	for from < to && !s.active(pic[from]) {
		from++
	}
	for to > from && !s.active(pic[to-1]) {
		to--
	}
	if from == to {
		fail("D3086")
	}
	p.prefix, p.suffix = string(pic[:from]), string(pic[to:])
	p.percent, p.perMille = slices.Contains(pic, s.percent), slices.Contains(pic, s.perMille)
	mantissa := pic[from:to]
	if i := slices.Index(mantissa, s.exponent); i >= 0 {
		p.exponent, mantissa, p.hasExponent = mantissa[i+1:], mantissa[:i], true
	}
	p.integer = mantissa
	if i := slices.Index(mantissa, s.decimal); i >= 0 {
		p.integer, p.fraction, p.hasDecimal = mantissa[:i], mantissa[i+1:], true
	}
	s.check(p, pic, pic[from:to])
	s.measure(p)
	return p
}

func count(list []rune, r rune) int {
	n := 0
	for _, x := range list {
		if x == r {
			n++
		}
	}
	return n
}

// check refuses pictures that mean nothing.
func (s *symbols) check(p *subPicture, pic, active []rune) {
	refuse := func(when bool, code string) {
		if when {
			fail(code)
		}
	}
	refuse(count(pic, s.decimal) > 1, "D3081")
	refuse(count(pic, s.percent) > 1, "D3082")
	refuse(count(pic, s.perMille) > 1, "D3083")
	refuse(p.percent && p.perMille, "D3084")
	mantissa := slices.Concat(p.integer, p.fraction)
	refuse(!slices.ContainsFunc(mantissa, func(r rune) bool { return s.isDigit(r) || r == s.digit }), "D3085")
	refuse(slices.ContainsFunc(active, func(r rune) bool { return !s.active(r) && r != s.exponent }), "D3086")
	if p.hasDecimal {
		n := len(p.integer)
		refuse(n > 0 && p.integer[n-1] == s.grouping || len(p.fraction) > 0 && p.fraction[0] == s.grouping, "D3087")
	} else {
		n := len(p.integer)
		refuse(n > 0 && p.integer[n-1] == s.grouping, "D3088")
	}
	for i := 1; i < len(pic); i++ {
		refuse(pic[i] == s.grouping && pic[i-1] == s.grouping, "D3089")
	}
	digit := slices.IndexFunc(p.integer, s.isDigit)
	refuse(digit >= 0 && slices.Contains(p.integer[digit:], s.digit), "D3090")
	optional := slices.Index(p.fraction, s.digit)
	refuse(optional >= 0 && slices.ContainsFunc(p.fraction[optional:], s.isDigit), "D3091")
	refuse(p.hasExponent && len(p.exponent) > 0 && (p.percent || p.perMille), "D3092")
	refuse(p.hasExponent && (len(p.exponent) == 0 || slices.ContainsFunc(p.exponent, func(r rune) bool { return !s.isDigit(r) })), "D3093")
}

func (s *symbols) measure(p *subPicture) {
	digits := func(list []rune) int {
		n := 0
		for _, r := range list {
			if s.isDigit(r) {
				n++
			}
		}
		return n
	}
	for i, r := range p.integer {
		if r == s.grouping {
			p.groups = append(p.groups, digits(p.integer[i:])+count(p.integer[i:], s.digit))
		}
	}
	for i, r := range p.fraction {
		if r == s.grouping {
			p.fractionGroups = append(p.fractionGroups, digits(p.fraction[:i])+count(p.fraction[:i], s.digit))
		}
	}
	p.every = regular(p.groups)
	p.minInteger = digits(p.integer)
	p.scaling = p.minInteger
	p.minFraction = digits(p.fraction)
	p.maxFraction = p.minFraction + count(p.fraction, s.digit)
	if p.minInteger == 0 && p.maxFraction == 0 {
		if p.hasExponent {
			p.minFraction, p.maxFraction = 1, 1
		} else {
			p.minInteger = 1
		}
	}
	if p.hasExponent && p.minInteger == 0 && slices.Contains(p.integer, s.digit) {
		p.minInteger = 1
	}
	if p.minInteger == 0 && p.minFraction == 0 {
		p.minFraction = 1
	}
	p.minExponent = digits(p.exponent)
}

// regular is the distance of separators that are equally far apart, or 0.
func regular(groups []int) int {
	if len(groups) == 0 {
		return 0
	}
	gcd := func(a, b int) int {
		for b != 0 {
			a, b = b, a%b
		}
		return a
	}
	d := 0
	for _, g := range groups {
		d = gcd(g, d)
	}
	for i := 1; i <= len(groups); i++ {
		if d == 0 || !slices.Contains(groups, i*d) {
			return 0
		}
	}
	return d
}

func (s *symbols) format(p *subPicture, f float64) string {
	switch {
	case p.percent:
		f *= 100
	case p.perMille:
		f *= 1000
	}
	exponent := 0
	if p.hasExponent && f != 0 {
		most, least := math.Pow10(p.scaling), math.Pow10(p.scaling-1)
		for ; f < least; exponent-- {
			f *= 10
		}
		for ; f > most; exponent++ {
			f /= 10
		}
	}
	text := strconv.FormatFloat(roundEven(f, p.maxFraction), 'f', p.maxFraction, 64)
	integer, fraction, _ := strings.Cut(text, ".")
	integer = strings.TrimLeft(integer, "0")
	fraction = strings.TrimRight(fraction, "0")
	integer = strings.Repeat("0", max(p.minInteger-len(integer), 0)) + integer
	fraction += strings.Repeat("0", max(p.minFraction-len(fraction), 0))
	integer = s.separate(integer, p)
	for i, at := range p.fractionGroups {
		if at += i * len(string(s.grouping)); at < len(fraction) {
			fraction = fraction[:at] + string(s.grouping) + fraction[at:]
		}
	}
	out := s.digits(integer)
	if p.hasDecimal && fraction != "" {
		out += string(s.decimal) + s.digits(fraction)
	}
	if p.hasExponent {
		e := strconv.Itoa(max(exponent, -exponent))
		e = strings.Repeat("0", max(p.minExponent-len(e), 0)) + e
		if exponent < 0 {
			e = s.minus + e
		}
		out += string(s.exponent) + s.digits(e)
	}
	return p.prefix + out + p.suffix
}

// separate puts separators into an integer part.
func (s *symbols) separate(integer string, p *subPicture) string {
	places := p.groups
	if p.every > 0 {
		places = nil
		for i := (len(integer) - 1) / p.every; i > 0; i-- {
			places = append(places, i*p.every)
		}
	}
	n := len(integer)
	var b strings.Builder
	for i := range n {
		if i > 0 && slices.Contains(places, n-i) {
			b.WriteRune(s.grouping)
		}
		b.WriteByte(integer[i])
	}
	return b.String()
}

// digits writes the digits of the family that the picture has.
func (s *symbols) digits(text string) string {
	if s.zero == '0' {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return s.zero + r - '0'
		}
		return r
	}, text)
}
