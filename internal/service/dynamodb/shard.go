package dynamodb

import (
	"context"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// records has what shards of streams tell, in order of commit.
var records = store.NewLog[shardKey, record]("dynamodb.record")

// A shardKey names a shard of a stream.
type shardKey struct {
	Stream aws.ARN
	Shard  string
}

// shardLife is how long a shard is open. Then its children go on.
const shardLife = 4 * time.Hour

// A shard tells of the changes of items whose hashes are in its range. All that
// is told of one item is in one shard, or in a child of it.
type shard struct {
	ID      string
	Parent  string `json:",omitempty"`
	Low     uint16 // first two bytes of hashes
	High    uint16 // the last that is in the range
	Opened  time.Time
	Start   store.Position // records are at or after it
	Closed  time.Time      `json:",omitzero"`
	Last    store.Position // of the last record, if it is closed
	Trimmed store.Position // up to here records have been forgotten
}

// newShard is a shard of a stream. Its id is the same for all replicas of the table.
func newShard(resource string, now time.Time, low, high uint16, parent *shard) shard {
	sh := shard{Low: low, High: high, Opened: now}
	if parent != nil {
		sh.Parent, sh.Start = parent.ID, after(parent.Last)
	}
	sh.ID = fmt.Sprintf("shardId-%020d-%08x", now.UnixMilli(), crc32.ChecksumIEEE(fmt.Append(nil, resource, low, sh.Parent)))
	return sh
}

// after is the position just after p.
func after(p store.Position) store.Position {
	p.Index++
	return p
}

// shardsOf is how many shards a stream of t has at least: one for each partition
// that what is provisioned needs.
func (t *table) shardsOf() int {
	if t.Billing.OnDemand {
		return 1
	}
	return t.Billing.partitions()
}

// firstShards are those of a new stream of t.
func (t *table) firstShards() []shard {
	n, now := t.shardsOf(), time.Now()
	var out []shard
	for i := range n {
		out = append(out, newShard(t.streamARN().Resource, now, uint16(i*1<<16/n), uint16((i+1)*1<<16/n-1), nil))
	}
	return out
}

// open yields the shards that are open.
func (r *streamRow) open(yield func(*shard) bool) {
	for i := range r.Shards {
		if r.Shards[i].Closed.IsZero() && !yield(&r.Shards[i]) {
			return
		}
	}
}

// find returns the shard with an id, or nil.
func (r *streamRow) find(id string) *shard {
	i := slices.IndexFunc(r.Shards, func(sh shard) bool { return sh.ID == id })
	if i < 0 {
		return nil
	}
	return &r.Shards[i]
}

// openShards is which shards t tells its changes to, for its row.
func (r *streamRow) openShards() []openShard {
	var out []openShard
	for sh := range r.open {
		out = append(out, openShard{sh.ID, sh.High})
	}
	slices.SortFunc(out, func(a, b openShard) int { return int(a.High) - int(b.High) })
	return out
}

// An openShard is a shard that tells of items whose hashes are at most High,
// and not in the one before.
type openShard struct {
	ID   string
	High uint16
}

// shardFor is the shard that tells of the item whose row has the key.
func (st *stream) shardFor(key []byte) string {
	hash := uint16(key[0])<<8 | uint16(key[1])
	for _, sh := range st.Shards {
		if hash <= sh.High {
			return sh.ID
		}
	}
	return ""
}

// close ends sh, a shard of the stream that arn names.
func (sh *shard) close(tx *store.Tx, arn aws.ARN) error {
	sh.Closed = time.Now()
	for at := range records.ScanReverse(tx, shardKey{arn, sh.ID}, store.MaxPosition) {
		sh.Last = at
		break
	}
	if sh.Last == (store.Position{}) {
		sh.Last = sh.Start
	}
	return tx.Err()
}

// rollShards closes the shards of t that have been open for long, and opens
// their children: two, if the table now needs more shards than there are.
func (t *table) rollShards(tx *store.Tx) error {
	now := time.Now()
	for arn := range t.everywhere {
		arn = t.streamOf(arn)
		row, err := streams.Get(tx, arn)
		if err != nil {
			return err
		}
		n := len(row.openShards())
		var children []shard
		for sh := range row.open {
			if time.Since(sh.Opened) < shardLife {
				continue
			}
			if err := sh.close(tx, arn); err != nil {
				return err
			}
			if n >= t.shardsOf() || sh.Low == sh.High {
				children = append(children, newShard(arn.Resource, now, sh.Low, sh.High, sh))
				continue
			}
			middle := sh.Low + (sh.High-sh.Low)/2
			children = append(children, newShard(arn.Resource, now, sh.Low, middle, sh), newShard(arn.Resource, now, middle+1, sh.High, sh))
			n++
		}
		row.Shards = append(row.Shards, children...)
		t.Stream.Shards = row.openShards()
		tx.Notify(topicOf(arn))
		if err := streams.Put(tx, arn, row); err != nil {
			return err
		}
	}
	return nil
}

// rollStreams does so for all tables, and returns when there is more to do.
func (s *Service) rollStreams(ctx context.Context) (time.Duration, error) {
	var due []aws.ARN
	next := idle
	err := s.db.View(ctx, func(tx *store.Tx) error {
		due, next = nil, idle
		for arn, row := range streams.Scan(tx, aws.ARN{}) {
			for sh := range row.open {
				left := shardLife - time.Since(sh.Opened)
				if left > 0 {
					next = min(next, left)
					continue
				}
				table := arn
				table.Resource = tableKind + row.Table
				due = append(due, table)
			}
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range slices.Compact(due) {
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			t, err := readTable(tx, arn)
			if err != nil || !t.Stream.enabled() {
				return err
			}
			if err := t.rollShards(tx); err != nil {
				return err
			}
			return putTable(tx, t)
		})
		if err != nil {
			return 0, err
		}
	}
	if len(due) > 0 {
		return 0, nil
	}
	return next, nil
}

// trimStreams removes records that are too old, shards that have been closed
// for as long, and streams of which nothing is left.
func (s *Service) trimStreams(ctx context.Context) (time.Duration, error) {
	var all []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn := range streams.Scan(tx, aws.ARN{}) {
			all = append(all, arn)
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range all {
		if err := s.trimStream(ctx, arn); err != nil {
			return 0, err
		}
	}
	return time.Hour, nil
}

func (s *Service) trimStream(ctx context.Context, arn aws.ARN) error {
	cutoff := time.Now().Add(-recordLife)
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findStream(tx, arn)
		if err != nil {
			return nil // it is gone
		}
		changed := false
		var kept []shard
		for _, sh := range row.Shards {
			key := shardKey{arn, sh.ID}
			if !sh.Closed.IsZero() && sh.Closed.Before(cutoff) {
				changed = true
				if err := records.DeletePrefix(tx, key); err != nil {
					return err
				}
				continue
			}
			if upTo := placeAt(tx, key, cutoff); upTo != (store.Position{}) {
				changed = true
				sh.Trimmed = upTo
				if err := records.Trim(tx, key, upTo); err != nil {
					return err
				}
			}
			kept = append(kept, sh)
		}
		switch row.Shards = kept; {
		case !changed:
			return tx.Err()
		case len(kept) == 0 && !row.Closed.IsZero():
			return streams.Delete(tx, arn)
		}
		return streams.Put(tx, arn, row)
	})
}
