package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// An event is one event of a stream. Streams are in order of time, batch and index.
type event struct {
	position
	Ingested int64 // ms
	Message  string
}

// A position is the place of an event in its stream.
type position struct {
	Time  int64 // ms
	Batch int64 // of the stream's batches that it came with
	Index int64 // in its block
}

// before tells whether p comes before q.
func (p position) before(q position) bool {
	if p.Time != q.Time {
		return p.Time < q.Time
	}
	if p.Batch != q.Batch {
		return p.Batch < q.Batch
	}
	return p.Index < q.Index
}

// next is the first position after p.
func (p position) next() position {
	p.Index++
	return p
}

// The first byte of a block.
const (
	plain  = 0
	packed = 1 // with zstd
)

const (
	minPacked = 256     // bytes; less is not worth the while
	maxBlock  = 2 << 20 // bytes of a block unpacked; a batch has 1 MB
)

var errBlock = errors.New("malformed block")

// A codec makes blocks of events, and events of blocks. It is safe for use by
// many goroutines.
type codec struct {
	encoder func() *zstd.Encoder
	decoder func() *zstd.Decoder
}

func newCodec() codec {
	return codec{
		encoder: sync.OnceValue(func() *zstd.Encoder {
			e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
			if err != nil {
				panic(err) // the options are constant
			}
			return e
		}),
		decoder: sync.OnceValue(func() *zstd.Decoder {
			d, err := zstd.NewReader(nil, zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecoderConcurrency(0))
			if err != nil {
				panic(err)
			}
			return d
		}),
	}
}

// encode makes a block of events, of which the first was at first and all came at ingested.
func (c codec) encode(events []event, first, ingested int64) []byte {
	size := 0
	for i := range events {
		size += len(events[i].Message) + 6
	}
	body := make([]byte, 0, size)
	last := first
	for i := range events {
		e := &events[i]
		body = binary.AppendUvarint(body, uint64(e.Time-last))
		body = binary.AppendUvarint(body, uint64(len(e.Message)))
		body = append(body, e.Message...)
		last = e.Time
	}
	head := binary.AppendUvarint([]byte{plain}, uint64(ingested))
	if len(body) >= minPacked {
		out := c.encoder().EncodeAll(body, append(make([]byte, 0, len(head)+len(body)/2), head...))
		if len(out) < len(head)+len(body) {
			out[0] = packed
			return out
		}
	}
	return append(head, body...)
}

// decode appends to events those of a block that was made from first on, in batch.
func (c codec) decode(events []event, block []byte, first, batch int64) ([]event, error) {
	if len(block) == 0 {
		return nil, errBlock
	}
	ingested, n := binary.Uvarint(block[1:])
	if n <= 0 {
		return nil, errBlock
	}
	body := block[1+n:]
	switch block[0] {
	case plain:
	case packed:
		var err error
		if body, err = c.decoder().DecodeAll(body, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", errBlock, err)
		}
	default:
		return nil, errBlock
	}
	text := string(body) // once, for all messages
	p := position{Time: first, Batch: batch}
	for i := 0; i < len(body); {
		if p.Index == maxEvents {
			return nil, errBlock
		}
		delta, n := binary.Uvarint(body[i:])
		if n <= 0 {
			return nil, errBlock
		}
		i += n
		size, n := binary.Uvarint(body[i:])
		if n <= 0 || size > uint64(len(body)-i-n) {
			return nil, errBlock
		}
		i += n
		p.Time += int64(delta)
		events = append(events, event{position: p, Ingested: int64(ingested), Message: text[i : i+int(size)]})
		i += int(size)
		p.Index++
	}
	return events, nil
}
