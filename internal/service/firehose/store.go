package firehose

import (
	"encoding/binary"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	streams    = store.NewTable[aws.ARN, stream]("firehose.stream")
	records    = store.NewLog[lineKey, record]("firehose.record")
	partitions = store.NewTable[lineKey, struct{}]("firehose.partition") // lines that a stream does not always have
)

// A stream is a delivery stream.
type stream struct {
	Type    string
	Created time.Time
	Updated time.Time `json:",omitzero"`
	Version int
	S3      *api.ExtendedS3DestinationConfiguration         // where it leads, or where what an endpoint does not take goes
	Plain   bool                                            `json:",omitempty"` // S3 was configured in the form that is no more
	HTTP    *api.HttpEndpointDestinationConfiguration       // without its access key
	Access  []byte                                          `json:",omitempty"` // that key, sealed
	Source  *api.KinesisStreamSourceConfiguration           `json:",omitempty"`
	Hint    *int32                                          `json:",omitempty"` // throughput that was asked for
	Key     *api.DeliveryStreamEncryptionConfigurationInput `json:",omitempty"` // that records are said to be encrypted with
	Tags    map[string]string                               `json:",omitempty"`
}

// Kinds of lines.
const (
	lineIn     = "in"     // to be processed
	lineOut    = "out"    // to be delivered
	lineBackup = "backup" // as they came, to be kept in S3
	lineError  = "error"  // that failed, to be kept in S3
)

// A lineKey names a line of a stream.
type lineKey struct {
	Stream aws.ARN
	Kind   string
	Of     string // keys of the partition as JSON, or why records failed
}

// A record waits in a line.
type record struct {
	At   time.Time // when it came
	Meta string    // what a data stream says of it, as JSON; "" if it is from none
	Data []byte
}

// AppendBinary implements encoding.BinaryAppender.
func (r *record) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixMilli()))
	b = binary.AppendUvarint(b, uint64(len(r.Meta)))
	return append(append(b, r.Meta...), r.Data...), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (r *record) UnmarshalBinary(b []byte) error {
	if len(b) < 9 {
		return errors.New("firehose: record without a time")
	}
	r.At = time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC()
	n, size := binary.Uvarint(b[8:])
	b = b[8+max(size, 0):]
	if size <= 0 || n > uint64(len(b)) {
		return errors.New("firehose: record with metadata past its end")
	}
	r.Meta, r.Data = string(b[:n]), append([]byte{}, b[n:]...)
	return nil
}

const streamKind = "deliverystream/"

func streamARN(call *aws.Call, name string) aws.ARN { return call.ARN("firehose", streamKind+name) }

func streamName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, streamKind) }

// findStream returns a stream, or a refusal if there is no such.
func findStream(tx *store.Tx, arn aws.ARN) (stream, error) {
	row, err := streams.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return row, api.ResourceNotFoundException.Errorf("Firehose %s under account %s not found.", streamName(arn), arn.Account)
	}
	return row, err
}
