package store

// SkipRanges breaks a store: it does not notice phantoms.
func SkipRanges(c Config) Config {
	c.skipRanges = true
	return c
}

// SmallMemTable has a store write files all the time.
func SmallMemTable(c Config) Config {
	c.memTableBytes = 32 << 10
	return c
}
