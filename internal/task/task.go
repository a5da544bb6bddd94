// Package task runs what the platform does when nobody asks: sweeps,
// deliveries, schedules. Every goroutine of ours is started here, sleeps until
// there is something to do, and stops with its context.
package task

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Task is something the platform does again and again.
type Task struct {
	Name string // "sqs/retention"

	// Run does what is due and returns how long until something else is.
	Run func(context.Context) (time.Duration, error)

	// Bell, if not nil, is rung when something is due sooner than Run said.
	Bell Bell
}

// A Bell wakes a task. Ringing it twice before the task looks is ringing it once.
type Bell chan struct{}

// NewBell returns a bell for one task.
func NewBell() Bell { return make(Bell, 1) }

// Ring wakes the task of b.
func (b Bell) Ring() {
	select {
	case b <- struct{}{}:
	default:
	}
}

// Retry is the pause after a run that failed.
const Retry = time.Second

// A Group runs goroutines and waits for them. Its zero value is ready.
type Group struct {
	Log *slog.Logger // nil is slog.Default
	wg  sync.WaitGroup
}

// Go runs f in a goroutine that Wait waits for. What f waits on must end with
// a context or a close that comes before Wait.
func (g *Group) Go(f func()) { g.wg.Go(f) }

// Start runs t until ctx ends.
func (g *Group) Start(ctx context.Context, t Task) {
	g.wg.Go(func() {
		for ctx.Err() == nil {
			pause, err := t.Run(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				g.log().Error("task failed", "task", t.Name, "err", err)
				pause = Retry
			}
			timer := time.NewTimer(pause)
			select {
			case <-timer.C:
			case <-t.Bell:
			case <-ctx.Done():
			}
			timer.Stop()
		}
	})
}

func (g *Group) log() *slog.Logger {
	if g.Log == nil {
		return slog.Default()
	}
	return g.Log
}

// Wait returns when every goroutine of g has ended.
func (g *Group) Wait() { g.wg.Wait() }
