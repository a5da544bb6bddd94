// Package checksum knows the checksums that S3 keeps with objects: how they are
// computed, and how those of the parts of an object become that of the whole.
package checksum

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/minio/crc64nvme"
)

// Algorithms, by the names S3 has for them.
const (
	CRC32     Algorithm = "CRC32"
	CRC32C    Algorithm = "CRC32C"
	CRC64NVME Algorithm = "CRC64NVME" // of objects whose client gave none
	SHA1      Algorithm = "SHA1"
	SHA256    Algorithm = "SHA256"
	SHA512    Algorithm = "SHA512"
	MD5       Algorithm = "MD5"
)

// All are the algorithms that there are here.
var All = []Algorithm{CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5}

// An Algorithm is a way to sum content.
type Algorithm string

// A Type says what the checksum of an object in parts is of.
type Type string

// Types, by the names S3 has for them.
const (
	FullObject Type = "FULL_OBJECT" // of the content
	Composite  Type = "COMPOSITE"   // of the checksums of the parts
)

const (
	castagnoli = 0x82f63b78
	nvme       = 0x9a6c9329ac4bc9b5
)

var tableCastagnoli = crc32.MakeTable(castagnoli)

// Find returns the algorithm of a name, in any case, or false.
func Find(name string) (Algorithm, bool) {
	for _, a := range All {
		if strings.EqualFold(name, string(a)) {
			return a, true
		}
	}
	return "", false
}

// New returns a new sum of nothing yet.
func (a Algorithm) New() hash.Hash {
	switch a {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(tableCastagnoli)
	case CRC64NVME:
		return crc64nvme.New()
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	case MD5:
		return md5.New()
	}
	panic("checksum: no algorithm " + string(a))
}

// Lower is the name of a in small letters, as some refusals and headers have it.
func (a Algorithm) Lower() string { return strings.ToLower(string(a)) }

// Header is the HTTP header that a checksum travels in.
func (a Algorithm) Header() string { return "x-amz-checksum-" + a.Lower() }

// Field is the name of the members of S3's API that hold a checksum.
func (a Algorithm) Field() string { return "Checksum" + string(a) }

// Types are those that an object in parts may have, its usual one first.
func (a Algorithm) Types() []Type {
	switch a {
	case CRC64NVME:
		return []Type{FullObject}
	case CRC32, CRC32C:
		return []Type{Composite, FullObject}
	}
	return []Type{Composite}
}

// Encode is sum as it travels.
func Encode(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// Decode reads what Encode returns, or reports that it is no checksum of a.
func (a Algorithm) Decode(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return b, err == nil && len(b) == a.New().Size()
}

// A Part is what the checksum of a whole needs to know of one of its parts.
type Part struct {
	Sum  []byte
	Size int64
}

// Whole returns the checksum of the content that parts make up, as it travels.
func (a Algorithm) Whole(t Type, parts []Part) string {
	if t == Composite {
		h := a.New()
		for _, p := range parts {
			h.Write(p.Sum)
		}
		return Encode(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	}
	sum := a.New().Sum(nil)
	for _, p := range parts {
		sum = a.combine(sum, p.Sum, p.Size)
	}
	return Encode(sum)
}

// combine returns the CRC of what has the CRC first, followed by size bytes
// that have the CRC second.
func (a Algorithm) combine(first, second []byte, size int64) []byte {
	poly := map[Algorithm]uint64{CRC32: crc32.IEEE, CRC32C: castagnoli, CRC64NVME: nvme}[a]
	crc := appendZeros(poly, 8*len(first), number(first), size) ^ number(second)
	sum := make([]byte, len(first))
	for i := len(sum) - 1; i >= 0; i-- {
		sum[i] = byte(crc)
		crc >>= 8
	}
	return sum
}

func number(sum []byte) uint64 {
	var n uint64
	for _, b := range sum {
		n = n<<8 | uint64(b)
	}
	return n
}

// A matrix is a linear map of the bits of a CRC.
type matrix [64]uint64

func (m *matrix) apply(v uint64) uint64 {
	var sum uint64
	for i := 0; v != 0; i, v = i+1, v>>1 {
		if v&1 != 0 {
			sum ^= m[i]
		}
	}
	return sum
}

func (m *matrix) square(bits int) *matrix {
	var sq matrix
	for i := range bits {
		sq[i] = m.apply(m[i])
	}
	return &sq
}

// appendZeros returns what becomes of crc, of so many bits, when size zero
// bytes follow: the map for one bit, squared for each doubling.
func appendZeros(poly uint64, bits int, crc uint64, size int64) uint64 {
	m := &matrix{poly}
	for i := 1; i < bits; i++ {
		m[i] = 1 << (i - 1)
	}
	m = m.square(bits).square(bits).square(bits) // of a byte
	for ; size > 0; size >>= 1 {
		if size&1 != 0 {
			crc = m.apply(crc)
		}
		m = m.square(bits)
	}
	return crc
}
