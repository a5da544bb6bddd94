package cloudfront

import (
	"container/list"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxObject = 8 << 20  // bytes of an answer that is kept
	maxCache  = 64 << 20 // of all
)

// An entry is an answer that is kept.
type entry struct {
	of      string // ARN of the distribution
	path    string
	key     string
	status  int
	header  http.Header
	body    []byte
	stored  time.Time
	expires time.Time
}

// A cache keeps answers in memory, of all distributions; those that were asked
// for longest ago go first.
type cache struct {
	mu      sync.Mutex
	entries map[string]*list.Element // of *entry
	used    list.List                // the latest first
	size    int
	drops   uint64 // counts invalidations, so that what was asked before one is not kept after it
}

func (e *entry) bytes() int { return len(e.body) + len(e.key) + 512 }

// get returns what is kept under a key of a distribution, if it is still good,
// and what to tell put.
func (c *cache) get(of, key string) (*entry, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.entries[of+"\n"+key]
	if at == nil {
		return nil, c.drops
	}
	e := at.Value.(*entry)
	if !time.Now().Before(e.expires) {
		c.remove(at)
		return nil, c.drops
	}
	c.used.MoveToFront(at)
	return e, c.drops
}

// put keeps an entry that was asked for after get returned drops.
func (c *cache) put(e *entry, drops uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drops != drops {
		return
	}
	if c.entries == nil {
		c.entries = make(map[string]*list.Element)
	}
	id := e.of + "\n" + e.key
	if old := c.entries[id]; old != nil {
		c.remove(old)
	}
	c.entries[id] = c.used.PushFront(e)
	c.size += e.bytes()
	for c.size > maxCache {
		c.remove(c.used.Back())
	}
}

func (c *cache) remove(at *list.Element) {
	e := c.used.Remove(at).(*entry)
	delete(c.entries, e.of+"\n"+e.key)
	c.size -= e.bytes()
}

// drop forgets what is kept of paths of a distribution. A path may end in *.
func (c *cache) drop(of string, paths []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	for at := c.used.Front(); at != nil; {
		next := at.Next()
		if e := at.Value.(*entry); e.of == of && dropped(paths, e.path) {
			c.remove(at)
		}
		at = next
	}
}

func dropped(paths []string, path string) bool {
	for _, p := range paths {
		if begin, ok := strings.CutSuffix(p, "*"); ok && strings.HasPrefix(path, begin) || p == path {
			return true
		}
	}
	return false
}

// lifetime is for how long an answer is good, by its headers and by what the
// behaviour says.
func (k *keying) lifetime(h http.Header) time.Duration {
	life, said := k.usual, false
	for _, line := range h["Cache-Control"] {
		for part := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), "=")
			seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
			switch {
			case name == "no-store" || name == "no-cache" || name == "private":
				return time.Duration(k.min) * time.Second
			case name == "s-maxage" && err == nil:
				return time.Duration(min(max(seconds, k.min), k.max)) * time.Second
			case name == "max-age" && err == nil:
				life, said = min(max(seconds, k.min), k.max), true
			}
		}
	}
	if !said && h.Get("Expires") != "" {
		life = k.min
		if at, err := http.ParseTime(h.Get("Expires")); err == nil {
			life = min(max(int64(time.Until(at)/time.Second), k.min), k.max)
		}
	}
	return time.Duration(life) * time.Second
}
