package logs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of one page of events.
const (
	maxEvents    = 10_000
	maxPageBytes = 1 << 20
)

// GetLogEvents reads a page of one stream: the latest events, the first, or
// those on one side of a token. A token is a gap between two events; at the
// end of the stream it is the token that was given.
func (s *Service) GetLogEvents(ctx context.Context, call *aws.Call, in *api.GetLogEventsInput) (*api.GetLogEventsOutput, error) {
	if err := checkIdentified(in.LogGroupName, in.LogGroupIdentifier); err != nil {
		return nil, err
	}
	key := streamKey{findARN(call, in.GetLogGroupName(), in.GetLogGroupIdentifier()), in.LogStreamName}
	forward := aws.Value(in.StartFromHead)
	var gap *position
	if in.NextToken != nil {
		at, f, err := parseGapToken(*in.NextToken)
		if err != nil {
			return nil, err
		}
		gap, forward = &at, f
	}
	var events []event
	lo, hi := position{Time: min(aws.Value(in.StartTime), forever)}, position{Time: min(aws.Or(in.EndTime, forever), forever)}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		g, _, err := findStream(tx, key)
		if err != nil {
			return err
		}
		lo.Time = max(lo.Time, g.keeps(time.Now()))
		if gap == nil {
			gap = &hi
			if forward {
				gap = &lo
			}
		}
		if forward && lo.before(*gap) {
			lo = *gap
		} else if !forward && gap.before(hi) {
			hi = *gap
		}
		events, err = takePage(s.newReader(tx, key, lo, hi, !forward), int(aws.Or(in.Limit, maxEvents)))
		return err
	})
	if err != nil {
		return nil, err
	}
	first, last := *gap, *gap
	if !forward {
		slices.Reverse(events)
	}
	if len(events) > 0 {
		first, last = events[0].position, events[len(events)-1].next()
	} else if gap == &hi {
		first, last = lo, lo // nothing there yet: what comes is after this gap
	}
	return &api.GetLogEventsOutput{
		Events:            outputEvents(events),
		NextForwardToken:  new(gapToken(true, last)),
		NextBackwardToken: new(gapToken(false, first)),
	}, nil
}

// takePage takes as many events as an answer can hold.
func takePage(r *reader, limit int) ([]event, error) {
	var page []event
	size := 0
	for len(page) < limit {
		e := r.peek()
		if e == nil {
			break
		}
		if size += len(e.Message) + overhead; size > maxPageBytes && len(page) > 0 {
			break
		}
		page = append(page, *e)
		r.skip()
	}
	return page, r.err
}

func outputEvents(events []event) []api.OutputLogEvent {
	out := make([]api.OutputLogEvent, len(events))
	for i := range events {
		e := &events[i]
		out[i] = api.OutputLogEvent{Timestamp: &e.Time, Message: &e.Message, IngestionTime: &e.Ingested}
	}
	return out
}

// Digits of the parts of a gap token, as many together as AWS has.
const (
	timeDigits  = 16
	batchDigits = 20
	indexDigits = 20
	gapDigits   = timeDigits + batchDigits + indexDigits
)

// gapToken is a token for what comes after the gap before p, or for what comes before it.
func gapToken(forward bool, p position) string {
	side := "b"
	if forward {
		side = "f"
	}
	return fmt.Sprintf("%s/%0*d%0*d%0*d/s", side, timeDigits, p.Time, batchDigits, p.Batch, indexDigits, p.Index)
}

// parseGapToken is the inverse of gapToken.
func parseGapToken(token string) (p position, forward bool, err error) {
	digits, forward := strings.CutPrefix(token, "f/")
	if !forward {
		var backward bool
		if digits, backward = strings.CutPrefix(token, "b/"); !backward {
			return p, false, errToken()
		}
	}
	digits, ok := strings.CutSuffix(digits, "/s")
	if !ok || len(digits) != gapDigits || strings.Trim(digits, "0123456789") != "" {
		return p, false, errToken()
	}
	number := func(n int) (v int64) {
		if v, err = strconv.ParseInt(digits[:n], 10, 64); err != nil {
			v = forever
		}
		digits = digits[n:]
		return v
	}
	p.Time = min(number(timeDigits), forever)
	p.Batch = min(number(batchDigits), forever)
	p.Index = min(number(indexDigits), forever)
	return p, forward, nil
}
