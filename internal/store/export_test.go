package store

// SkipRanges breaks a store: it does not notice phantoms.
func SkipRanges(c Config) Config {
	c.skipRanges = true
	return c
}
