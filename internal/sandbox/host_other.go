//go:build !linux

package sandbox

// hostMemoryMB is a guess at the memory of this host.
func hostMemoryMB() int { return 8192 }
