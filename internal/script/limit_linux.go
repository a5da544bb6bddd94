package script

import "golang.org/x/sys/unix"

// limitMemory has the kernel refuse this process more memory than scripts may
// use, wherever there are no control groups. At worst it changes nothing.
func limitMemory() {
	const most = 4 * heapMB << 20 // the interpreter's own, and what waits to be collected
	unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most})
}
