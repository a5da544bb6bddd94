package dynamodb

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Global indexes change with their tables, which is more than AWS promises. An
// operator may have them lag behind, to find applications that rely on it. The
// changes then are rows of a log, which a task does in order when they are due.
var lags = store.NewLog[string, lag]("dynamodb.lag")

const theLag = "" // there is one log

// A lag is a change of an item that its table's global indexes do not show yet.
type lag struct {
	Table    aws.ARN
	ID       string // of the table
	Due      time.Time
	Old, New []byte `json:",omitempty"`
}

// lagAtOnce is how many changes one transaction does.
const lagAtOnce = 100

// lagging reports whether global indexes lag behind: they are to, or they did
// before the platform was started. Changes must stay in order.
func (s *Service) lagging() bool {
	if s.config.IndexDelay > 0 {
		return true
	}
	s.lagOnce.Do(func() {
		err := s.db.View(context.Background(), func(tx *store.Tx) error {
			for range lags.Scan(tx, theLag, store.Position{}) {
				s.lagged = true
				break
			}
			return nil
		})
		s.lagged = s.lagged || err != nil
	})
	return s.lagged
}

// lag notes what w has changed for t's global indexes.
func (s *Service) lag(tx *store.Tx, t *table, old, new item.Item) error {
	tx.AfterCommit(s.lagBell.Ring)
	_, err := lags.Append(tx, theLag, lag{t.arn, t.ID, time.Now().Add(s.config.IndexDelay), old, new})
	return err
}

// catchUp does what is due of what indexes lag behind by, and returns how long
// until more is.
func (s *Service) catchUp(ctx context.Context) (time.Duration, error) {
	wait := idle
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		wait = idle
		n := 0
		var last store.Position
		for at, l := range lags.Scan(tx, theLag, last) {
			if wait = time.Until(l.Due); wait > 0 {
				break
			}
			if n++; n > lagAtOnce {
				break
			}
			if err := s.catchUpOne(tx, &l); err != nil {
				return err
			}
			last = at
			wait = idle
		}
		if last == (store.Position{}) {
			return tx.Err()
		}
		return lags.Trim(tx, theLag, last)
	})
	return max(0, wait), err
}

// catchUpOne does one change, if its table is there still.
func (s *Service) catchUpOne(tx *store.Tx, l *lag) error {
	t, err := s.lookTable(tx, l.Table)
	if errors.Is(err, api.ResourceNotFoundException) || err == nil && t.ID != l.ID {
		return nil
	}
	if err != nil {
		return err
	}
	for _, ix := range t.Globals {
		if err := t.index(tx, ix, l.Old, l.New); err != nil {
			return err
		}
	}
	return nil
}
