package protocol

import (
	"errors"
	"math"
	"unicode/utf8"
)

// Major types of CBOR.
const (
	cborUint byte = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

const (
	cborBreak    = 0xff
	maxCBORDepth = 500
)

var errCBOR = errors.New("malformed CBOR")

// A cborReader reads CBOR from a string. Errors are sticky, as in jx.Reader.
type cborReader struct {
	s     string
	i     int
	depth int
	old   bool // times are in ms
	err   error
}

func (c *cborReader) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.i = len(c.s)
}

// A cborHead is the beginning of a data item.
type cborHead struct {
	major byte
	info  byte   // the low five bits, which tell floats and literals apart
	arg   uint64 // a number, or how many bytes, items or pairs follow
	open  bool   // how many is not said; a break ends them
}

func (c *cborReader) head() cborHead {
	if c.i >= len(c.s) {
		c.fail(errCBOR)
		return cborHead{}
	}
	b := c.s[c.i]
	c.i++
	h := cborHead{major: b >> 5, info: b & 31}
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
		return h
	case h.info == 31:
		h.open = true
		if h.major < cborBytes || h.major > cborMap {
			c.fail(errCBOR)
		}
		return h
	case h.info > 27:
		c.fail(errCBOR)
		return h
	}
	n := 1 << (h.info - 24)
	if len(c.s)-c.i < n {
		c.fail(errCBOR)
		return h
	}
	for range n {
		h.arg = h.arg<<8 | uint64(c.s[c.i])
		c.i++
	}
	return h
}

// peek returns the major type of the next item.
func (c *cborReader) peek() byte {
	if c.i >= len(c.s) {
		return cborSimple
	}
	return c.s[c.i] >> 5
}

// literal reads the next byte if it is b.
func (c *cborReader) literal(b byte) bool {
	if c.i < len(c.s) && c.s[c.i] == b {
		c.i++
		return true
	}
	return false
}

func (c *cborReader) null() bool { return c.literal(0xf6) || c.literal(0xf7) }

// begin reads the head of an array or map.
func (c *cborReader) begin(major byte, want string) cborHead {
	if c.i < len(c.s) && c.peek() != major {
		c.mismatch(want)
		return cborHead{}
	}
	h := c.head()
	// Each item takes a byte at least, so that nobody reserves room for more.
	if !h.open && h.arg > uint64(len(c.s)-c.i) {
		c.fail(errCBOR)
	}
	if c.depth++; c.depth > maxCBORDepth {
		c.fail(errCBOR)
	}
	return h
}

// more reports whether an array or map with head h has another item after n.
func (c *cborReader) more(h cborHead, n int) bool {
	if c.err != nil {
		return false
	}
	if h.open && c.literal(cborBreak) || !h.open && uint64(n) >= h.arg {
		c.depth--
		return false
	}
	return true
}

// text reads a string of the given major type.
func (c *cborReader) text(major byte, want string) string {
	if c.i < len(c.s) && c.peek() != major {
		c.mismatch(want)
		return ""
	}
	h := c.head()
	if !h.open {
		return c.take(h.arg)
	}
	var whole []byte
	for c.err == nil && !c.literal(cborBreak) {
		part := c.head()
		if part.major != major || part.open {
			c.fail(errCBOR)
			break
		}
		whole = append(whole, c.take(part.arg)...)
	}
	return string(whole)
}

func (c *cborReader) take(n uint64) string {
	if c.err != nil || n > uint64(len(c.s)-c.i) {
		c.fail(errCBOR)
		return ""
	}
	s := c.s[c.i : c.i+int(n)]
	c.i += int(n)
	return s
}

func (c *cborReader) string() string {
	s := c.text(cborText, "String")
	if !utf8.ValidString(s) {
		c.fail(errCBOR)
	}
	return s
}

func (c *cborReader) bool() bool {
	switch {
	case c.literal(0xf5):
		return true
	case c.literal(0xf4):
	default:
		c.mismatch("Boolean")
	}
	return false
}

func (c *cborReader) int(bits int) int64 {
	want := "Long"
	if bits == 32 {
		want = "Integer"
	}
	var n int64
	switch c.peek() {
	case cborUint, cborNegative:
		h := c.head()
		if h.arg > math.MaxInt64 {
			c.fail(cannot(want))
			return 0
		}
		if n = int64(h.arg); h.major == cborNegative {
			n = -1 - n
		}
	case cborSimple:
		f := c.float()
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			c.fail(cannot(want))
			return 0
		}
		n = int64(f)
	default:
		c.mismatch(want)
	}
	if bits == 32 && n != int64(int32(n)) {
		c.fail(cannot(want))
		return 0
	}
	return n
}

func (c *cborReader) float() float64 {
	switch c.peek() {
	case cborUint:
		return float64(c.head().arg)
	case cborNegative:
		return -1 - float64(c.head().arg)
	case cborSimple:
		at := c.i
		h := c.head()
		switch h.info {
		case 27:
			return math.Float64frombits(h.arg)
		case 26:
			return float64(math.Float32frombits(uint32(h.arg)))
		case 25:
			return halfFloat(uint16(h.arg))
		}
		if c.err == nil {
			c.i = at
		}
	}
	c.mismatch("Double")
	return 0
}

// halfFloat is the value of a float of 16 bits.
func halfFloat(h uint16) float64 {
	exponent, mantissa := int(h>>10&31), float64(h&1023)
	f := math.Ldexp(1+mantissa/1024, exponent-15)
	switch {
	case exponent == 0:
		f = math.Ldexp(mantissa, -24)
	case exponent == 31 && mantissa == 0:
		f = math.Inf(1)
	case exponent == 31:
		f = math.NaN()
	}
	if h>>15 == 1 {
		return -f
	}
	return f
}

// skip reads one item of any type.
func (c *cborReader) skip() {
	switch c.peek() {
	case cborBytes:
		c.text(cborBytes, "Blob")
	case cborText:
		c.text(cborText, "String")
	case cborArray:
		h := c.begin(cborArray, "List")
		for n := 0; c.more(h, n); n++ {
			c.skip()
		}
	case cborMap:
		h := c.begin(cborMap, "Map")
		for n := 0; c.more(h, n); n++ {
			c.skip()
			c.skip()
		}
	case cborTag:
		c.head()
		if c.depth++; c.depth > maxCBORDepth {
			c.fail(errCBOR)
		}
		if c.err == nil {
			c.skip()
		}
		c.depth--
	default:
		c.head()
	}
}
