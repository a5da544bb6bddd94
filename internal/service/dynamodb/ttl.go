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
			t.TTL = ttl{spec.AttributeName, newBackfill()}
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

const (
	// One transaction expires so many items, or so many bytes of them.
	expireItems = 20
	expireBytes = 1 << 20

	// expireRest is how long expiry rests, by how long it worked: others come first.
	expireRest = 3
)

// expire deletes some of the items that are due, and returns how long until it
// should do so again.
func (s *Service) expire(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	s.nextDue.Store(never) // what comes while we look rings the bell
	due, next, err := s.findDue(ctx, s.expired)
	if err != nil {
		return 0, err
	}
	switch first := (dueKey{}); {
	case len(due) == 0 && s.expired != first:
		s.expired = first // some may have come that are due sooner than those before
		return 0, nil
	case len(due) == 0:
		s.nextDue.Store(next)
		return min(time.Until(time.Unix(next, 0)), idle), nil
	}
	s.nextDue.Store(0) // we look again soon, whatever comes
	if err := s.expireItems(ctx, due); err != nil {
		return 0, err
	}
	return expireRest * time.Since(began), nil
}

// findDue returns the first items after a key that are due, and when the next
// after them is.
func (s *Service) findDue(ctx context.Context, after dueKey) (due []dueKey, next int64, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		due, next = nil, never
		now := time.Now().Unix()
		for key := range dues.ScanAfter(tx, dueKey{}, after) {
			if key.Due > now || len(due) == expireItems {
				next = key.Due
				break
			}
			due = append(due, key)
		}
		return nil
	})
	return due, next, err
}

// expireItems deletes those items of due that are due still, as many as one
// transaction should, and notes the last. The next are looked for after that:
// a scan from the first key would step over all that have been deleted.
func (s *Service) expireItems(ctx context.Context, due []dueKey) error {
	var last dueKey
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		size := 0
		for _, key := range due {
			n, err := s.expireItem(tx, key)
			if err != nil {
				return err
			}
			last = key
			if size += n; size >= expireBytes {
				break
			}
		}
		return nil
	})
	if err == nil {
		s.expired = last
	}
	return err
}

// expireItem deletes the item that key says is due, if it still is, and
// returns how large it was.
func (s *Service) expireItem(tx *store.Tx, key dueKey) (size int, err error) {
	row, err := dues.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil // changed meanwhile
	}
	if err != nil {
		return 0, err
	}
	if err := dues.Delete(tx, key); err != nil {
		return 0, err
	}
	t, err := s.lookTable(tx, row.Table)
	if errors.Is(err, api.ResourceNotFoundException) || err == nil && (t.ID != key.Table || t.unfinished()) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	it, err := t.rows.Get(tx, []byte(key.Key))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil || t.due(it) != key.Due || time.Since(time.Unix(key.Due, 0)) > tooOld {
		return 0, err
	}
	w := &write{table: t.arn, t: t, key: pick(it, t.Key.names()), actor: "dynamodb.amazonaws.com"}
	return len(it), s.runChecked(tx, w, 0)
}

// noteDue notes when it, from before, is to expire.
func (t *table) noteDue(tx *store.Tx, key []byte, it item.Item) error {
	if due := t.due(it); due != 0 {
		return dues.Put(tx, dueKey{due, t.ID, string(key)}, dueRow{t.arn})
	}
	return nil
}
