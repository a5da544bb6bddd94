package poll

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Pauses after what failed; they double from the first to the last.
const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// An Engine polls for all owners of one service.
type Engine struct {
	cfg  Config
	bell task.Bell // there are owners to begin with

	mu     sync.Mutex
	fresh  []aws.ARN             // owners to begin with
	served map[aws.ARN]task.Bell // rung when the owner changes
}

// New returns an engine, which works while Run does.
func New(cfg Config) *Engine {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Engine{cfg: cfg, bell: task.NewBell(), served: make(map[aws.ARN]task.Bell)}
}

// Changed has the engine look again at an owner that tx makes, changes or
// deletes, once tx is kept.
func (e *Engine) Changed(tx *store.Tx, owner aws.ARN) {
	tx.AfterCommit(func() { e.expect(owner) })
}

func (e *Engine) expect(owner aws.ARN) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if bell, ok := e.served[owner]; ok {
		bell.Ring()
		return
	}
	e.fresh = append(e.fresh, owner)
	e.bell.Ring()
}

// Run polls until ctx ends. It is the Run of a task.
func (e *Engine) Run(ctx context.Context) (time.Duration, error) {
	group := task.Group{Log: e.cfg.Log}
	defer group.Wait()
	owners, err := e.cfg.Owners(ctx)
	if err != nil {
		return 0, err
	}
	for _, owner := range owners {
		e.expect(owner)
	}
	for {
		for owner, bell := range e.begin() {
			group.Go(func() { e.serve(ctx, owner, bell) })
		}
		select {
		case <-e.bell:
		case <-ctx.Done():
			return 0, nil
		}
	}
}

// begin returns the owners that are to be served from now on.
func (e *Engine) begin() map[aws.ARN]task.Bell {
	e.mu.Lock()
	defer e.mu.Unlock()
	begun := make(map[aws.ARN]task.Bell)
	for _, owner := range e.fresh {
		if bell, ok := e.served[owner]; ok {
			bell.Ring()
			continue
		}
		e.served[owner] = task.NewBell()
		begun[owner] = e.served[owner]
	}
	e.fresh = nil
	return begun
}

// end says that an owner is served no more, unless it has changed again.
func (e *Engine) end(owner aws.ARN, bell task.Bell) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-bell:
		return false
	default:
		delete(e.served, owner)
		return true
	}
}

// serve does what there is to do for an owner until that is nothing.
func (e *Engine) serve(ctx context.Context, owner aws.ARN, bell task.Bell) {
	pause := firstPause
	for {
		began := time.Now()
		job, err := e.cfg.Job(ctx, owner)
		if err == nil && (job != nil || !e.end(owner, bell)) {
			if job == nil {
				continue
			}
			err = e.untilChanged(ctx, job, bell)
		} else if err == nil {
			return
		}
		switch {
		case ctx.Err() != nil:
			e.end(owner, bell)
			return
		case err == nil:
			pause = firstPause
			continue
		}
		if time.Since(began) > lastPause {
			pause = firstPause
		}
		e.cfg.Log.Warn("source cannot be read", "for", owner.String(), "err", err)
		sleep(ctx, bell, pause)
		pause = min(2*pause, lastPause)
	}
}

// untilChanged polls until the owner changes or ctx ends, and then returns
// nil; or until it cannot.
func (e *Engine) untilChanged(ctx context.Context, j *Job, bell task.Bell) error {
	within, stop := context.WithCancel(ctx)
	var group task.Group
	defer group.Wait()
	defer stop()
	group.Go(func() {
		select {
		case <-bell:
			stop()
		case <-within.Done():
		}
	})
	err := e.poll(within, j)
	if within.Err() != nil || errors.Is(err, errLost) {
		return nil
	}
	return err
}

func (e *Engine) poll(ctx context.Context, j *Job) error {
	switch j.Source.Service {
	case "sqs":
		return e.pollQueue(ctx, j)
	case "dynamodb":
		return e.pollShards(ctx, j, &tableStream{e, j})
	case "kinesis":
		return e.pollShards(ctx, j, &dataStream{e, j})
	}
	return errors.New("no such source: " + j.Source.Service)
}

// sleep returns after d, or when bell rings, or when ctx ends.
func sleep(ctx context.Context, bell task.Bell, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-bell:
	case <-ctx.Done():
	}
}
