package pattern

import "fmt"

// A glob is text with stars.
type glob []globByte

// A globByte is one byte to find, or a star.
type globByte struct {
	b    byte
	star bool
}

// parseGlob reads a wildcard expression: a star stands for any characters, and
// a backslash makes a star or a backslash of what follows it. Positions in
// errors count the quote before the text.
func parseGlob(s string) (glob, error) {
	var g glob
	for i := 0; i < len(s); i++ {
		next := byte(0)
		if i+1 < len(s) {
			next = s[i+1]
		}
		switch {
		case s[i] == '*' && next == '*':
			return nil, fmt.Errorf("Consecutive wildcard characters at pos %d", i+1)
		case s[i] == '*':
			g = append(g, globByte{star: true})
		case s[i] != '\\':
			g = append(g, globByte{b: s[i]})
		case next == '*' || next == '\\':
			g = append(g, globByte{b: next})
			i++
		default:
			return nil, fmt.Errorf("Invalid escape character at pos %d", i+1)
		}
	}
	return g, nil
}

// match reports whether all of s is as g says.
func (g glob) match(s string) bool {
	i, star, from := 0, -1, 0 // next of g; last star in g, and where its rest begins
	for j := 0; j < len(s); {
		switch {
		case i < len(g) && g[i].star:
			star, from = i, j
			i++
		case i < len(g) && g[i].b == s[j]:
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(g) && g[i].star {
		i++
	}
	return i == len(g)
}

const (
	// maxComplexity is how many beginnings of globs an input may fit at once.
	// AWS does not tell its own; it takes 7 and refuses 10.
	maxComplexity = 9
	maxSets       = 4096 // that complexity looks at
)

// A place is before byte at of glob g.
type place struct{ g, at int }

// tooComplex reports whether some input fits too many beginnings of globs at
// once: it follows what any input may do, as sets of places.
func tooComplex(globs []glob) bool {
	start := make(map[place]bool)
	for i := range globs {
		start[place{i, 0}] = true
	}
	seen := map[string]bool{}
	queue := []map[place]bool{start}
	for len(queue) > 0 {
		places := queue[0]
		queue = queue[1:]
		for b := range heads(globs, places) {
			next, size := step(globs, places, b)
			if size > maxComplexity || len(seen) > maxSets {
				return true
			}
			if key := fmt.Sprint(next); !seen[key] { // maps print in order
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	return false
}

// heads are the bytes that a place of places goes on with.
func heads(globs []glob, places map[place]bool) map[byte]bool {
	bytes := map[byte]bool{}
	for p := range places {
		g := globs[p.g]
		at := p.at
		if at < len(g) && g[at].star {
			at++
		}
		if at < len(g) {
			bytes[g[at].b] = true
		}
	}
	return bytes
}

// step returns the places that b leads to, and how many ways lead there.
func step(globs []glob, places map[place]bool, b byte) (map[place]bool, int) {
	next := map[place]bool{}
	ways := 0
	for p := range places {
		g := globs[p.g]
		at := p.at
		if at < len(g) && g[at].star {
			next[p] = true // the star takes it
			ways++
			at++
		}
		if at < len(g) && !g[at].star && g[at].b == b {
			next[place{p.g, at + 1}] = true
			ways++
		}
	}
	return next, ways
}
