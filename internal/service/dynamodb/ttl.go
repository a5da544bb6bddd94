package dynamodb

import (
	"context"
	"errors"
	"strconv"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

// dues has a row for each item that is to expire, the first due first. A row
// may outlive its reason, so the item has the last word.
var dues = store.NewTable[dueKey, dueRow]("dynamodb.due")

type dueKey struct {
	Due   int64 // seconds since 1970
	Table string
	Key   string // of the item's row
}

type dueRow struct{ Table aws.ARN }

// A ttl says which attribute of items is the time when they expire.
type ttl struct {
	Attribute string    `json:",omitempty"` // empty: they do not
	Backfill  *backfill `json:",omitempty"` // what is being done for items from before
}

// tooOld is how long ago the time may be. AWS takes what is longer ago for no
// time at all.
const tooOld = 5 * 365 * 24 * time.Hour

// due returns when it expires, or 0.
func (t *table) due(it item.Item) int64 {
	if t.TTL.Attribute == "" {
		return 0
	}
	v := it.Get(t.TTL.Attribute)
	if v.Type() != item.N {
		return 0
	}
	due, err := strconv.ParseFloat(v.Text(), 64)
	if err != nil || due < 1 || due > 1<<40 {
		return 0
	}
	return int64(due)
}

// schedule notes when the item under key is to expire.
func (s *Service) schedule(tx *store.Tx, t *table, key []byte, old, new item.Item) error {
	was, is := t.due(old), t.due(new)
	if was != is && was != 0 {
		if err := dues.Delete(tx, dueKey{was, t.ID, string(key)}); err != nil {
			return err
		}
	}
	if is == 0 || was == is && t.TTL.Backfill == nil {
		return nil
	}
	if is < s.nextDue.Load() {
		tx.AfterCommit(s.expiry.Ring)
	}
	return dues.Put(tx, dueKey{is, t.ID, string(key)}, dueRow{t.arn})
}

// UpdateTimeToLive says which attribute is the time when items expire.
func (s *Service) UpdateTimeToLive(ctx context.Context, call *aws.Call, in *api.UpdateTimeToLiveInput) (*api.UpdateTimeToLiveOutput, error) {
	arn, err := tableARN(call, in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := changeTable(tx, arn, func(t *table) error {
			switch active := t.TTL.Attribute; {
			case active == "" && !spec.Enabled:
				return refuse("TimeToLive is already disabled")
			case active != "" && active != spec.AttributeName:
				return refuse("TimeToLive is active on a different AttributeName: current AttributeName is " + active)
			case active != "" && spec.Enabled:
				return refuse("TimeToLive is already enabled")
			case !spec.Enabled:
				t.TTL = ttl{}
				return nil
			}
			t.TTL = ttl{spec.AttributeName, &backfill{}}
			return nil
		})
		tx.AfterCommit(s.backfills.Ring)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateTimeToLiveOutput{TimeToLiveSpecification: spec}, nil
}

// DescribeTimeToLive tells which attribute is the time when items expire.
func (s *Service) DescribeTimeToLive(ctx context.Context, call *aws.Call, in *api.DescribeTimeToLiveInput) (*api.DescribeTimeToLiveOutput, error) {
	t, err := s.viewTable(ctx, call, in.TableName)
	if err != nil {
		return nil, err
	}
	return &api.DescribeTimeToLiveOutput{TimeToLiveDescription: t.TTL.describe()}, nil
}

func (t *ttl) describe() *api.TimeToLiveDescription {
	d := &api.TimeToLiveDescription{TimeToLiveStatus: new("DISABLED")}
	if t.Attribute != "" {
		d.TimeToLiveStatus, d.AttributeName = new("ENABLED"), &t.Attribute
	}
	return d
}

const never = 1 << 62 // seconds since 1970

// expireAtOnce is how many items one transaction expires.
const expireAtOnce = 50

// expire deletes the items that are due, and returns how long until more are.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	for {
		var due []dueKey
		next := int64(never)
		s.nextDue.Store(never) // what comes while we look rings the bell
		err := s.db.View(ctx, func(tx *store.Tx) error {
			due, next = nil, never
			now := time.Now().Unix()
			for key := range dues.Scan(tx, dueKey{}) {
				if key.Due > now || len(due) == expireAtOnce {
					next = key.Due
					break
				}
				due = append(due, key)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			s.nextDue.Store(next)
			return min(time.Until(time.Unix(next, 0)), idle), nil
		}
		err = s.db.Update(ctx, func(tx *store.Tx) error {
			for _, key := range due {
				if err := s.expireItem(tx, key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
}

// expireItem deletes the item that key says is due, if it still is.
func (s *Service) expireItem(tx *store.Tx, key dueKey) error {
	row, err := dues.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil // changed meanwhile
	}
	if err != nil {
		return err
	}
	if err := dues.Delete(tx, key); err != nil {
		return err
	}
	t, err := s.findTable(tx, row.Table)
	if errors.Is(err, api.ResourceNotFoundException) || err == nil && t.ID != key.Table {
		return nil
	}
	if err != nil {
		return err
	}
	it, err := t.rows.Get(tx, []byte(key.Key))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || t.due(it) != key.Due || time.Since(time.Unix(key.Due, 0)) > tooOld {
		return err
	}
	w := &write{table: t.arn, t: t, key: pick(it, t.Key.names()), actor: "dynamodb.amazonaws.com"}
	return s.runChecked(tx, w, 0)
}

// fillTTL notes when more of the items from before are to expire, and reports
// whether it has seen all.
func (t *table) fillTTL(tx *store.Tx) (done bool, err error) {
	return t.fillFrom(tx, t.TTL.Backfill, func(key []byte, it item.Item) error {
		if due := t.due(it); due != 0 {
			return dues.Put(tx, dueKey{due, t.ID, string(key)}, dueRow{t.arn})
		}
		return nil
	})
}
