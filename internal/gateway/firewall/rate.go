package firewall

import (
	"sync"
	"time"
)

// slot is how finely requests are counted.
const slot = 10 * time.Second

// maxKeys is of how many keys the requests are counted, of each rule. When there
// are more, those are forgotten that ceased.
const maxKeys = 10_000

// Counters count requests by rule and key. They are kept in memory.
type Counters struct {
	mu sync.Mutex
	of map[string]map[string]*count // by rule, and key
}

// A count is of the requests of one key.
type count struct {
	slots map[int64]int64 // by number of the slot
	last  time.Time
}

// add counts a request, and returns how many there were in the window.
func (c *Counters) add(rule, key string, within time.Duration) int64 {
	now := time.Now()
	at := now.UnixNano() / int64(slot)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]map[string]*count)
	}
	keys := c.of[rule]
	if keys == nil {
		keys = make(map[string]*count)
		c.of[rule] = keys
	}
	if len(keys) >= maxKeys {
		for key, n := range keys {
			if now.Sub(n.last) > within {
				delete(keys, key)
			}
		}
	}
	n := keys[key]
	if n == nil {
		if len(keys) >= maxKeys {
			return 0
		}
		n = &count{slots: make(map[int64]int64)}
		keys[key] = n
	}
	n.last = now
	n.slots[at]++
	var sum int64
	for s, many := range n.slots {
		if at-s >= int64(within/slot) {
			delete(n.slots, s)
			continue
		}
		sum += many
	}
	return sum
}
