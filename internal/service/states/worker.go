package states

import (
	"context"
	"errors"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// maxAtOnce is how much is done at once: calls, mostly, that wait for functions.
const maxAtOnce = 1000

// A crew does what works has. What there is to do is a row, so that it
// survives; the crew is told of it by the commit that writes it, and reads
// the table when it starts.
type crew struct {
	bell task.Bell
	wg   task.Group

	mu    sync.Mutex
	queue []workKey
	again []workKey // failed for a reason of ours
	state map[workKey]progress
	busy  int
}

// A progress is how far something to do is, so that it is done once at a time.
type progress struct {
	queued, busy bool
}

// do has something done, once tx is kept.
func (s *Service) do(tx *store.Tx, key workKey, w work) error {
	tx.AfterCommit(func() { s.crew.push(key) })
	return works.Put(tx, key, w)
}

func (c *crew) push(key workKey) {
	c.mu.Lock()
	c.enqueue(key)
	c.mu.Unlock()
	c.bell.Ring()
}

// enqueue puts something in line, unless it is. The caller holds c.mu.
func (c *crew) enqueue(key workKey) {
	if c.state == nil {
		c.state = make(map[workKey]progress)
	}
	p := c.state[key]
	if p.queued {
		return
	}
	p.queued = true
	c.state[key] = p
	if !p.busy {
		c.queue = append(c.queue, key)
	}
}

// next takes what is to be done next, if there is room for it.
func (c *crew) next() (workKey, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 || c.busy >= maxAtOnce {
		return workKey{}, false
	}
	key := c.queue[0]
	c.queue = c.queue[1:]
	c.state[key] = progress{busy: true}
	c.busy++
	return key, true
}

// done takes back the room that something had.
func (c *crew) done(key workKey, failed bool) {
	c.mu.Lock()
	p := c.state[key]
	delete(c.state, key)
	if p.queued {
		c.enqueue(key) // more came meanwhile
	} else if failed {
		c.again = append(c.again, key)
	}
	c.busy--
	c.mu.Unlock()
	c.bell.Ring()
}

// retry puts what failed back in line.
func (c *crew) retry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.again {
		c.enqueue(key)
	}
	c.again = nil
}

// pause is how long the crew may rest.
func (c *crew) pause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.again) > 0 {
		return task.Retry
	}
	return 24 * time.Hour
}

// runWorks does what there is to do, until ctx ends.
func (s *Service) runWorks(ctx context.Context) (time.Duration, error) {
	c := &s.crew
	defer c.wg.Wait()
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		var keys []workKey
		for key := range works.Scan(tx, workKey{}) {
			keys = append(keys, key)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, key := range keys {
			c.enqueue(key)
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		for key, ok := c.next(); ok; key, ok = c.next() {
			c.wg.Go(func() {
				err := s.work(ctx, key)
				if err != nil && ctx.Err() == nil {
					s.Log.Error("step cannot be taken", "execution", key.Execution.String(), "kind", key.Kind, "err", err)
				}
				c.done(key, err != nil)
			})
		}
		timer := time.NewTimer(c.pause())
		select {
		case <-c.bell:
		case <-timer.C:
			c.retry()
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return 0, nil
}

// work does one thing. It stays to be done if that fails for a reason of ours.
func (s *Service) work(ctx context.Context, key workKey) error {
	switch key.Kind {
	case workCall:
		return s.makeCall(ctx, key)
	case workChild:
		return s.hearChild(ctx, key)
	case workMap:
		return s.workMapRun(ctx, key)
	case workRemove:
		return s.stopAll(ctx, key)
	case workExpress:
		return s.workExpress(ctx, key)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		there, err := works.Has(tx, key)
		if err != nil || !there {
			return err
		}
		if err := works.Delete(tx, key); err != nil {
			return err
		}
		return s.step(tx, key.Execution, func(*flow.Run) {})
	})
}

// makeCall makes the call of a task, and keeps what it came to.
func (s *Service) makeCall(ctx context.Context, key workKey) error {
	var w work
	var row execution
	var strand flow.Strand
	var role string
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		if w, err = works.Get(tx, key); err != nil {
			return err
		}
		if row, err = executions.Get(tx, key.Execution); err != nil {
			return err
		}
		what, err := specs.Get(tx, specKey{row.Machine, row.Spec})
		if err != nil {
			return err
		}
		role = what.Role
		strand, err = strands.Get(tx, strandKey{key.Execution, key.ID})
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil // it was given up meanwhile
	}
	if err != nil || strand.Attempt != w.Attempt || strand.Phase != flow.Calling {
		return err
	}
	answer := s.call(ctx, &caller{machine: row.Machine, execution: key.Execution, role: role, strand: &strand}, strand.Call)
	if ctx.Err() != nil {
		return ctx.Err() // it is made again at the next start
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		return s.step(tx, key.Execution, func(r *flow.Run) { r.Answered(key.ID, w.Attempt, answer) })
	})
}

// runDue does what is due, and returns how long until something else is.
func (s *Service) runDue(ctx context.Context) (time.Duration, error) {
	return dues.Run(ctx, s.DB, func(tx *store.Tx, at time.Time, key strandKey) error {
		if key.ID == 0 {
			return s.overdue(tx, at, key.Execution)
		}
		return s.step(tx, key.Execution, func(r *flow.Run) {
			if strand := r.Strand(key.ID); strand != nil && strand.Alarm.Equal(at) {
				strand.Alarm = time.Time{}
				r.Due(key.ID)
			}
		})
	})
}

// overdue ends an execution that has run too long, or forgets one that ended long ago.
func (s *Service) overdue(tx *store.Tx, at time.Time, arn aws.ARN) error {
	row, err := executions.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && !row.Alarm.Equal(at) {
		return nil
	}
	if err != nil {
		return err
	}
	if row.Status != api.ExecutionStatusRunning {
		return forget(tx, arn, &row)
	}
	row.Alarm = time.Time{}
	k := s.keeper(tx, arn, &row)
	run, err := k.load()
	if err != nil {
		return err
	}
	run.Expire()
	return k.save()
}

// remove deletes a machine: at once if it runs nothing, and else when all that
// it runs was stopped.
func (s *Service) remove(tx *store.Tx, arn aws.ARN, row machine) error {
	for range running.Scan(tx, listKey{Of: arn}) {
		row.Deleting = true
		if err := machines.Put(tx, arn, row); err != nil {
			return err
		}
		return s.do(tx, workKey{arn, 0, workRemove}, work{})
	}
	return machines.Delete(tx, arn)
}

// stopAll stops what a deleted machine runs, and forgets the machine.
func (s *Service) stopAll(ctx context.Context, key workKey) error {
	for {
		var next aws.ARN
		err := s.DB.Update(ctx, func(tx *store.Tx) error {
			next = aws.ARN{}
			for at := range running.Scan(tx, listKey{Of: key.Execution}) {
				next = at.Execution
				break
			}
			if next == (aws.ARN{}) {
				return errors.Join(works.Delete(tx, key), machines.Delete(tx, key.Execution))
			}
			return s.step(tx, next, func(r *flow.Run) { r.Stop(&asl.Error{}) })
		})
		if err != nil || next == (aws.ARN{}) {
			return err
		}
	}
}
