package sandbox

import (
	"testing"
	"time"
)

// Workers that are kept are there before anybody calls, and are replaced when they end.
func TestKeep(t *testing.T) {
	r := newRig(t, nil)
	f := self(t)
	await := func(want int) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			ready, broken := r.Keep(f, 2)
			if broken {
				t.Fatal("broken")
			}
			if ready == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d workers are ready, want %d", ready, want)
			}
		}
	}
	await(2)
	expect(t, r.invoke(t, f, `{"Do":"exit"}`), "Unhandled", `{"errorType":"Runtime.ExitError".*`)
	await(2)
	r.mu.Lock()
	c := r.crewOf(f, "")
	spare := c.spare()
	r.mu.Unlock()
	if spare > 0 {
		t.Errorf("%d workers may be ended, and none should", spare)
	}
	bad := function("bad", "provided.al2023", "any", code(t, map[string]string{"bootstrap": "#!/bin/sh\nexit 1\n"}))
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, broken := r.Keep(bad, 1); broken {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody says that the code does not come up")
		}
	}
}
