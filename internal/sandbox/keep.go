package sandbox

// Keep has n workers of f ready from now on, whether it is called or not; 0
// ends that. It returns at once, with how many are ready, and whether the last
// that was started did not come up: then it starts more when it is called again.
func (m *Manager) Keep(f *Function, n int) (ready int, broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return 0, false
	}
	c := m.crewOf(f, "")
	c.kept = n
	broken, c.broken = c.broken, false
	m.restock(c)
	return min(n, len(c.workers)), broken
}

// restock starts the workers that a crew wants and does not have.
func (m *Manager) restock(c *crew) {
	for !c.retired && !c.broken && len(c.workers)+c.starting < c.wanted() && m.mayStart(c) {
		mb := c.estimateMB()
		m.usedMB += mb
		c.starting++
		m.group.Go(func() { m.recruit(c, mb) })
	}
}

// spare is how many idle workers a crew does without.
func (c *crew) spare() int { return min(len(c.idle), len(c.workers)-c.wanted()) }

// wanted is how many workers a crew has also if nobody calls.
func (c *crew) wanted() int {
	if c.expected {
		return max(1, c.kept)
	}
	return c.kept
}
