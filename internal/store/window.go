package store

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sort"
)

// A span is the keys from lo up to but not including hi; nil is no bound.
type span struct{ lo, hi []byte }

func (s span) contains(k []byte) bool {
	return bytes.Compare(k, s.lo) >= 0 && (s.hi == nil || bytes.Compare(k, s.hi) < 0)
}

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.lo, b.lo) })
	out := spans[:1]
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if last.hi == nil {
			break
		}
		if bytes.Compare(s.lo, last.hi) > 0 {
			out = append(out, s)
		} else if s.hi == nil || bytes.Compare(s.hi, last.hi) > 0 {
			last.hi = s.hi
		}
	}
	return out
}

// reads is what a transaction saw: keys, by their hash, and merged ranges.
type reads struct {
	points []uint64
	ranges []span
}

// A window remembers which keys were written lately, to tell which
// transactions read what has changed since.
type window struct {
	max     int // keys to remember at most
	seed    maphash.Seed
	last    map[uint64]uint64 // hash of a key: version that last wrote it
	commits []commit          // oldest first
	keys    int               // in commits
	low     uint64            // what happened up to here is forgotten
}

// A commit is what one version wrote.
type commit struct {
	version uint64
	keys    [][]byte
}

func (w *window) init(maxKeys int, low uint64, seed maphash.Seed) {
	w.max, w.low, w.seed = maxKeys, low, seed
	w.last = make(map[uint64]uint64)
}

// changed reports whether something in r may have been written after version.
func (w *window) changed(r reads, version uint64) bool {
	if len(r.points) == 0 && len(r.ranges) == 0 {
		return false
	}
	if version < w.low {
		return true
	}
	if len(w.commits) == 0 || w.commits[len(w.commits)-1].version <= version {
		return false
	}
	for _, h := range r.points {
		if w.last[h] > version {
			return true
		}
	}
	return len(r.ranges) > 0 && w.changedIn(r.ranges, version)
}

func (w *window) changedIn(ranges []span, version uint64) bool {
	i := sort.Search(len(w.commits), func(i int) bool { return w.commits[i].version > version })
	for _, c := range w.commits[i:] {
		for _, k := range c.keys {
			// The only range that can hold k is the last that begins at or before it.
			n := sort.Search(len(ranges), func(n int) bool { return bytes.Compare(ranges[n].lo, k) > 0 })
			if n > 0 && ranges[n-1].contains(k) {
				return true
			}
		}
	}
	return false
}

// add remembers that version wrote keys.
func (w *window) add(version uint64, writes []write) {
	if len(writes) == 0 {
		return
	}
	keys := make([][]byte, len(writes))
	for i := range writes {
		keys[i] = writes[i].k
		w.last[maphash.Bytes(w.seed, keys[i])] = version
	}
	w.commits = append(w.commits, commit{version, keys})
	w.keys += len(keys)
}

// addAll remembers that version may have written anything.
func (w *window) addAll(version uint64) { w.low = version }

// trim forgets what no transaction over floor or later needs, and what is too much.
func (w *window) trim(floor uint64) {
	cut := 0
	for cut < len(w.commits) && (w.commits[cut].version <= floor || w.keys > w.max) {
		c := w.commits[cut]
		for _, k := range c.keys {
			h := maphash.Bytes(w.seed, k)
			if w.last[h] == c.version {
				delete(w.last, h)
			}
		}
		w.keys -= len(c.keys)
		w.low = max(w.low, c.version)
		w.commits[cut] = commit{}
		cut++
	}
	w.commits = w.commits[cut:]
}
