package sandbox

import (
	"testing"
	"time"
)

func TestHabit(t *testing.T) {
	const m = time.Minute
	repeat := func(n int, d ...time.Duration) (all []time.Duration) {
		for range n {
			all = append(all, d...)
		}
		return all
	}
	for name, tc := range map[string]struct {
		gaps []time.Duration
		want habit
	}{
		"never called":         {nil, habit{keep: keepFor}},
		"no history":           {repeat(7, 5*m), habit{keep: keepFor}},
		"bursts are no gaps":   {repeat(1000, time.Millisecond), habit{keep: keepFor}},
		"every few seconds":    {repeat(100, 5*time.Second), habit{keep: 2 * m}},
		"now and then":         {repeat(5, 3*time.Second, 25*m, 7*m), habit{keep: 27 * m}},
		"every quarter hour":   {repeat(10, 15*m), habit{m, 14 * m, 17 * m}},
		"every hour, about":    {repeat(10, 58*m, 61*m), habit{m, 57 * m, 63 * m}},
		"not longer than that": {repeat(10, 3*m, 100*m), habit{keep: keepMost}},
		"once a day":           {repeat(20, 24*time.Hour), habit{keep: keepFor}},
		"it was otherwise":     {append(repeat(20, 100*m), repeat(3000, 2*m)...), habit{keep: 4 * m}},
	} {
		var g gaps
		for _, d := range tc.gaps {
			g.add(d)
		}
		if got := g.habit(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// TestExpected: a function that is called by a rhythm has a worker before it is
// called, and none between.
func TestExpected(t *testing.T) {
	r := newRig(t, nil)
	f := node(t, "exports.handler = async (e) => e")
	r.Manager.mu.Lock()
	c := r.crewOf(f, "")
	c.habit, c.lastUsed = habit{time.Minute, 14 * time.Minute, 17 * time.Minute}, time.Now().Add(-14*time.Minute+200*time.Millisecond)
	if expected, _ := c.expect(time.Now()); expected {
		t.Error("it is expected too early")
	}
	r.lookAt(time.Now())
	r.Manager.mu.Unlock()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		r.Manager.mu.Lock()
		idle, spare := len(c.idle), c.spare()
		r.Manager.mu.Unlock()
		if idle == 1 && spare == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d workers wait, and %d too many", idle, spare)
		}
	}
	r.Manager.mu.Lock()
	c.lastUsed = time.Now().Add(-17 * time.Minute)
	r.Manager.mu.Unlock()
	if _, err := r.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Manager.mu.Lock()
	defer r.Manager.mu.Unlock()
	if c.spare() != 1 {
		t.Error("a worker is kept that nobody is expected to call")
	}
}
