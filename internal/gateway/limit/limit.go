// Package limit holds rates of requests within what they may be.
package limit

import (
	"sync"
	"time"
)

// A Bucket holds tokens, one for each request: burst fit in, and rate come each
// second. A nil Bucket has no end of them.
type Bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	filled time.Time
}

// NewBucket returns a full bucket.
func NewBucket(rate, burst float64) *Bucket {
	return &Bucket{rate: rate, burst: burst, tokens: burst, filled: time.Now()}
}

// Take takes a token, and reports whether there was one.
func (b *Bucket) Take() bool { return b.TakeN(1) }

// TakeN takes n tokens, and reports whether there were as many.
func (b *Bucket) TakeN(n float64) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// Owe takes n tokens, be there as many or not: what is missing has to come first
// before others are taken.
func (b *Bucket) Owe(n float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	b.tokens -= n
}

func (b *Bucket) fill() {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
}
