package sandbox

import "syscall"

// hostMemoryMB is the memory of this host.
func hostMemoryMB() int {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 4096
	}
	return int(uint64(info.Totalram) * uint64(info.Unit) >> 20)
}
