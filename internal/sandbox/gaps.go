package sandbox

import "time"

// How long a worker is kept that nobody uses follows from how long its function
// was not called before (Shahrad et al., ATC '20): as long as nearly all gaps
// were. If all are long and much the same, as of what a schedule calls, it is
// not kept, and one is started shortly before it is due.

const (
	keepFor   = 10 * time.Minute // without a history
	keepMost  = time.Hour
	leastGap  = time.Second // what is shorter is no gap: a worker would not have ended
	gapUnit   = time.Minute
	gapUnits  = 240 // what is longer is not foreseen
	gapsKnown = 8   // are a history
)

// gaps counts by minutes how long a function was not called.
type gaps struct {
	counts []uint8 // nil while there are none
	total  int
}

// add counts a gap.
func (g *gaps) add(d time.Duration) {
	if d < leastGap {
		return
	}
	if g.counts == nil {
		g.counts = make([]uint8, gapUnits+1)
	}
	i := min(int(d/gapUnit), gapUnits)
	if g.counts[i] == 255 { // what was long ago counts half
		g.total = 0
		for j := range g.counts {
			g.counts[j] /= 2
			g.total += int(g.counts[j])
		}
	}
	g.counts[i]++
	g.total++
}

// within is how many minutes a share of the gaps lasted at most, without the last begun.
func (g *gaps) within(share float64) int {
	left := share * float64(g.total)
	for i, n := range g.counts {
		if left -= float64(n); left <= 0 {
			return i
		}
	}
	return gapUnits
}

// A habit is what to do with the workers of a function that is not called.
type habit struct {
	keep        time.Duration // idle
	from, until time.Duration // after the last call, when the next is expected; zero if at any time
}

// habit follows from the gaps.
func (g *gaps) habit() habit {
	if g.total < gapsKnown {
		return habit{keep: keepFor}
	}
	first, last := g.within(0.05), g.within(0.99)
	switch {
	case last >= gapUnits:
		return habit{keep: keepFor}
	case first >= 3 && last-first <= first/4:
		return habit{gapUnit, time.Duration(first-1) * gapUnit, time.Duration(last+2) * gapUnit}
	}
	return habit{keep: min(time.Duration(last+2)*gapUnit, keepMost)}
}

// called takes note that a crew is called. The caller holds m.mu.
func (c *crew) called(now time.Time) {
	c.uses++
	if len(c.idle) == len(c.workers) && c.starting == 0 && !c.lastUsed.IsZero() {
		c.gaps.add(now.Sub(c.lastUsed))
		c.habit = c.gaps.habit()
	}
	c.lastUsed = now
}

// expect says if a call of the crew is expected now, and when that changes; zero
// if it does not. The caller holds m.mu.
func (c *crew) expect(now time.Time) (expected bool, changes time.Time) {
	if c.habit.until == 0 || c.lastUsed.IsZero() {
		return false, time.Time{}
	}
	from, until := c.lastUsed.Add(c.habit.from), c.lastUsed.Add(c.habit.until)
	switch {
	case now.Before(from):
		return false, from
	case now.Before(until):
		return true, until
	}
	return false, time.Time{}
}
