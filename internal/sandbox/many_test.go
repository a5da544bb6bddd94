package sandbox

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// A thousand functions that were deployed have no process and no memory of
// their own; a hundred of them, called in turn, stay within the budget.
func TestThousand(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MemoryMB, c.Depth = 400, 1 })
	base := node(t, `exports.handler = async (e, c) => c.functionName`)
	all := make([]*Function, 1000)
	before := heap()
	for i := range all {
		f := *base
		f.ARN.Resource = fmt.Sprint("function:f", i)
		all[i] = &f
		if err := r.Prepare(f.Runtime); err != nil {
			t.Skip(err)
		}
	}
	r.await(t, base)
	r.Manager.mu.Lock()
	if live := len(r.live); live > 2 || len(r.crews) > 0 {
		t.Errorf("%d workers and %d crews for functions that nobody called", live, len(r.crews))
	}
	r.Manager.mu.Unlock()
	if grown := heap() - before; grown > 2<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	for _, f := range all[:100] {
		expect(t, r.invoke(t, f, "{}"), "", fmt.Sprintf("%q", f.name()))
		r.Manager.mu.Lock()
		if r.usedMB > 400 {
			t.Errorf("%d MB used of 400", r.usedMB)
		}
		r.Manager.mu.Unlock()
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.Manager.mu.Lock()
		live := len(r.live)
		r.Manager.mu.Unlock()
		if live <= 400/minimumMB+4 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d workers are left", live)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
