package appsync

import (
	"sync"
	"time"
)

// A memory keeps values for a while.
type memory[V any] struct {
	most int

	mu    sync.Mutex
	known map[string]remembered[V]
}

type remembered[V any] struct {
	value V
	until time.Time
}

// newMemory returns a memory of so many values.
func newMemory[V any](most int) *memory[V] {
	return &memory[V]{most: most, known: make(map[string]remembered[V])}
}

// get returns what is kept of a key.
func (m *memory[V]) get(key string) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.known[key]
	if !ok || !time.Now().Before(found.until) {
		delete(m.known, key)
		var none V
		return none, false
	}
	return found.value, true
}

// put keeps a value for that long.
func (m *memory[V]) put(key string, v V, last time.Duration) {
	if last <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= m.most {
		now := time.Now()
		for k, old := range m.known {
			if !now.Before(old.until) {
				delete(m.known, k)
			}
		}
		if len(m.known) >= m.most {
			clear(m.known)
		}
	}
	m.known[key] = remembered[V]{v, time.Now().Add(last)}
}

// drop forgets a key.
func (m *memory[V]) drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, key)
}
