package store

import (
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// A scheduler lets no compaction begin before the store is open. Pebble would
// wait for its end, which after a crash under load takes seconds.
//
// Beneath is pebble's own, without its look ten times a second whether more
// may run: how many may is fixed here, and a test that sleeps for days of fake
// time would wait for all those looks.
type scheduler struct {
	*pebble.ConcurrencyLimitScheduler
	ready atomic.Bool
}

func newScheduler() *scheduler {
	return &scheduler{ConcurrencyLimitScheduler: pebble.NewConcurrencyLimitSchedulerWithNoPeriodicGrantingForTest()}
}

// Register takes the only place there is until open.
func (s *scheduler) Register(goroutines int, db pebble.DBForCompaction) {
	s.ConcurrencyLimitScheduler.Register(goroutines, &patient{db, &s.ready})
	s.TrySchedule()
}

// open gives back the place, and lets compactions begin.
func (s *scheduler) open() {
	s.ready.Store(true)
	s.Done()
}

// A patient database has one place for compactions until it is ready.
type patient struct {
	pebble.DBForCompaction
	ready *atomic.Bool
}

func (p *patient) GetAllowedWithoutPermission() int {
	if !p.ready.Load() {
		return 1
	}
	return p.DBForCompaction.GetAllowedWithoutPermission()
}
