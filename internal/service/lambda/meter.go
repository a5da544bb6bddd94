package lambda

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	metrics "github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	usagePause = 5 * time.Second      // until what was counted is kept
	usageLife  = 455 * 24 * time.Hour // of rows, as CloudWatch keeps metrics
)

// A usageKey is one minute of a version of a function.
type usageKey struct {
	Function aws.ARN
	Minute   time.Time
	Version  string
}

// A usage is what a version did in a minute: what metrics tell, and a bill is
// made of.
type usage struct {
	Invocations int64         `json:",omitempty"` // runs, those that failed too
	Errors      int64         `json:",omitempty"` // runs that failed
	Throttles   int64         `json:",omitempty"` // events for which there was no room
	Duration    time.Duration `json:",omitempty"` // of all runs
	Longest     time.Duration `json:",omitempty"`
	Billed      time.Duration `json:",omitempty"` // of all runs
	MBSeconds   float64       `json:",omitempty"` // billed, by the memory of the function
	Concurrent  int64         `json:",omitempty"` // runs at once, at most
}

// add counts what v did too.
func (u *usage) add(v *usage) {
	u.Invocations += v.Invocations
	u.Errors += v.Errors
	u.Throttles += v.Throttles
	u.Duration += v.Duration
	u.Longest = max(u.Longest, v.Longest)
	u.Billed += v.Billed
	u.MBSeconds += v.MBSeconds
	u.Concurrent = max(u.Concurrent, v.Concurrent)
}

// A meter is what was counted since it was last kept. A crash loses it: it is
// not worth a transaction for each run.
type meter struct {
	bell  task.Bell
	total *metrics.Meter // counts it too, for metrics

	mu      sync.Mutex
	counted map[usageKey]*usage
}

func newMeter(total *metrics.Meter) meter {
	return meter{bell: task.NewBell(), total: total, counted: make(map[usageKey]*usage)}
}

// count counts u for a version, in this minute.
func (m *meter) count(f *sandbox.Function, u *usage) {
	key := usageKey{f.ARN, time.Now().UTC().Truncate(time.Minute), f.Version}
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := m.counted[key]
	if sum == nil {
		if len(m.counted) == 0 {
			m.bell.Ring()
		}
		sum = new(usage)
		m.counted[key] = sum
	}
	sum.add(u)
}

// ran counts a run.
func (m *meter) ran(f *sandbox.Function, res *sandbox.Result, concurrent int64) {
	u := usage{Invocations: 1, Duration: res.Stats.Duration, Longest: res.Stats.Duration, Billed: res.Stats.Billed, Concurrent: concurrent}
	u.MBSeconds = res.Stats.Billed.Seconds() * float64(f.MemoryMB)
	if res.FunctionError != "" {
		u.Errors = 1
	}
	m.count(f, &u)
	readings := []metrics.Reading{
		metrics.Count("Invocations", 1), metrics.Count("Errors", float64(u.Errors)), metrics.Count("Throttles", 0),
		metrics.Milliseconds("Duration", u.Duration), metrics.Count("ConcurrentExecutions", float64(concurrent)),
	}
	m.tell(f, readings...)
}

// throttled counts an event for which there was no room.
func (m *meter) throttled(f *sandbox.Function) {
	m.count(f, &usage{Throttles: 1})
	m.tell(f, metrics.Count("Throttles", 1))
}

// tell has readings in the metrics of a function, and of all functions.
func (m *meter) tell(f *sandbox.Function, readings ...metrics.Reading) {
	now := time.Now()
	of := metrics.OfARN(f.ARN, "AWS/Lambda", "FunctionName", strings.TrimPrefix(f.ARN.Resource, "function:"))
	m.total.Add(of, now, readings...)
	m.total.Add(of.And("Resource", of.Value1), now, readings...)
	of.Name1, of.Value1 = "", ""
	m.total.Add(of, now, readings...)
}

// keepUsage adds what was counted to the rows, and removes those that are too
// old. It runs a while after something was counted.
func (s *Service) keepUsage(ctx context.Context) (time.Duration, error) {
	m := &s.meter
	timer := time.NewTimer(usagePause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	m.mu.Lock()
	counted := m.counted
	m.counted = make(map[usageKey]*usage)
	m.mu.Unlock()
	if len(counted) == 0 {
		return 24 * time.Hour, nil
	}
	return 24 * time.Hour, s.db.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for key, u := range counted {
			sum, err := usages.Get(tx, key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			sum.add(u)
			if err := usages.Put(tx, key, sum); err != nil {
				return err
			}
			if err := forgetUsage(tx, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetUsage removes a function's rows that are too old, a few at a time.
func forgetUsage(tx *store.Tx, key usageKey) error {
	n := 0
	for old := range usages.Scan(tx, usageKey{Function: key.Function}) {
		if n++; n > 10 || key.Minute.Sub(old.Minute) < usageLife {
			break
		}
		if err := usages.Delete(tx, old); err != nil {
			return err
		}
	}
	return nil
}
