package logs

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	groups     = store.NewTable[aws.ARN, group]("logs.group")
	streams    = store.NewTable[streamKey, streamRow]("logs.stream")
	blocks     = store.NewBytes[aws.ARN]("logs.block")                // under their group; see blockKey
	retentions = store.NewTable[aws.ARN, retention]("logs.retention") // of the groups that have one

	metricFilters   = store.NewTable[filterKey, metricFilter]("logs.metricfilter")
	subscriptions   = store.NewTable[filterKey, subscription]("logs.subscription")
	accountPolicies = store.NewTable[aws.ARN, accountPolicy]("logs.accountpolicy")
	policies        = store.NewTable[aws.ARN, resourcePolicy]("logs.policy")
	queries         = store.NewTable[queryKey, queryRow]("logs.query")
	definitions     = store.NewTable[aws.ARN, definition]("logs.definition")
)

// A group is a log group.
type group struct {
	Created   int64 // ms
	Class     string
	Days      int32             `json:",omitempty"` // it keeps events; 0 is for ever
	Protected bool              `json:",omitempty"` // from deletion
	Filters   int               `json:",omitempty"` // of metrics and subscriptions
	Key       string            `json:",omitempty"` // of KMS; it is remembered, and nothing is sealed with it
	Tags      map[string]string `json:",omitempty"`
}

// keeps returns the time, in ms, of the oldest event that g keeps.
func (g *group) keeps(now time.Time) int64 {
	if g.Days == 0 {
		return 0
	}
	return now.AddDate(0, 0, -int(g.Days)).UnixMilli()
}

type streamKey struct {
	Group aws.ARN
	Name  string
}

// A streamRow is a log stream. Times are in ms, 0 before the first event.
type streamRow struct {
	Created     int64
	First, Last int64 // of its events
	Ingested    int64 // when the latest came
	Batches     int64 // that have come: the sequence of its blocks
	Bytes       int64 // of its blocks
}

// A retention says when a group may have events that are too old.
type retention struct {
	Due time.Time
}

// blockKey is the key of a block under its group: stream, time of the first
// event in ms, and number of the batch.
func blockKey(stream string, first, batch int64) []byte {
	key := store.AppendString(make([]byte, 0, len(stream)+18), stream)
	key = binary.BigEndian.AppendUint64(key, uint64(first))
	return binary.BigEndian.AppendUint64(key, uint64(batch))
}

// parseBlockKey is the inverse of blockKey, but for the stream.
func parseBlockKey(key []byte) (first, batch int64) {
	tail := key[len(key)-16:]
	return int64(binary.BigEndian.Uint64(tail)), int64(binary.BigEndian.Uint64(tail[8:]))
}

// findGroup returns the group arn, or a refusal if there is none.
func findGroup(tx *store.Tx, arn aws.ARN) (group, error) {
	row, err := groups.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return group{}, errNoGroup()
	}
	return row, err
}

// findStream returns the stream of that key and its group, or a refusal if
// there is no such.
func findStream(tx *store.Tx, key streamKey) (group, streamRow, error) {
	g, err := findGroup(tx, key.Group)
	if err != nil {
		return group{}, streamRow{}, err
	}
	row, err := streams.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return group{}, streamRow{}, errNoStream()
	}
	return g, row, err
}
