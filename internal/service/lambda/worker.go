package lambda

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "lambda/activate", Run: s.activateAll, Bell: s.created},
		{Name: "lambda/prepare", Run: s.prepare},
		{Name: "lambda/sweep", Run: s.sweep},
		{Name: "lambda/queue", Run: s.runQueue},
		{Name: "lambda/durable", Run: s.runDurables},
		{Name: "lambda/poll", Run: s.poller.Run},
		{Name: "lambda/keep", Run: s.keep, Bell: s.keeping.bell},
		{Name: "lambda/usage", Run: s.keepUsage, Bell: s.meter.bell},
	}
}

// await has a version made active after tx.
func (s *Service) await(tx *store.Tx, key versionKey) error {
	tx.AfterCommit(s.created.Ring)
	return pendings.Put(tx, key, struct{}{})
}

// activateAll makes all versions active that wait for it.
func (s *Service) activateAll(ctx context.Context) (time.Duration, error) {
	var keys []versionKey
	err := s.db.View(ctx, func(tx *store.Tx) error {
		keys = nil
		for key := range pendings.Scan(tx, versionKey{}) {
			keys = append(keys, key)
		}
		return nil
	})
	for _, key := range keys {
		err = errors.Join(err, s.activate(ctx, key))
	}
	return 24 * time.Hour, err
}

// activate makes a version active: its code is unpacked, and the runner knows
// that its runtime will be wanted.
func (s *Service) activate(ctx context.Context, key versionKey) error {
	var v version
	err := s.db.View(ctx, func(tx *store.Tx) error {
		var err error
		v, _, err = findVersion(tx, ref{key.Function, versionName(key.Number)})
		return err
	})
	if _, gone := errors.AsType[*aws.Error](err); gone {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := s.codeOf(ctx, &v); err != nil {
		return err
	}
	if runtime := v.ranBy(); runtime == "" {
		// It is its own.
	} else if err := s.runner.Prepare(runtime); err != nil {
		s.log.Debug("runtime cannot be prepared", "runtime", runtime, "err", err) // Invoke will say so
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		now, _, err := findVersion(tx, ref{key.Function, versionName(key.Number)})
		if _, gone := errors.AsType[*aws.Error](err); gone {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pendings.Delete(tx, key); err != nil || now.ready() {
			return err
		}
		now.finish()
		s.changed(tx, key.Function)
		return putVersion(tx, key, now)
	})
}

// ranBy is the runtime that runs a version; empty for an image that is its own.
func (v *version) ranBy() string {
	if v.Image != nil {
		return v.Image.Runtime
	}
	return v.Runtime
}

// prepare tells the runner, when the platform has started, which runtimes will
// be wanted.
func (s *Service) prepare(ctx context.Context) (time.Duration, error) {
	runtimes := make(map[string]bool)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for _, row := range functions.Scan(tx, aws.ARN{}) {
			if runtime := row.Latest.ranBy(); runtime != "" {
				runtimes[runtime] = true
			}
		}
		return nil
	})
	for runtime := range runtimes {
		if err := s.runner.Prepare(runtime); err != nil {
			s.log.Debug("runtime cannot be prepared", "runtime", runtime, "err", err)
		}
	}
	return 24 * time.Hour, err
}

// sweep removes directories of code that nobody has any more.
func (s *Service) sweep(ctx context.Context) (time.Duration, error) {
	wanted := make(map[string]bool)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all := []packed{}
		for key := range codes.Scan(tx, aws.ARN{}) {
			all = append(all, packed{Key: key})
		}
		for _, row := range functions.Scan(tx, aws.ARN{}) {
			all = append(all, row.Latest.Code)
		}
		for _, row := range versions.Scan(tx, versionKey{}) {
			all = append(all, row.Code)
		}
		for _, p := range all {
			dir, err := p.dirName()
			if err != nil {
				return err
			}
			wanted[dir] = true
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return unusedFor, s.unpacked.sweep(wanted)
}
