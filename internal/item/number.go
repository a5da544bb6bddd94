package item

import "strconv"

// Numbers are decimals of up to 38 significant digits, from 1E-130 to
// 9.9…E+125. They are kept as DynamoDB keeps them, in base 100, so that the
// order of bytes is the order of values, equal numbers have equal bytes, and
// the length is the size that AWS charges for:
//
//	positive   0xc0+exponent  digit+1 …
//	zero       0x80
//	negative   ^(0xc0+exponent)  101-digit …  102 (unless there are 20 digits)
//
// where the number is 0.dd… times 100 to the exponent.

// What is wrong with a number.
const (
	errOverflow  problem = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	errUnderflow problem = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	errPrecision problem = "Attempting to store more than 38 significant digits in a Number"
	errNumber    problem = "The parameter cannot be converted to a numeric value"
)

// A problem is what is wrong with a value, in AWS's words.
type problem string

func (p problem) Error() string { return string(p) }

const (
	maxDigits   = 38
	maxExponent = 126  // of 0.d…: 9.9E+125
	minExponent = -129 // 1E-130

	zeroNumber    = 0x80
	endOfNegative = 102
	maxPairs      = 20
)

// A decimal is the number 0.d1d2…dn times ten to the exp. d1 and dn are not
// zero; zero has no digits.
type decimal struct {
	neg bool
	exp int
	n   int
	d   [maxDigits + 2]byte // values 0 to 9
}

// Number returns the number that s says, in decimal with an exponent or
// without. What it says of one that is none are AWS's words.
func Number(s string) (Value, error) {
	d, err := parseDecimal(s)
	if err != nil {
		return nil, err
	}
	v := append(make(Value, 0, 24), byte(N), 0)
	v = d.append(v)
	v[1] = byte(len(v) - 2)
	return v, nil
}

// Int returns the number n.
func Int(n int) Value {
	v, _ := Number(strconv.Itoa(n)) // fits
	return v
}

// parseDecimal reads [+-]digits[.digits][e[+-]digits].
func parseDecimal(s string) (decimal, error) {
	var d decimal
	if s == "" {
		return d, errNumber
	}
	i := 0
	if s[0] == '+' || s[0] == '-' {
		d.neg = s[0] == '-'
		i++
	}
	i, ok := d.parseDigits(s, i)
	if !ok {
		return d, notNumber(s)
	}
	if i < len(s) {
		e, ok := parseExponent(s[i:])
		if !ok {
			return d, notNumber(s)
		}
		d.exp += e
		if d.n == 0 { // zero has the exponent that it is written with
			d.exp = e + 1
		}
	} else if d.n == 0 {
		d.exp = 0
	}
	switch {
	case d.exp > maxExponent:
		return d, errOverflow
	case d.exp < minExponent:
		return d, errUnderflow
	case d.n > maxDigits:
		return d, errPrecision
	case d.n == 0:
		return decimal{}, nil
	}
	return d, nil
}

// parseDigits reads the digits of s from i on, without leading and trailing
// zeros, and returns where they end. Of more than 38 it notes one too many.
func (d *decimal) parseDigits(s string, i int) (int, bool) {
	var seen, point bool
	zeros := 0 // after the last digit that counts
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		seen = true
		switch {
		case c == '0' && d.n == 0:
			if point {
				d.exp--
			}
			continue
		case c == '0':
			zeros++
		default:
			for ; zeros > 0 && d.n < maxDigits; zeros-- {
				d.n++ // its digit is zero already
			}
			zeros = 0
			if d.n < maxDigits {
				d.d[d.n] = c - '0'
				d.n++
			} else {
				d.n = maxDigits + 1
			}
		}
		if !point {
			d.exp++
		}
	}
	return i, seen
}

// parseExponent reads all of s as an exponent. Beyond what any number can
// have, it returns just something as far beyond; beyond 64 bits it is none.
func parseExponent(s string) (int, bool) {
	if s[0] != 'e' && s[0] != 'E' {
		return 0, false
	}
	s = s[1:]
	neg := false
	if s != "" && (s[0] == '+' || s[0] == '-') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if s == "" {
		return 0, false
	}
	const far = 1 << 40 // no request has so many digits before an exponent
	e, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	if e = min(e, far); neg {
		e = -e
	}
	return int(e), true
}

func notNumber(s string) error { return errNumber + ": " + problem(s) }

// append appends the stored form of d to dst.
func (d *decimal) append(dst []byte) []byte {
	if d.n == 0 {
		return append(dst, zeroNumber)
	}
	odd := d.exp & 1 // a zero stands before the first digit to fill its pair
	first := byte((d.exp+odd)/2 + 0xc0)
	pairs := (d.n + odd + 1) / 2
	if d.neg {
		first = ^first
	}
	dst = append(dst, first)
	at := -odd
	for range pairs {
		var p byte
		if at >= 0 {
			p = d.d[at] * 10
		}
		p += d.d[at+1] // zero beyond the last
		at += 2
		if d.neg {
			dst = append(dst, 101-p)
		} else {
			dst = append(dst, p+1)
		}
	}
	if d.neg && pairs < maxPairs {
		dst = append(dst, endOfNegative)
	}
	return dst
}

// readDecimal reads the stored form back.
func readDecimal(p []byte) (d decimal) {
	if len(p) < 2 {
		return d
	}
	first := p[0]
	p = p[1:]
	if first < zeroNumber {
		d.neg = true
		first = ^first
		if p[len(p)-1] == endOfNegative {
			p = p[:len(p)-1]
		}
	}
	d.exp = (int(first) - 0xc0) * 2
	for i, b := range p {
		if d.neg {
			b = 101 - b
		} else {
			b--
		}
		if i == 0 && b < 10 {
			d.exp--
		} else {
			d.d[d.n] = b / 10
			d.n++
		}
		d.d[d.n] = b % 10
		d.n++
	}
	if d.d[d.n-1] == 0 {
		d.n--
	}
	return d
}

// appendNumberText appends the number with the stored form p as AWS writes
// it: never with an exponent, without zeros that say nothing.
func appendNumberText(dst, p []byte) []byte {
	d := readDecimal(p)
	if d.n == 0 {
		return append(dst, '0')
	}
	if d.neg {
		dst = append(dst, '-')
	}
	i := 0
	if d.exp <= 0 {
		dst = append(dst, '0')
	}
	for ; i < d.exp; i++ {
		if i < d.n {
			dst = append(dst, '0'+d.d[i])
		} else {
			dst = append(dst, '0')
		}
	}
	if i >= d.n {
		return dst
	}
	dst = append(dst, '.')
	for e := d.exp; e < 0; e++ {
		dst = append(dst, '0')
	}
	for ; i < d.n; i++ {
		dst = append(dst, '0'+d.d[i])
	}
	return dst
}
