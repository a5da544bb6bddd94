package auth

import "sync"

// A cache remembers so many values. When it is full it begins anew, which
// costs less than to know what was used last.
type cache[K comparable, V any] struct {
	mu  sync.RWMutex
	all map[K]V
}

// maxCached is more than are in use at a time.
const maxCached = 8192

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.all[k]
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxCached {
		c.all = make(map[K]V)
	}
	c.all[k] = v
}
