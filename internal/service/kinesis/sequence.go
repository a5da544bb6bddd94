package kinesis

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/store"
)

// A sequence number has 56 digits: 496, the second its stream was made in, the
// number of its shard, and the place of the record. So those of a shard rise,
// those of its children are greater, and none fits another stream.
const (
	sequenceLead   = "496"
	sequenceHead   = len(sequenceLead) + 12 + 11 // digits before the place
	sequenceDigits = sequenceHead + 30
)

func sequenceNumber(s *stream, number int, at store.Position) string {
	return sequencePrefix(s.Created, number) + at.String()
}

func sequencePrefix(created time.Time, number int) string {
	return fmt.Sprintf("%s%012d%011d", sequenceLead, created.Unix(), number)
}

// parseSequence returns the place that a sequence number of a shard says; ours
// is whether it is one of that stream, and the shard it is of.
func parseSequence(s *stream, text string) (at store.Position, number int, ours bool) {
	if len(text) != sequenceDigits {
		return at, 0, false
	}
	number, err := strconv.Atoi(text[len(sequenceLead)+12 : sequenceHead])
	if err != nil || text[:sequenceHead] != sequencePrefix(s.Created, number) {
		return at, 0, false
	}
	at, err = store.ParsePosition(text[sequenceHead:])
	return at, number, err == nil
}

// before is the place just before at.
func before(at store.Position) store.Position {
	switch {
	case at.Index > 0:
		at.Index--
	case at.Version > 0:
		at.Version, at.Index = at.Version-1, ^uint32(0)
	}
	return at
}
