package logs

import (
	"context"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of PutLogEvents.
const (
	maxBatch = 1 << 20        // bytes of a batch
	overhead = 26             // bytes that an event counts besides its message
	maxSpan  = 24 * time.Hour // between the first and the last event
	maxAge   = 14 * 24 * time.Hour
	maxAhead = 2 * time.Hour
)

// PutLogEvents adds a batch of events to a log stream. Events that are too old
// or too new are left out, and the answer says so. Sequence tokens are given
// and not asked for.
func (s *Service) PutLogEvents(ctx context.Context, call *aws.Call, in *api.PutLogEventsInput) (*api.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	key := streamKey{groupARN(call, in.LogGroupName), in.LogStreamName}
	now := time.Now()
	var made batch
	var out *api.PutLogEventsOutput
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		g, row, err := findStream(tx, key)
		if err != nil {
			return err
		}
		accepted, rejected := accept(in.LogEvents, now, g.keeps(now))
		out = &api.PutLogEventsOutput{NextSequenceToken: new(sequenceToken(row.Batches + 1)), RejectedLogEventsInfo: rejected}
		if len(accepted) == 0 {
			return nil
		}
		if len(made.events) != len(accepted) { // the same again, if the transaction runs again
			made = s.newBatch(accepted, now)
		}
		for _, b := range made.blocks {
			if err := blocks.Rows(key.Group).Put(tx, blockKey(key.Name, b.first, row.Batches), b.data); err != nil {
				return err
			}
			row.Bytes += int64(len(b.data))
		}
		if err := s.tell(tx, key, &g, row.Batches, accepted); err != nil {
			return err
		}
		row.add(accepted, now)
		return streams.Put(tx, key, row)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// add counts a batch that came at now.
func (row *streamRow) add(events []api.InputLogEvent, now time.Time) {
	first, last := events[0].Timestamp, events[len(events)-1].Timestamp
	if row.First == 0 || first < row.First {
		row.First = first
	}
	row.Last = max(row.Last, last)
	row.Ingested = now.UnixMilli()
	row.Batches++
}

// checkBatch refuses what no log stream takes.
func checkBatch(events []api.InputLogEvent) error {
	size := 0
	for i := range events {
		size += len(events[i].Message) + overhead
		if i > 0 && events[i].Timestamp < events[i-1].Timestamp {
			return api.InvalidParameterException.Errorf("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatch {
		return api.InvalidParameterException.Errorf("Upload too large: %d bytes exceeds limit of %d", size, maxBatch)
	}
	if events[len(events)-1].Timestamp-events[0].Timestamp > maxSpan.Milliseconds() {
		return api.InvalidParameterException.Errorf("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// accept returns the events that may be kept, and what there is to say of the
// others. The group keeps events from the time keeps on.
func accept(events []api.InputLogEvent, now time.Time, keeps int64) ([]api.InputLogEvent, *api.RejectedLogEventsInfo) {
	before := func(limit int64) (n int) {
		for n < len(events) && events[n].Timestamp < limit {
			n++
		}
		return n
	}
	var info api.RejectedLogEventsInfo
	old := before(now.Add(-maxAge).UnixMilli())
	if old > 0 {
		info.TooOldLogEventEndIndex = new(int32(old))
	}
	expired := before(keeps)
	if expired > old {
		info.ExpiredLogEventEndIndex = new(int32(expired))
	}
	fresh := before(now.Add(maxAhead).UnixMilli() + 1)
	if fresh < len(events) {
		info.TooNewLogEventStartIndex = new(int32(fresh))
	}
	if info == (api.RejectedLogEventsInfo{}) {
		return events, nil
	}
	return events[min(max(old, expired), fresh):fresh], &info
}

// A batch is events and the blocks that hold them.
type batch struct {
	events []api.InputLogEvent
	blocks []newBlock
}

// A newBlock is a block and the time of its first event.
type newBlock struct {
	first int64
	data  []byte
}

// newBatch makes the blocks of events that came at now: one for each slot.
func (s *Service) newBatch(events []api.InputLogEvent, now time.Time) batch {
	b := batch{events: events}
	list := make([]event, 0, len(events))
	for i, e := range events {
		list = append(list, event{position: position{Time: e.Timestamp}, Message: e.Message})
		if i+1 == len(events) || slotOf(events[i+1].Timestamp) != slotOf(e.Timestamp) {
			first := list[0].Time
			b.blocks = append(b.blocks, newBlock{first, s.codec.encode(list, first, now.UnixMilli())})
			list = list[:0]
		}
	}
	return b
}

// sequenceToken is the token after that many batches, as long as AWS's are.
func sequenceToken(batches int64) string {
	return fmt.Sprintf("49%054d", batches)
}
