package pattern

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A value is what an event has at a path: of the kinds of tokens.
type value struct {
	kind byte
	text string
}

// A test is what is asked of a value.
type test func(v value) bool

// exists is passed by all values.
func exists(value) bool { return true }

// literal asks for true, false or null.
func literal(kind byte) test { return func(v value) bool { return v.kind == kind } }

// number asks for n, or for just what is written if n cannot be compared.
func number(text string) test {
	n, comparable := parseNumber(text)
	return func(v value) bool {
		if v.kind != tokenNumber {
			return false
		}
		if v.text == text {
			return true
		}
		m, ok := parseNumber(v.text)
		return ok && comparable && m == n
	}
}

// equals asks for a string, or an address if s is one.
func equals(s string) test {
	if want, ok := parseIP(s); ok {
		return func(v value) bool {
			ip, ok := v.ip()
			return ok && ip == want
		}
	}
	return str(func(t string) bool { return t == s })
}

// str asks of a string what f does.
func str(f func(string) bool) test {
	return func(v value) bool { return v.kind == tokenString && f(v.text) }
}

func prefix(s string) test { return str(func(t string) bool { return strings.HasPrefix(t, s) }) }
func suffix(s string) test { return str(func(t string) bool { return strings.HasSuffix(t, s) }) }
func fold(s string) test   { return str(func(t string) bool { return strings.EqualFold(s, t) }) }

// prefixFold compares as many characters as s has.
func prefixFold(s string) test {
	n := utf8.RuneCountInString(s)
	return str(func(t string) bool {
		end := 0
		for range n {
			_, size := utf8.DecodeRuneInString(t[end:])
			end += size
		}
		return strings.EqualFold(t[:end], s)
	})
}

func suffixFold(s string) test {
	n := utf8.RuneCountInString(s)
	return str(func(t string) bool {
		from := len(t)
		for range n {
			_, size := utf8.DecodeLastRuneInString(t[:from])
			from -= size
		}
		return strings.EqualFold(t[from:], s)
	})
}

// but is passed by what passes none of tests.
func but(tests []test) test {
	return func(v value) bool {
		for _, t := range tests {
			if t(v) {
				return false
			}
		}
		return true
	}
}

// A bound is one end of a range of numbers.
type bound struct {
	op string // "=", "<", "<=", ">", ">="
	n  float64
}

func (b bound) holds(n float64) bool {
	switch b.op {
	case "<":
		return n < b.n
	case "<=":
		return n <= b.n
	case ">":
		return n > b.n
	case ">=":
		return n >= b.n
	}
	return n == b.n
}

// within asks for a number within all bounds.
func within(bounds ...bound) test {
	return func(v value) bool {
		if v.kind != tokenNumber {
			return false
		}
		n, ok := parseNumber(v.text)
		for _, b := range bounds {
			ok = ok && b.holds(n)
		}
		return ok
	}
}

// parseNumber reads a number that can be compared: one that a float64 holds
// with all of its digits.
func parseNumber(text string) (float64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, false
	}
	if len(text) <= 15 && strings.IndexByte(text, 'e') < 0 && strings.IndexByte(text, 'E') < 0 {
		return f, true // so few digits always fit
	}
	return f, canonical(text) == canonical(strconv.FormatFloat(f, 'e', -1, 64))
}

// canonical writes a number so that equal ones look alike.
func canonical(text string) string {
	sign, digits := "", text
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	exponent := 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		n, err := strconv.Atoi(digits[i+1:])
		if err != nil {
			return text
		}
		digits, exponent = digits[:i], n
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	short := strings.TrimRight(digits, "0")
	if short == "" {
		return "0"
	}
	return fmt.Sprintf("%s%se%d", sign, short, exponent+len(digits)-len(short))
}

// parseIP reads an address as EventBridge takes a string for one.
func parseIP(s string) (netip.Addr, bool) {
	if !strings.ContainsAny(s, ".:") || strings.ContainsAny(s, "%") || strings.Contains(s, ".") && strings.Contains(s, ":") {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(s)
	return ip.Unmap(), err == nil
}

func (v value) ip() (netip.Addr, bool) {
	if v.kind != tokenString {
		return netip.Addr{}, false
	}
	return parseIP(v.text)
}

// cidr asks for an address of a network.
func cidr(text string) (test, error) {
	address, bits, slash := strings.Cut(text, "/")
	if !slash || strings.Contains(bits, "/") {
		return nil, fmt.Errorf("Malformed CIDR, one '/' required")
	}
	n, err := strconv.Atoi(bits)
	switch {
	case err != nil:
		return nil, fmt.Errorf("Malformed CIDR, mask bits must be an integer")
	case n < 0:
		return nil, fmt.Errorf("Malformed CIDR, mask bits must not be negative")
	}
	ip, ok := parseIP(address)
	switch {
	case !ok:
		return nil, fmt.Errorf("Nonstandard IP address: %s", address)
	case ip.Is4() && n > 31:
		return nil, fmt.Errorf("IPv4 mask bits must be < 32")
	case n > 127:
		return nil, fmt.Errorf("IPv6 mask bits must be < 128")
	}
	network := netip.PrefixFrom(ip, n)
	return func(v value) bool {
		ip, ok := v.ip()
		return ok && network.Contains(ip)
	}, nil
}
