package apigateway

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A trace is the execution log of a request. One that is nil hears nothing.
type trace struct {
	errorsOnly bool
	data       bool // it tells what is in requests and answers
	lines      []logs.InputLogEvent
}

// maxLine is how long a line of a log may be, in bytes, before it is cut.
const maxLine = 1024

// newTrace returns the trace that a stage wants of requests to a method.
func newTrace(m *servedMethod) *trace {
	switch aws.Value(m.settings.LoggingLevel) {
	case "INFO":
		return &trace{data: aws.Value(m.settings.DataTraceEnabled)}
	case "ERROR":
		return &trace{errorsOnly: true}
	}
	return nil
}

func (t *trace) add(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	t.lines = append(t.lines, logs.InputLogEvent{Timestamp: time.Now().UnixMilli(), Message: text})
}

// log adds a line to the execution log of the request.
func (x *exchange) log(format string, args ...any) {
	if x.trace != nil && !x.trace.errorsOnly {
		x.trace.add(format, args...)
	}
}

// logData adds a line that tells what is in a request or an answer.
func (x *exchange) logData(format string, args ...any) {
	if x.trace != nil && x.trace.data {
		x.trace.add(format, args...)
	}
}

// logFailure adds a line of what went wrong.
func (x *exchange) logFailure(format string, args ...any) {
	if x.trace != nil {
		x.trace.add(format, args...)
	}
}

// braces prints a map as Java does.
func braces(m map[string]string) string {
	parts := make([]string, 0, len(m))
	for _, k := range sortedKeys(m) {
		parts = append(parts, k+"="+m[k])
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// A short is a body as it stands in a log.
type short []byte

// String implements fmt.Stringer.
func (b short) String() string {
	if len(b) > maxLine {
		return strings.ToValidUTF8(string(b[:maxLine]), "") + " [TRUNCATED]"
	}
	return string(b)
}

// logRequest begins the execution log.
func (x *exchange) logRequest(path string) {
	if x.trace == nil {
		return
	}
	x.log("Starting execution for request: %s", x.req.ID)
	x.log("HTTP Method: %s, Resource Path: %s", x.req.Method, path)
	x.logData("Method request path: %s", braces(x.req.Params))
	x.logData("Method request query string: %s", braces(lasts(x.req.QueryValues())))
	x.logData("Method request headers: %s", braces(x.state.seen))
	x.logData("Method request body before transformations: %s", short(x.req.Body))
}

// logReply ends the execution log.
func (x *exchange) logReply() {
	if x.trace == nil {
		return
	}
	x.logData("Method response body after transformations: %s", short(x.reply.Body))
	shown := lasts(x.reply.Header)
	delete(shown, "X-Amzn-Trace-Id")
	x.logData("Method response headers: %s", braces(shown))
	if x.state.failure == nil {
		x.log("Successfully completed execution")
	}
	x.log("Method completed with status: %d", x.reply.Status)
}

// record keeps what the stage logs of the request.
func (x *exchange) record() {
	if x.trace != nil && len(x.trace.lines) > 0 {
		for i := range x.trace.lines {
			x.trace.lines[i].Message = "(" + x.req.ID + ") " + x.trace.lines[i].Message
		}
		x.book.add(entry{x.api.arn, "API-Gateway-Execution-Logs_" + x.api.id + "/" + x.stage.name, x.stage.name}, x.trace.lines)
	}
	set := x.stage.row.AccessLogSettings
	if set == nil || aws.Value(set.Format) == "" {
		return
	}
	arn, err := aws.ParseARN(aws.Value(set.DestinationArn))
	if err != nil || arn.Service != "logs" {
		return
	}
	line := x.accessLine(*set.Format)
	x.book.add(entry{x.api.arn, strings.TrimPrefix(arn.Resource, "log-group:"), x.stage.name}, []logs.InputLogEvent{{Timestamp: time.Now().UnixMilli(), Message: line}})
}

// accessLine fills in the format of an access log. What is not known is -.
func (x *exchange) accessLine(format string) string {
	m := x.context()
	took := time.Since(x.began).Milliseconds()
	m.Set("status", int64(x.reply.Status)).Set("responseLength", int64(len(x.reply.Body))).Set("responseLatency", took)
	if s := x.state.integrationStatus; s != 0 {
		m.Set("integrationStatus", int64(s)).Set("integrationLatency", x.state.latency.Milliseconds())
		m.Set("integration", vtl.NewMap().Set("status", int64(s)).Set("integrationStatus", int64(s)).Set("latency", x.state.latency.Milliseconds()))
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(format, "$context.")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n := 0
		for n < len(after) && (after[n] == '.' || after[n] == '_' || after[n] == '-' || 'a' <= after[n]|0x20 && after[n]|0x20 <= 'z' || '0' <= after[n] && after[n] <= '9') {
			n++
		}
		name := strings.TrimRight(after[:n], ".-")
		if v, ok := x.contextValue(name); ok {
			b.WriteString(v)
		} else {
			b.WriteByte('-')
		}
		format = after[len(name):]
	}
}

// A book holds lines of logs until they are kept.
type book struct {
	bell task.Bell

	mu      sync.Mutex
	pending map[entry][]logs.InputLogEvent
	count   int
}

// An entry is a log.
type entry struct {
	api           aws.ARN
	group, stream string
}

// maxPending is how many lines wait to be kept at most; more are lost.
const maxPending = 100_000

func newBook() *book {
	return &book{bell: task.NewBell(), pending: make(map[entry][]logs.InputLogEvent)}
}

func (b *book) add(e entry, lines []logs.InputLogEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count+len(lines) > maxPending {
		return
	}
	b.count += len(lines)
	b.pending[e] = append(b.pending[e], lines...)
	b.bell.Ring()
}

// keepLogs writes what was logged to CloudWatch Logs.
func (s *Service) keepLogs(ctx context.Context) (time.Duration, error) {
	b := s.book
	b.mu.Lock()
	pending := b.pending
	b.pending, b.count = make(map[entry][]logs.InputLogEvent), 0
	b.mu.Unlock()
	for e, lines := range pending {
		if err := s.write(ctx, e, lines); err != nil {
			s.cfg.Log.Warn("log of an API is lost", "group", e.group, "err", err)
		}
	}
	return time.Hour, nil
}

// write writes lines of a log, as the role that the account has for it, or as
// the account if it has none.
func (s *Service) write(ctx context.Context, e entry, lines []logs.InputLogEvent) error {
	call := &aws.Call{
		Account: e.api.Account, Region: e.api.Region, RequestID: aws.NewRequestID(),
		Principal: aws.Principal{Kind: aws.Root, Account: e.api.Account, ID: e.api.Account, ARN: "arn:aws:iam::" + e.api.Account + ":root"},
	}
	var row accountRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAccount(tx, call)
		return err
	})
	if err != nil {
		return err
	}
	if row.Role != nil && s.cfg.Sessions != nil {
		source := aws.ARN{Service: "apigateway", Region: e.api.Region, Account: e.api.Account, Resource: "/account"}
		session, err := s.cfg.Sessions.Assume(ctx, aws.ServiceCall("apigateway", source), *row.Role)
		if err != nil {
			return err
		}
		call = session.Call(call)
	}
	sum := md5.Sum([]byte(e.api.Resource + "/" + e.stream + time.Now().UTC().Format(dayLayout)))
	stream := hex.EncodeToString(sum[:])
	const most = 1000 // lines, which are far below what PutLogEvents takes
	for ; len(lines) > 0; lines = lines[min(most, len(lines)):] {
		in := &logs.PutLogEventsInput{LogGroupName: e.group, LogStreamName: stream, LogEvents: lines[:min(most, len(lines))]}
		_, err := dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
		if errors.Is(err, logs.ResourceNotFoundException) {
			if err = s.makeStream(ctx, call, e.group, stream); err == nil {
				_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeStream makes a log stream. A group that is the gateway's own is made too.
func (s *Service) makeStream(ctx context.Context, call *aws.Call, group, stream string) error {
	in := &logs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}
	_, err := dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogStream, in)
	if errors.Is(err, logs.ResourceNotFoundException) && strings.HasPrefix(group, "API-Gateway-Execution-Logs_") {
		_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogGroup, &logs.CreateLogGroupInput{LogGroupName: group})
		if err == nil || errors.Is(err, logs.ResourceAlreadyExistsException) {
			_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogStream, in)
		}
	}
	if errors.Is(err, logs.ResourceAlreadyExistsException) {
		return nil
	}
	return err
}
