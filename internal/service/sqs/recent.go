package sqs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aloft-cloud/aloft/internal/store"
)

// What FIFO queues remember for five minutes lies in spans of that length, one
// after another, so that each is forgotten as a whole: one looks into the
// current and the one before.

const spanLength = 5 * 60 * 1000 // milliseconds

// A recentSend is a message that was sent lately.
type recentSend struct {
	At       int64
	ID       string
	Sequence uint64
}

// A recentReceive is what an attempt to receive got.
type recentReceive struct {
	At      int64
	Handles []recentHandle
}

type recentHandle struct {
	Place    []byte
	Sequence uint64
	Received uint32
}

func spanKey(span int64, kind byte, parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(store.AppendString(nil, p))
	}
	return h.Sum(append(binary.BigEndian.AppendUint64(nil, uint64(span)), kind))
}

// recall decodes what is remembered under kind and parts into v, unless that
// is more than five minutes ago, as at says. It reports whether there is any.
func (b *batch) recall(q *queue, v any, at *int64, kind byte, parts ...string) (bool, error) {
	for _, span := range []int64{b.now / spanLength, b.now/spanLength - 1} {
		found := false
		err := q.recents.Read(b.tx, spanKey(span, kind, parts...), func(row []byte) error {
			found = true
			return json.Unmarshal(row, v)
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return false, err
		}
		if found && *at+spanLength > b.now {
			return true, nil
		}
	}
	return false, nil
}

// keep remembers v under kind and parts.
func (b *batch) keep(q *queue, v any, kind byte, parts ...string) error {
	row, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return q.recents.Put(b.tx, spanKey(b.now/spanLength, kind, parts...), row)
}

const (
	kindSent     = 's'
	kindReceived = 'r'
)

// sentBefore returns the message of which m is a duplicate, or nil.
func (b *batch) sentBefore(q *queue, m *message) (*recentSend, error) {
	scopes := []string{""}
	if q.DeduplicationScope == scopeGroup {
		scopes = []string{m.Group, ""} // the queue may have had the other scope then
	}
	for _, scope := range scopes {
		var before recentSend
		if found, err := b.recall(q, &before, &before.At, kindSent, scope, m.Deduplication); err != nil || found {
			return &before, err
		}
	}
	return nil, nil
}

// remember makes what is like m a duplicate for five minutes.
func (b *batch) remember(q *queue, m *message) error {
	scope := ""
	if q.DeduplicationScope == scopeGroup {
		scope = m.Group
	}
	return b.keep(q, recentSend{At: b.now, ID: m.ID, Sequence: m.sequence}, kindSent, scope, m.Deduplication)
}

// forget deletes what was remembered too long ago.
func (q *queue) forget(tx *store.Tx, now int64) error {
	return q.recents.DeleteRange(tx, nil, binary.BigEndian.AppendUint64(nil, uint64(now/spanLength-1)))
}

// contentID is the deduplication id of a message without one.
func contentID(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// sequenceText is a sequence number as AWS writes it.
func sequenceText(n uint64) *string { return new(fmt.Sprintf("%020d", n)) }
