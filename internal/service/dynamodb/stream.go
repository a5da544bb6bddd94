package dynamodb

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
	"github.com/aloft-cloud/aloft/internal/store"
)

var streams = store.NewTable[aws.ARN, streamRow]("dynamodb.stream")

// A stream says what is recorded of each change of an item of a table.
type stream struct {
	View  string `json:",omitempty"` // empty: nothing
	Label string `json:",omitempty"` // of the stream that is, or was last

	Shards []openShard `json:",omitempty"` // that are open, in the order of their ranges
}

// A streamRow is a stream, which outlives being disabled by a day.
type streamRow struct {
	Table   string // name
	Key     keySchema
	View    string
	Created time.Time
	Closed  time.Time `json:",omitzero"`
	Shards  []shard   // of which something may still be read
	Policy  policy    `json:",omitzero"`
}

const (
	keysOnly  = "KEYS_ONLY"
	newImage  = "NEW_IMAGE"
	oldImage  = "OLD_IMAGE"
	bothImage = "NEW_AND_OLD_IMAGES"

	streamKind  = "/stream/"
	labelLayout = "2006-01-02T15:04:05.000"

	// recordLife is how long records are kept.
	recordLife = 24 * time.Hour
)

func (st *stream) enabled() bool { return st.View != "" }

// streamARN names the stream of t that is, or was last.
func (t *table) streamARN() aws.ARN { return t.streamOf(t.arn) }

// streamOf names the stream of the replica of t that arn names.
func (t *table) streamOf(arn aws.ARN) aws.ARN {
	arn.Resource += streamKind + t.Stream.Label
	return arn
}

// setStream takes over what CreateTable says of a stream.
func (t *table) setStream(spec *api.StreamSpecification) error {
	switch {
	case spec == nil:
		return nil
	case spec.StreamEnabled && spec.StreamViewType == nil:
		return refuse(invalid + "StreamViewType must be specified when StreamEnabled is true")
	case !spec.StreamEnabled && spec.StreamViewType != nil:
		return refuse(invalid + "Table is being created with stream disabled, StreamViewType should not be specified")
	case spec.StreamEnabled:
		t.Stream.View = *spec.StreamViewType
	}
	return nil
}

// openStream makes the stream that t says it has.
func (t *table) openStream(tx *store.Tx) error {
	if !t.Stream.enabled() {
		return nil
	}
	for at := time.Now().UTC(); ; at = at.Add(time.Millisecond) {
		t.Stream.Label = at.Format(labelLayout)
		if has, err := streams.Has(tx, t.streamARN()); err != nil {
			return err
		} else if !has {
			break
		}
	}
	row := streamRow{Shards: t.firstShards()}
	t.Stream.Shards = row.openShards()
	for arn := range t.everywhere {
		if err := t.putStream(tx, arn, row.Shards); err != nil {
			return err
		}
	}
	return nil
}

// putStream makes the stream of the replica of t that arn names.
func (t *table) putStream(tx *store.Tx, arn aws.ARN, shards []shard) error {
	return streams.Put(tx, t.streamOf(arn), streamRow{Table: t.name(), Key: t.Key, View: t.Stream.View, Created: time.Now(), Shards: shards})
}

// closeStream ends the stream of t, if it has one.
func (t *table) closeStream(tx *store.Tx) error {
	for arn := range t.everywhere {
		if err := t.endStream(tx, arn); err != nil {
			return err
		}
	}
	return nil
}

// endStream ends the stream of the replica of t that arn names, if it has one.
func (t *table) endStream(tx *store.Tx, arn aws.ARN) error {
	if !t.Stream.enabled() {
		return nil
	}
	arn = t.streamOf(arn)
	row, err := streams.Get(tx, arn)
	if err != nil {
		return err
	}
	row.Closed = time.Now()
	for sh := range row.open {
		if err := sh.close(tx, arn); err != nil {
			return err
		}
	}
	tx.Notify(topicOf(arn))
	return streams.Put(tx, arn, row)
}

// changeStream does what UpdateTable says of a stream.
func (t *table) changeStream(tx *store.Tx, spec *api.StreamSpecification) error {
	if !spec.StreamEnabled {
		if !t.Stream.enabled() {
			return refuse("Table has no stream to disable: TableName: " + t.name())
		}
		if len(t.Replicas) > 0 {
			return refuse(invalid + "Disabling Stream is not allowed for a Global Table replica.")
		}
		if err := t.closeStream(tx); err != nil {
			return err
		}
		t.Stream.View = ""
		return nil
	}
	if t.Stream.enabled() {
		return refuse("Table already has an enabled stream: TableName: " + t.name())
	}
	if err := t.setStream(spec); err != nil {
		return err
	}
	return t.openStream(tx)
}

func (t *table) describeStream(d *api.TableDescription) {
	if t.Stream.Label != "" {
		d.LatestStreamLabel = &t.Stream.Label
		d.LatestStreamArn = new(t.streamARN().String())
	}
	if t.Stream.enabled() {
		d.StreamSpecification = &api.StreamSpecification{StreamEnabled: true, StreamViewType: &t.Stream.View}
	}
}

// topicOf is the topic whose bells ring when a stream has new records.
func topicOf(arn aws.ARN) string { return "dynamodb.stream/" + arn.String() }

// Events of records, by their first letters.
var eventNames = map[byte]string{'I': "INSERT", 'M': "MODIFY", 'R': "REMOVE"}

// A record is one change of an item, as its stream tells it.
type record struct {
	at    time.Time
	event byte
	actor string // who made the change, if it was DynamoDB itself
	keys  item.Item
	new   item.Item // images, as far as the stream has them
	old   item.Item
}

// AppendBinary implements the form of the row.
func (r *record) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, r.event)
	b = binary.AppendVarint(b, r.at.UnixMilli())
	for _, part := range [][]byte{[]byte(r.actor), r.keys, r.new, r.old} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b, nil
}

// UnmarshalBinary reads the form of the row.
func (r *record) UnmarshalBinary(b []byte) error {
	errRow := errors.New("dynamodb: malformed record")
	if len(b) == 0 {
		return errRow
	}
	r.event = b[0]
	ms, k := binary.Varint(b[1:])
	if k <= 0 {
		return errRow
	}
	r.at = time.UnixMilli(ms)
	b = []byte(strings.Clone(string(b[1+k:]))) // the row is not ours to keep
	var actor []byte
	for _, part := range []*[]byte{&actor, (*[]byte)(&r.keys), (*[]byte)(&r.new), (*[]byte)(&r.old)} {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			return errRow
		}
		if n > 0 {
			*part = b[k : k+int(n)]
		}
		b = b[k+int(n):]
	}
	r.actor = string(actor)
	return nil
}

// record adds what w has changed to the stream of its table.
func (s *Service) record(tx *store.Tx, w *write, key []byte) error {
	t := w.t
	if !t.Stream.enabled() && len(t.Kinesis) == 0 || w.new.Equal(w.old) {
		return nil
	}
	r := record{at: time.Now(), event: 'M', actor: w.actor, keys: pick(w.target(), t.Key.names())}
	switch {
	case w.old == nil:
		r.event = 'I'
	case w.new == nil:
		r.event = 'R'
	}
	if err := s.tellKinesis(tx, w, r); err != nil || !t.Stream.enabled() {
		return err
	}
	if t.Stream.View == newImage || t.Stream.View == bothImage {
		r.new = w.new
	}
	if t.Stream.View == oldImage || t.Stream.View == bothImage {
		r.old = w.old
	}
	for arn := range t.everywhere {
		arn = t.streamOf(arn)
		tx.Notify(topicOf(arn))
		if _, err := records.Append(tx, shardKey{arn, t.Stream.shardFor(key)}, r); err != nil {
			return err
		}
	}
	return nil
}
