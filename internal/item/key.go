package item

import (
	"bytes"
	"crypto/md5"
)

// AppendKey appends v, a string, number or binary, to the key dst such that
// keys order as values do, and no value's key begins another's.
func AppendKey(dst []byte, v Value) []byte {
	p := v.payload()
	if v.Type() == N {
		dst = append(dst, p...)
		if p[0] >= zeroNumber {
			return append(dst, 0) // less than any digit
		}
		if p[len(p)-1] != endOfNegative {
			return append(dst, endOfNegative)
		}
		return dst
	}
	for {
		i := bytes.IndexByte(p, 0)
		if i < 0 {
			break
		}
		dst = append(dst, p[:i]...)
		dst = append(dst, 0, 0xff)
		p = p[i+1:]
	}
	dst = append(dst, p...)
	return append(dst, 0, 1)
}

// AppendKeyPrefix appends what the keys of all strings or binaries that begin
// with v begin with.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	dst = AppendKey(dst, v)
	return dst[:len(dst)-2]
}

// Hash returns the hash that DynamoDB spreads items by: of the partition key,
// or of the whole primary key.
func Hash(key ...Value) [3]byte {
	var buf [128]byte
	b := append(buf[:0], "Outliers"...)
	for _, v := range key {
		b = append(b, v.payload()...)
	}
	sum := md5.Sum(b)
	return [3]byte(sum[:3])
}
