package sqs

import (
	"context"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

func (s *Service) tasks() []task.Task {
	return []task.Task{
		{Name: "sqs/retention", Run: s.expire, Bell: s.expiry},
		{Name: "sqs/move", Run: s.moveOn, Bell: s.moving},
	}
}

// expirePiece is how many messages are deleted in one transaction.
const expirePiece = 1000

// expire deletes messages that are too old, and what is remembered of others
// for too long. It says when more will be due.
//
// What has been visible for longer than the retention period has surely
// expired, and lies at the head of the index. What was hidden meanwhile and is
// as old is found by who receives it, or here a little later.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	var all []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		all = slices.Collect(queueARNs(tx, nil, nil))
		return tx.Err()
	})
	pause := time.Hour * 24
	for _, arn := range all {
		if err != nil {
			return 0, err
		}
		var next time.Duration
		next, err = s.expireIn(ctx, arn)
		pause = min(pause, next)
	}
	return pause, err
}

// expireIn expires messages of one queue.
func (s *Service) expireIn(ctx context.Context, arn aws.ARN) (next time.Duration, err error) {
	for more := true; more && err == nil; {
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			q, err := s.find(tx, arn)
			if isGone(err) {
				next, more = 24*time.Hour, false
				return nil
			}
			if err != nil {
				return err
			}
			b := s.begin(tx)
			defer b.end()
			if err := q.forget(tx, b.now); err != nil {
				return err
			}
			retention := seconds(q.Retention)
			next, more = retention, false
			var due [][]byte
			for entry := range q.index.Scan(tx, nil, nil) {
				at, _ := cutEntry(entry)
				if left := time.UnixMilli(at).Add(retention).Sub(time.UnixMilli(b.now)); left > 0 {
					next = min(next, left)
					break
				}
				if due = append(due, append([]byte(nil), entry...)); len(due) == expirePiece {
					more = true
					break
				}
			}
			return b.expireAll(q, due)
		})
	}
	return next, err
}

// expireAll deletes what is too old in the places that entries name.
func (b *batch) expireAll(q *queue, entries [][]byte) error {
	oldest := b.now - int64(q.Retention)*1000
	for _, entry := range entries {
		_, place := cutEntry(entry)
		err := b.within(q, place, func() error {
			return b.all(q, place, func(m *message) (bool, error) {
				if m.Visible > oldest || m.Sent > oldest {
					return false, nil
				}
				return true, b.remove(q, place, m)
			})
		})
		if err != nil {
			return err
		}
	}
	return b.tx.Err()
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
