package kinesis

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	streams   = store.NewTable[aws.ARN, stream]("kinesis.stream")
	records   = store.NewLog[shardKey, record]("kinesis.record")
	consumers = store.NewTable[consumerKey, consumer]("kinesis.consumer")
	policies  = store.NewTable[aws.ARN, string]("kinesis.policy") // of streams and consumers
)

// A stream is a data stream.
type stream struct {
	Mode    string // api.StreamModeProvisioned or OnDemand
	Hours   int32  // records are kept
	Created time.Time
	Shards  []shard           // in order of their numbers
	Next    int               // number of the next shard
	Metrics []string          `json:",omitempty"` // of shards, that are asked for
	Key     string            `json:",omitempty"` // of KMS, that records are said to be encrypted with
	Tags    map[string]string `json:",omitempty"`
	MaxKiB  int32             `json:",omitempty"` // of a record; 0 is usualKiB
	Warm    *int32            `json:",omitempty"` // throughput in MiB/s, if any was asked for
}

// A shard is one of a stream. Its hash keys are in hexadecimal.
type shard struct {
	Number           int
	First, Last      string // hash keys
	Parent, Adjacent *int   `json:",omitempty"` // numbers of what it came from
	Made             time.Time
	Closed           time.Time      // zero while it is open
	End              store.Position // of the last record, once it is closed
}

func (s *shard) open() bool { return s.Closed.IsZero() }

func (s *shard) id() string { return shardID(s.Number) }

func shardID(number int) string { return fmt.Sprintf("shardId-%012d", number) }

type shardKey struct {
	Stream aws.ARN
	Number int
}

// A record is kept as its time in ms, the length of its key, key and data.
type record struct {
	At   time.Time
	Key  string
	Data []byte
}

// AppendBinary implements encoding.BinaryAppender.
func (r *record) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(len(r.Key)))
	return append(append(b, r.Key...), r.Data...), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (r *record) UnmarshalBinary(b []byte) error {
	if len(b) < 9 {
		return fmt.Errorf("record of %d bytes", len(b))
	}
	r.At = time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	n, size := binary.Uvarint(b[8:])
	b = b[8+max(size, 0):]
	if size <= 0 || n > uint64(len(b)) {
		return errors.New("record with a key past its end")
	}
	r.Key, r.Data = string(b[:n]), append([]byte{}, b[n:]...)
	return nil
}

type consumerKey struct {
	Stream aws.ARN
	Name   string
}

// A consumer reads a stream by enhanced fan-out.
type consumer struct {
	Created time.Time
	Tags    map[string]string `json:",omitempty"`
}

// arn is that of consumer c of that key.
func (k consumerKey) arn(c *consumer) aws.ARN {
	arn := k.Stream
	arn.Resource += fmt.Sprintf("/consumer/%s:%d", k.Name, c.Created.Unix())
	return arn
}

// parseConsumer is the inverse of consumerKey.arn, but for the time.
func parseConsumer(arn aws.ARN) (consumerKey, bool) {
	path, name, ok := strings.Cut(arn.Resource, "/consumer/")
	arn.Resource = path
	name, _, _ = strings.Cut(name, ":")
	return consumerKey{arn, name}, ok
}

const streamKind = "stream/"

func streamName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, streamKind) }

// streamARN is the stream that a caller means by its name or its ARN.
func streamARN(call *aws.Call, name, text string) aws.ARN {
	if text == "" {
		return call.ARN("kinesis", streamKind+name)
	}
	arn, err := aws.ParseARN(text)
	if err != nil {
		return call.ARN("kinesis", text) // there is none such
	}
	return arn
}

// findStream returns a stream, or a refusal if there is no such.
func findStream(tx *store.Tx, arn aws.ARN) (stream, error) {
	row, err := streams.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Stream %s under account %s not found.", streamName(arn), arn.Account)
	}
	return row, err
}

// find returns the shard of that id, or a refusal.
func (s *stream) find(arn aws.ARN, id string) (*shard, error) {
	for i := range s.Shards {
		if s.Shards[i].id() == id {
			return &s.Shards[i], nil
		}
	}
	return nil, api.ResourceNotFoundException.Errorf("Could not find shard %s in stream %s under account %s.", id, streamName(arn), arn.Account)
}

// findConsumer returns a consumer, or a refusal if there is no such.
func findConsumer(tx *store.Tx, key consumerKey) (consumer, error) {
	row, err := consumers.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Consumer %s, Account %s not found.", key.Name, key.Stream.Account)
	}
	return row, err
}

// topic is what the store notifies when a stream has records, or other shards.
func topic(stream aws.ARN) string { return "kinesis.stream/" + stream.String() }
