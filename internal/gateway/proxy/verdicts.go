package proxy

import (
	"strings"
	"sync"
	"time"
)

// Verdicts remember for a while what an authorizer said of callers. Those that
// are nil remember nothing.
type Verdicts struct {
	last time.Duration

	mu    sync.Mutex
	known map[string]kept
}

type kept struct {
	verdict Verdict
	until   time.Time
}

// maxVerdicts is how many callers are remembered.
const maxVerdicts = 10_000

// NewVerdicts returns a memory of that long, or nil if that is no time.
func NewVerdicts(last time.Duration) *Verdicts {
	if last <= 0 {
		return nil
	}
	return &Verdicts{last: last, known: make(map[string]kept)}
}

// Get returns what was said of a caller, or nil.
func (v *Verdicts) Get(identity []string) *Verdict {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.known[strings.Join(identity, "\x00")]
	if !ok || !time.Now().Before(found.until) {
		return nil
	}
	return new(found.verdict)
}

// Put remembers what was said of a caller.
func (v *Verdicts) Put(identity []string, said *Verdict) {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= maxVerdicts {
		clear(v.known)
	}
	v.known[strings.Join(identity, "\x00")] = kept{*said, time.Now().Add(v.last)}
}

// Clear forgets all callers.
func (v *Verdicts) Clear() {
	if v == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.known)
}
