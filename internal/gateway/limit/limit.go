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
func (b *Bucket) Take() bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.filled).Seconds())
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
