package poll

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var shardRows = store.NewTable[shardKey, shardRow]("poll.shard")

type shardKey struct {
	Owner aws.ARN
	Shard string
}

// A shardRow is how far a shard was read for an owner.
type shardRow struct {
	Claim    int64     // how often it was claimed; the last to do so reads it
	After    string    `json:",omitempty"` // sequence number of the last record that is done with
	Start    string    `json:",omitempty"` // where to begin without After
	StartAt  time.Time `json:",omitzero"`  // for AT_TIMESTAMP, and LATEST when the iterator is too old
	Iterator string    `json:",omitempty"` // of LATEST
	Done     bool      `json:",omitempty"` // to its end
	Result   string    `json:",omitempty"` // of the last batch
	At       time.Time `json:",omitzero"`  // of Result

	Windows map[int]window `json:",omitempty"` // by lane
}

// A window is a tumbling window that has begun.
type window struct {
	Start time.Time
	State json.RawMessage `json:",omitempty"`
}

// Forget removes what is remembered for an owner.
func Forget(tx *store.Tx, owner aws.ARN) error {
	return shardRows.DeletePrefix(tx, shardKey{Owner: owner})
}

// What LastResult tells.
const (
	ResultNone   = "No records processed"
	ResultOK     = "OK"
	ResultFailed = "PROBLEM: Function call failed"
)

// LastResult is what became of the last batch of an owner's stream.
func LastResult(tx *store.Tx, owner aws.ARN) string {
	last := shardRow{Result: ResultNone}
	for _, row := range shardRows.Scan(tx, shardKey{Owner: owner}) {
		if row.Result != "" && row.At.After(last.At) {
			last = row
		}
	}
	return last.Result
}

// errLost says that somebody else reads a shard now, or nobody is to.
var errLost = errors.New("the shard is read by another")

// claim makes who calls it the reader of a shard.
func (e *Engine) claim(ctx context.Context, key shardKey) (row shardRow, err error) {
	err = e.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		if row, err = shardRows.Get(tx, key); err != nil {
			return err
		}
		row.Claim++
		return shardRows.Put(tx, key, row)
	})
	return row, err
}

// move changes the row of a shard for who claimed it, with what else belongs
// to the change. It is done even if ctx has ended: what happened is to be kept.
func (e *Engine) move(ctx context.Context, key shardKey, claim int64, change func(tx *store.Tx, row *shardRow) error) error {
	return e.cfg.DB.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		row, err := shardRows.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Claim != claim {
			return errLost
		}
		if err != nil {
			return err
		}
		if err := change(tx, &row); err != nil {
			return err
		}
		return shardRows.Put(tx, key, row)
	})
}

// register adds rows for shards that have none, and returns all. The first
// shards of an owner begin where it says, those that come later at their beginning.
func (e *Engine) register(ctx context.Context, j *Job, list []shard, latest map[string]string) (rows map[string]shardRow, err error) {
	now := time.Now()
	err = e.cfg.DB.Update(ctx, func(tx *store.Tx) error {
		rows = make(map[string]shardRow)
		for key, row := range shardRows.Scan(tx, shardKey{Owner: j.Owner}) {
			rows[key.Shard] = row
		}
		first := len(rows) == 0
		for _, sh := range list {
			if _, known := rows[sh.id]; known {
				continue
			}
			row := shardRow{Start: startHorizon}
			if first {
				row = shardRow{Start: j.Start, StartAt: j.StartAt}
			}
			if row.Start == startLatest {
				row.Iterator, row.StartAt = latest[sh.id], now
			}
			rows[sh.id] = row
			if err := shardRows.Put(tx, shardKey{j.Owner, sh.id}, row); err != nil {
				return err
			}
		}
		return nil
	})
	return rows, err
}
