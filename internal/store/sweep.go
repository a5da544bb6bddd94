package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	// dropDelay is how long a dropped file stays, for transactions that have
	// read the row that named it and are about to open it.
	dropDelay = time.Minute

	// sweepEvery is how often files are looked for that belong to nobody, as a
	// crash amid an upload leaves them.
	sweepEvery = 24 * time.Hour
)

// Tasks returns what the store does in the background.
func (db *DB) Tasks() []task.Task {
	s := &sweeper{Blobs: &db.blobs}
	return []task.Task{
		{Name: "store/blobs", Run: s.run, Bell: db.blobs.bell},
		{Name: "store/space", Run: db.watchSpace},
	}
}

// A sweeper removes files that are not needed any more.
type sweeper struct {
	*Blobs
	next time.Time // when to look for files that belong to nobody
}

func (s *sweeper) run(ctx context.Context) (time.Duration, error) {
	if now := time.Now(); !now.Before(s.next) {
		if err := s.removeOrphans(ctx); err != nil {
			return 0, err
		}
		s.next = now.Add(sweepEvery)
	}
	pause, err := s.removeDropped(ctx)
	return min(pause, time.Until(s.next)), err
}

// removeDropped removes the files that were dropped a while ago. It returns
// how long until there are more.
func (s *sweeper) removeDropped(ctx context.Context) (time.Duration, error) {
	const most = 1000
	for {
		now := time.Now()
		var due []droppedKey
		pause := sweepEvery
		err := s.db.View(ctx, func(tx *Tx) error {
			for k := range s.dropped.Scan(tx, droppedKey{}) {
				if pause = k.At.Add(dropDelay).Sub(now); pause > 0 || len(due) == most {
					break
				}
				due = append(due, k)
			}
			return nil
		})
		if err != nil || len(due) == 0 {
			return pause, err
		}
		if err := s.remove(ctx, due); err != nil {
			return 0, err
		}
	}
}

// remove removes files, and then what is known of them: so that a crash
// between forgets none.
func (s *sweeper) remove(ctx context.Context, files []droppedKey) error {
	for _, k := range files {
		if err := s.removeFile(k.ID); err != nil {
			return err
		}
	}
	return s.db.Update(ctx, func(tx *Tx) error {
		for _, k := range files {
			s.dropped.Delete(tx, k)
			s.kept.Delete(tx, k.ID)
		}
		return nil
	})
}

func (b *Blobs) removeFile(id string) error {
	if err := b.fs.Remove(b.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: remove body: %w", err)
	}
	return nil
}

// removeOrphans removes the files that no row and no upload names.
func (s *sweeper) removeOrphans(ctx context.Context) error {
	shards, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("store: list %s: %w", s.dir, err)
	}
	for _, shard := range shards {
		ids, err := s.fs.List(s.fs.PathJoin(s.dir, shard))
		if err != nil {
			return fmt.Errorf("store: list %s: %w", shard, err)
		}
		for _, id := range ids {
			if err := s.removeOrphan(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sweeper) removeOrphan(ctx context.Context, id string) error {
	if !(Body{ID: id}).isFile() {
		return nil // not ours
	}
	// An upload ends after the transaction that keeps it. So if it is not
	// pending now, either the row is there already or there will be none.
	s.mu.Lock()
	pending := s.pending[id]
	s.mu.Unlock()
	if pending {
		return nil
	}
	var owned bool
	err := s.db.View(ctx, func(tx *Tx) (err error) {
		owned, err = s.kept.Has(tx, id)
		return err
	})
	if err != nil || owned {
		return err
	}
	s.db.config.Log.Info("store: removed a body that belongs to nobody", "id", id)
	return s.removeFile(id)
}
