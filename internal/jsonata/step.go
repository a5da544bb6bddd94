package jsonata

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"math"
	"math/rand/v2"

	"github.com/aloft-cloud/aloft/internal/tree"
)

// stepFunctions are those that Step Functions adds to JSONata.
var stepFunctions = table{
	"partition": {"<an:a>", partition},
	"range":     {"<nnn:a>", numberRange},
	"hash":      {"<ss:s>", hashText},
	"uuid":      {"<:s>", func(m *machine, _ []value, _ value) value { return m.env.UUID() }},
	"parse":     {"<s-:x>", parseText},
}

func seeded(seed int64) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 0)) }

func partition(m *machine, a []value, _ value) value {
	if isUndef(a[0]) || isUndef(a[1]) {
		return undef
	}
	size := int(min(math.Floor(toFloat(a[1])+0.5), math.MaxInt32))
	if size <= 0 {
		fail("D3137", "The chunk size of the partition function must be a positive number")
	}
	list := asList(a[0])
	m.spend(16 * len(list))
	parts := []value{}
	for len(list) > 0 {
		n := min(size, len(list))
		parts = append(parts, append([]value{}, list[:n]...))
		list = list[n:]
	}
	return parts
}

func numberRange(m *machine, a []value, _ value) value {
	first, last, step := toFloat(a[0]), toFloat(a[1]), toFloat(a[2])
	if step == 0 || math.IsNaN(first+last+step) {
		fail("D3137", "The increment of the range function must not be 0")
	}
	n := math.Floor((last-first)/step) + 1
	if n > maxSpan {
		fail("D2014", int(min(n, math.MaxInt32)))
	}
	// A sequence: AWS gives a number where there is but one.
	out := &seq{sequence: true}
	for i := 0.0; i < n; i++ {
		out.items = append(out.items, first+i*step)
	}
	m.spend(24 * len(out.items))
	return out
}

func hashText(_ *machine, a []value, _ value) value {
	text, ok := a[0].(string)
	if !ok {
		return undef
	}
	var h hash.Hash
	switch a[1] {
	case "MD5":
		h = md5.New()
	case "SHA-1":
		h = sha1.New()
	case "SHA-256":
		h = sha256.New()
	case "SHA-384":
		h = sha512.New384()
	case "SHA-512":
		h = sha512.New()
	default:
		fail("D3137", "The algorithm of the hash function must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512")
	}
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func parseText(m *machine, a []value, _ value) value {
	text, ok := a[0].(string)
	if !ok {
		return undef
	}
	m.spend(8 * len(text))
	v, err := tree.ParseString(text)
	if err != nil {
		fail("D3137", "The argument of the parse function is not valid JSON: "+err.Error())
	}
	return v
}
