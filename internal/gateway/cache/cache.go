// Package cache keeps what was made ready to serve, until it changes.
package cache

import "sync"

// most is how many things a cache holds.
const most = 10_000

// A Cache holds values by id. Its zero value is empty.
type Cache[V any] struct {
	mu      sync.RWMutex
	values  map[string]V
	changes uint64 // counts drops, so that what was read before one is not kept after it
}

// Get returns a value, or the zero value, and what to tell Put.
func (c *Cache[V]) Get(id string) (V, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.values[id], c.changes
}

// Put keeps what was read after Get returned changes.
func (c *Cache[V]) Put(id string, v V, changes uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != changes {
		return
	}
	if len(c.values) >= most {
		clear(c.values)
	}
	if c.values == nil {
		c.values = make(map[string]V)
	}
	c.values[id] = v
}

// Drop forgets a value.
func (c *Cache[V]) Drop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	delete(c.values, id)
}

// DropAll forgets every value.
func (c *Cache[V]) DropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	clear(c.values)
}
