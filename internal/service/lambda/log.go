package lambda

import (
	"context"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// Limits of what PutLogEvents takes at once.
const (
	logBatchEvents = 10_000
	logBatchBytes  = 1 << 20
	logEventBytes  = 256 << 10 // longer lines are cut into several events
	logOverhead    = 26        // bytes that an event counts besides its message
	logTimeout     = 10 * time.Second
)

// Log keeps what a function wrote, in its log group. It is done as the
// function's role, so what the role may not write is not kept, as on AWS.
func (s *Service) Log(b sandbox.LogBatch) {
	ctx, cancel := context.WithTimeout(context.Background(), logTimeout)
	defer cancel()
	err := s.writeLog(ctx, b)
	if err == nil {
		return
	}
	if _, refused := errors.AsType[*aws.Error](err); refused {
		s.log.Debug("function may not write its log", "function", b.Function.String(), "err", err)
		return
	}
	s.log.Error("function's log is lost", "function", b.Function.String(), "err", err)
}

func (s *Service) writeLog(ctx context.Context, b sandbox.LogBatch) error {
	e, err := s.target(ctx, ref{b.Function, b.Version})
	if errors.Is(err, api.ResourceNotFoundException) {
		return nil
	}
	if err != nil {
		return err
	}
	call, err := s.callAs(ctx, b.Function, e.role)
	if err != nil {
		return err
	}
	for events := range batches(b.Lines) {
		in := &logs.PutLogEventsInput{LogGroupName: b.Group, LogStreamName: b.Stream, LogEvents: events}
		_, err := dispatch.Call(ctx, s.table, call, logs.PutLogEvents, in)
		if errors.Is(err, logs.ResourceNotFoundException) {
			if err = s.makeStream(ctx, call, b.Group, b.Stream); err == nil {
				_, err = dispatch.Call(ctx, s.table, call, logs.PutLogEvents, in)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeStream makes a log stream, and its group if need be.
func (s *Service) makeStream(ctx context.Context, call *aws.Call, group, stream string) error {
	in := &logs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}
	_, err := dispatch.Call(ctx, s.table, call, logs.CreateLogStream, in)
	if errors.Is(err, logs.ResourceNotFoundException) {
		_, err = dispatch.Call(ctx, s.table, call, logs.CreateLogGroup, &logs.CreateLogGroupInput{LogGroupName: group})
		if err == nil || errors.Is(err, logs.ResourceAlreadyExistsException) {
			_, err = dispatch.Call(ctx, s.table, call, logs.CreateLogStream, in)
		}
	}
	if errors.Is(err, logs.ResourceAlreadyExistsException) {
		return nil
	}
	return err
}

// batches yields lines as events, as many at once as PutLogEvents takes.
func batches(lines []sandbox.LogLine) func(yield func([]logs.InputLogEvent) bool) {
	return func(yield func([]logs.InputLogEvent) bool) {
		var events []logs.InputLogEvent
		size := 0
		var last int64
		for _, line := range lines {
			last = max(last, line.Time.UnixMilli()) // in order, if the clock was set back too
			text := strings.ToValidUTF8(line.Message, "\uFFFD")
			for first := true; first || text != ""; first = false {
				part := text[:cut(text, logEventBytes-logOverhead)]
				text = text[len(part):]
				if part == "" {
					part = "\n"
				}
				n := len(part) + logOverhead
				if len(events) == logBatchEvents || size+n > logBatchBytes {
					if !yield(events) {
						return
					}
					events, size = nil, 0
				}
				events = append(events, logs.InputLogEvent{Timestamp: last, Message: part})
				size += n
			}
		}
		if len(events) > 0 {
			yield(events)
		}
	}
}

// cut returns where to cut s so that the first part has at most n bytes and
// no letter is cut.
func cut(s string, n int) int {
	if len(s) <= n {
		return len(s)
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return n
}
