package sqs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	queues = store.NewBytes[struct{}]("sqs.queue").Rows(struct{}{}) // by account, region and name

	// Rows of queues, by their ids, which are never used again.
	messages = store.NewBytes[string]("sqs.message") // by place and sequence number
	index    = store.NewBytes[string]("sqs.index")   // places, by when the first message there becomes visible
	bodies   = store.NewBytes[string]("sqs.body")    // of long messages, by sequence number
	recents  = store.NewBytes[string]("sqs.recent")  // what was sent and received lately, see recent.go
	marks    = store.NewBytes[string]("sqs.mark")    // written so that what follows has a place in order of commit

	moves     = store.NewTable[moveKey, move]("sqs.move")
	sequences = store.NewTable[string, uint64]("sqs.sequence")
)

// A queue is all that is known of a queue besides its messages.
type queue struct {
	ID       string
	Secret   []byte // by which receipt handles are known for ours
	Created  time.Time
	Modified time.Time
	Purged   time.Time `json:",omitzero"`
	Tags     map[string]string

	Visibility, Delay, Wait, Retention int // seconds
	MaxSize                            int // bytes
	Policy                             string
	Redrive                            *redrive      `json:",omitempty"`
	Allow                              *redriveAllow `json:",omitempty"`
	ManagedSSE                         bool
	KMSKey                             string `json:",omitempty"`
	KMSReuse                           int    `json:",omitempty"` // seconds
	FIFO                               bool   `json:",omitempty"`
	ContentDeduplication               bool   `json:",omitempty"`
	DeduplicationScope                 string `json:",omitempty"`
	ThroughputLimit                    string `json:",omitempty"`

	arn                              aws.ARN
	row                              []byte      // what this was read from
	mark                             *store.Mark // of that, if there could be one
	messages, index, bodies, recents store.Rows
	line                             *line
}

// queueKey is the key of a queue in queues, or of all queues of an account and
// region a prefix.
func queueKey(arn aws.ARN) []byte {
	key := store.AppendString(make([]byte, 0, 96), arn.Account)
	return append(store.AppendString(key, arn.Region), arn.Resource...)
}

// queueARNs yields the ARNs of queues whose keys begin with prefix, from the
// key from on.
func queueARNs(tx *store.Tx, from, prefix []byte) iter.Seq[aws.ARN] {
	return func(yield func(aws.ARN) bool) {
		for key := range queues.Scan(tx, from, store.KeyAfter(prefix)) {
			account, rest, err := store.CutString(key)
			if err != nil {
				continue // there are no others
			}
			region, name, err := store.CutString(rest)
			if err == nil && !yield(aws.ARN{Service: "sqs", Region: string(region), Account: string(account), Resource: string(name)}) {
				return
			}
		}
	}
}

// complete fills in what is not in the row.
func (s *Service) complete(q *queue, arn aws.ARN) {
	q.arn = arn
	q.messages, q.index = messages.Rows(q.ID), index.Rows(q.ID)
	q.bodies, q.recents = bodies.Rows(q.ID), recents.Rows(q.ID)
	q.line = s.lineOf(q.ID)
}

// read returns the queue that arn names, for the caller to change.
func (s *Service) read(tx *store.Tx, arn aws.ARN) (*queue, error) {
	row, err := queues.Get(tx, queueKey(arn))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoQueue
	}
	if err != nil {
		return nil, err
	}
	q := new(queue)
	if err := json.Unmarshal(row, q); err != nil {
		return nil, fmt.Errorf("queue %s: %w", arn, err)
	}
	q.row = row
	s.complete(q, arn)
	return q, nil
}

// find returns the queue that arn names, which must not be changed. One that
// was read before is taken from memory if its row is still the same.
func (s *Service) find(tx *store.Tx, arn aws.ARN) (*queue, error) {
	if v, ok := s.known.Load(arn); ok {
		q, same := v.(*queue), false
		if tx.Holds(q.mark) {
			return q, nil
		}
		err := queues.Read(tx, queueKey(arn), func(row []byte) error {
			same = bytes.Equal(row, q.row)
			return nil
		})
		if err == nil && same {
			if m := queues.Mark(tx, queueKey(arn)); m != nil {
				marked := *q
				marked.mark = m
				s.known.Store(arn, &marked)
			}
			return q, nil
		}
	}
	q, err := s.read(tx, arn)
	if err == nil {
		q.mark = queues.Mark(tx, queueKey(arn))
		s.known.Store(arn, q)
	}
	return q, err
}

// look is find, outside a transaction.
func (s *Service) look(ctx context.Context, arn aws.ARN) (q *queue, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		q, err = s.find(tx, arn)
		return err
	})
	return q, err
}

// put keeps what the caller has made of q.
func (q *queue) put(tx *store.Tx) error {
	row, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return queues.Put(tx, queueKey(q.arn), row)
}

// change keeps what fn makes of the queue that arn names.
func (s *Service) change(ctx context.Context, arn aws.ARN, fn func(tx *store.Tx, q *queue) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		q, err := s.read(tx, arn)
		if err != nil {
			return err
		}
		if err := fn(tx, q); err != nil {
			return err
		}
		q.Modified = time.Now()
		tx.AfterCommit(func() {
			s.policies.Add(1)
			s.expiry.Ring()
		})
		return q.put(tx)
	})
}

// empty deletes all messages of q.
func (q *queue) empty(tx *store.Tx) error {
	for _, rows := range []store.Rows{q.messages, q.index, q.bodies, q.recents} {
		if err := rows.DeleteRange(tx, nil, nil); err != nil {
			return err
		}
	}
	tx.AfterCommit(q.line.reset)
	return nil
}

func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// startSequence lets sequence numbers go on past all that were given out
// before, whatever the clock says.
func (s *Service) startSequence(ctx context.Context) error {
	const ahead = 1 << 44 // more than one run gives out
	return s.db.Update(ctx, func(tx *store.Tx) error {
		last, err := sequences.Get(tx, "")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		first := max(last+ahead, uint64(time.Now().UnixNano()))
		s.sequence.Store(first)
		return sequences.Put(tx, "", first)
	})
}

// indexKey is the entry of a place whose first message is hidden before at.
func indexKey(at int64, place []byte) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(place)), uint64(at)), place...)
}

// cutEntry takes an entry of the index apart.
func cutEntry(entry []byte) (at int64, place []byte) {
	return int64(binary.BigEndian.Uint64(entry)), entry[8:]
}

// prefix is what the keys of all messages in a place begin with.
func (q *queue) prefix(place []byte) []byte {
	if !q.FIFO {
		return place
	}
	return store.AppendString(make([]byte, 0, len(place)+10), place)
}

// key is that of a message in a place.
func (q *queue) key(place []byte, sequence uint64) []byte {
	if !q.FIFO {
		return place // the sequence number itself
	}
	return binary.BigEndian.AppendUint64(q.prefix(place), sequence)
}

// sequenceOf returns the sequence number in the key of a message.
func sequenceOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

func sequenceKey(sequence uint64) []byte { return binary.BigEndian.AppendUint64(nil, sequence) }

// placeOf is where a message is put.
func (q *queue) placeOf(group string, sequence uint64) []byte {
	if q.FIFO {
		return []byte(group)
	}
	return sequenceKey(sequence)
}
