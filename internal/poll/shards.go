package poll

import (
	"context"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// Places to begin at.
const (
	startHorizon = "TRIM_HORIZON"
	startLatest  = "LATEST"
	startAt      = "AT_TIMESTAMP"
	startAfter   = "AFTER_SEQUENCE_NUMBER"
)

// A stream is what is read shard by shard.
type stream interface {
	// shards returns the shards there are.
	shards(context.Context) ([]shard, error)

	// iterator returns where to read a shard: from a kind of place; at is a
	// sequence number, when a time, if that kind has one.
	iterator(ctx context.Context, shard, kind, at string, when time.Time) (string, error)

	// read returns the next records, about limit at most, and where to go on:
	// "" is that the shard has ended.
	read(ctx context.Context, shard, iterator string, limit int) ([]Record, string, error)

	// expired and trimmed say what is wrong with an iterator, or a place.
	expired(error) bool
	trimmed(error) bool

	topic() string
}

// A shard is one of a stream.
type shard struct {
	id      string
	parents []string
}

// pollShards reads all shards of a stream, each once its parents are read.
func (e *Engine) pollShards(ctx context.Context, j *Job, src stream) error {
	ctx, stop := context.WithCancel(ctx)
	var group task.Group
	defer group.Wait()
	defer stop()
	var mu sync.Mutex
	var failed error // the first failure of a reader
	ended := task.NewBell()
	reading := make(map[string]bool)
	for {
		list, rows, err := e.listShards(ctx, j, src)
		if err != nil {
			return err
		}
		for _, sh := range readable(list, rows) {
			if reading[sh] {
				continue
			}
			reading[sh] = true
			r := newReader(e, j, src, sh)
			group.Go(func() {
				if err := r.run(ctx); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
				ended.Ring()
			})
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil
		}
		mu.Lock()
		err = failed
		mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// listShards returns the shards of a stream, and how far each was read.
func (e *Engine) listShards(ctx context.Context, j *Job, src stream) ([]shard, map[string]shardRow, error) {
	list, err := src.shards(ctx)
	if err != nil {
		return nil, nil, err
	}
	latest := make(map[string]string)
	if j.Start == startLatest {
		for _, sh := range list {
			if latest[sh.id], err = src.iterator(ctx, sh.id, startLatest, "", time.Time{}); err != nil {
				return nil, nil, err
			}
		}
	}
	rows, err := e.register(ctx, j, list, latest)
	return list, rows, err
}

// readable returns the shards that can be read: not to their end yet, but all
// of their parents.
func readable(list []shard, rows map[string]shardRow) (ids []string) {
	there := make(map[string]bool)
	for _, sh := range list {
		there[sh.id] = true
	}
	for _, sh := range list {
		ready := !rows[sh.id].Done
		for _, parent := range sh.parents {
			ready = ready && (rows[parent].Done || !there[parent])
		}
		if ready {
			ids = append(ids, sh.id)
		}
	}
	return ids
}
