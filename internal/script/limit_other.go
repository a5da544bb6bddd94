//go:build !linux

package script

// limitMemory does nothing: the garbage collector alone keeps to the limit.
func limitMemory() {}
