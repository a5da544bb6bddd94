// Package kernel asks the kernel for what packages net and os ask it for, in
// less time, where the kernel has more than one way. Elsewhere it does as they do.
//
// The idea: the runtime is told of each system call, in case that it waits. A
// thread that does is replaced by another, and one more looks for such threads
// up to fifty thousand times a second. The calls here do not wait, so the
// runtime is not told; what they begin ends as the news that a file is ready,
// for which the runtime waits for all goroutines together.
package kernel
