// Package stat holds what is kept of measurements: how many there were, their
// sum and bounds, and which values they had.
//
// A Set keeps values exactly as long as they are few. When they are many it
// rounds them, and all that come later, to fewer binary digits, so that its
// size is bounded whatever is measured, and a percentile is off by a per cent
// or two at most where values lie within a few powers of two.
package stat

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"slices"
)

const (
	maxPairs  = 256 // of a set; when there are more they are rounded
	fullDigit = 52  // binary digits of a float64 after its first
	fewDigits = 10  // that a set begins to round to
)

// A Set is what is known of some measurements. The zero Set is of none.
type Set struct {
	Count    float64
	Sum      float64
	Min, Max float64
	Opaque   bool // some came as a statistic set, so their values are not known

	pairs  []Pair // in order of value
	digits uint8  // that values are rounded to; 0 is all
}

// A Pair is a value and how often it was measured.
type Pair struct{ Value, Count float64 }

// Add adds a value that was measured n times.
func (s *Set) Add(value, n float64) {
	s.widen(value, value)
	s.Count += n
	s.Sum += value * n
	s.insert(round(value, s.digits), n)
}

// AddStatistics adds measurements of which no more is known.
func (s *Set) AddStatistics(count, sum, lowest, highest float64) {
	if count == 1 || lowest == highest {
		s.Add(sum/count, count)
		return
	}
	s.widen(lowest, highest)
	s.Count += count
	s.Sum += sum
	s.Opaque = true
}

// Merge adds the measurements of o.
func (s *Set) Merge(o *Set) {
	if o.Count == 0 {
		return
	}
	s.widen(o.Min, o.Max)
	s.Count += o.Count
	s.Sum += o.Sum
	s.Opaque = s.Opaque || o.Opaque
	if o.digits != 0 && (s.digits == 0 || o.digits < s.digits) {
		s.roundTo(o.digits)
	}
	for _, p := range o.pairs {
		s.insert(round(p.Value, s.digits), p.Count)
	}
}

// Reset makes s a set of none that keeps its room.
func (s *Set) Reset() { *s = Set{pairs: s.pairs[:0]} }

// Clone returns a copy of s.
func (s *Set) Clone() Set {
	c := *s
	c.pairs = slices.Clone(s.pairs)
	return c
}

func (s *Set) widen(lowest, highest float64) {
	if s.Count == 0 {
		s.Min, s.Max = lowest, highest
	}
	s.Min, s.Max = min(s.Min, lowest), max(s.Max, highest)
}

func (s *Set) insert(value, n float64) {
	i, found := slices.BinarySearchFunc(s.pairs, value, func(p Pair, v float64) int {
		switch {
		case p.Value < v:
			return -1
		case p.Value > v:
			return 1
		}
		return 0
	})
	if found {
		s.pairs[i].Count += n
		return
	}
	s.pairs = slices.Insert(s.pairs, i, Pair{value, n})
	for digits := s.digits; len(s.pairs) > maxPairs && digits != 1; {
		if digits == 0 {
			digits = fewDigits + 1
		}
		digits--
		s.roundTo(digits)
	}
}

// roundTo rounds the values of s to so many digits, of which there are no more
// later on.
func (s *Set) roundTo(digits uint8) {
	s.digits = digits
	kept := s.pairs[:0]
	for _, p := range s.pairs {
		p.Value = round(p.Value, digits)
		if n := len(kept); n > 0 && kept[n-1].Value == p.Value {
			kept[n-1].Count += p.Count
		} else {
			kept = append(kept, p)
		}
	}
	s.pairs = kept
}

// round keeps so many binary digits of v after the first; 0 is all.
func round(v float64, digits uint8) float64 {
	if digits == 0 || digits >= fullDigit {
		return v
	}
	drop := fullDigit - digits
	b := math.Float64bits(v)
	b += 1 << (drop - 1)
	b &^= 1<<drop - 1
	if r := math.Float64frombits(b); !math.IsInf(r, 0) {
		return r
	}
	return v
}

// The first byte of a set as bytes is the number of its digits, and these.
const (
	opaque = 0x80
	single = 0x40 // all measurements have one value
)

var errSet = errors.New("malformed set")

// AppendBinary appends s as bytes.
func (s *Set) AppendBinary(b []byte) ([]byte, error) {
	head := s.digits
	if s.Opaque {
		head |= opaque
	}
	if len(s.pairs) == 1 && !s.Opaque && s.Min == s.Max && s.Sum == s.Min*s.Count {
		return appendFloat(appendFloat(append(b, head|single), s.Count), s.Min), nil
	}
	b = append(b, head)
	for _, f := range []float64{s.Count, s.Sum, s.Min, s.Max} {
		b = appendFloat(b, f)
	}
	for _, p := range s.pairs {
		b = appendFloat(appendFloat(b, p.Value), p.Count)
	}
	return b, nil
}

// UnmarshalBinary is the inverse of AppendBinary.
func (s *Set) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return errSet
	}
	head := b[0]
	*s = Set{digits: head &^ (opaque | single), Opaque: head&opaque != 0}
	b = b[1:]
	var err error
	next := func() (f float64) {
		u, n := binary.Uvarint(b)
		if n <= 0 {
			err, b = errSet, nil
			return 0
		}
		b = b[n:]
		return math.Float64frombits(bits.ReverseBytes64(u))
	}
	if head&single != 0 {
		n, v := next(), next()
		if err != nil || len(b) > 0 {
			return errSet
		}
		digits := s.digits
		s.Add(v, n)
		s.digits = digits
		return nil
	}
	s.Count, s.Sum, s.Min, s.Max = next(), next(), next(), next()
	for len(b) > 0 {
		s.pairs = append(s.pairs, Pair{next(), next()})
	}
	return err
}

// appendFloat appends f so that numbers with few digits are short.
func appendFloat(b []byte, f float64) []byte {
	return binary.AppendUvarint(b, bits.ReverseBytes64(math.Float64bits(f)))
}
