package apigateway

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// A trace is the execution log of a request. One that is nil hears nothing.
type trace struct {
	errorsOnly bool
	data       bool // it tells what is in requests and answers
	lines      []accesslog.Line
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
	t.lines = append(t.lines, accesslog.Line{At: time.Now(), Text: text})
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

// A logged stage has places for its logs, and a format for one of them.
type logged struct {
	execution accesslog.Place
	access    accesslog.Place
	format    accesslog.Format // nil if there is no access log
}

// ownGroups is what log groups are named that the gateway makes itself.
const ownGroups = "API-Gateway-Execution-Logs_"

func newLogged(of aws.ARN, id string, stage *api.Stage) logged {
	sum := md5.Sum([]byte(of.Resource + "/" + *stage.StageName))
	stream := hex.EncodeToString(sum[:])
	group := aws.ARN{Service: "logs", Region: of.Region, Account: of.Account, Resource: "log-group:" + ownGroups + id + "/" + *stage.StageName}
	l := logged{execution: accesslog.Place{Group: group, Stream: stream}}
	set := stage.AccessLogSettings
	if set == nil {
		return l
	}
	if to, ok := accesslog.GroupOf(aws.Value(set.DestinationArn), of.Account); ok {
		l.access = accesslog.Place{Group: to, Stream: stream}
		l.format = accesslog.Any(aws.Value(set.Format))
	}
	return l
}

// record keeps what the stage logs of the request.
func (x *exchange) record() {
	l := &x.stage.logged
	if x.trace != nil {
		for _, line := range x.trace.lines {
			line.Text = "(" + x.req.ID + ") " + line.Text
			x.accessLog.Add(l.execution, line)
		}
	}
	if l.format != nil {
		x.accessLog.Add(l.access, accesslog.Line{At: time.Now(), Text: x.accessLine(l.format)})
	}
}

// length is how many bytes the body of the reply had.
func (x *exchange) length() int {
	if x.rest != nil {
		return x.rest.sent
	}
	return len(x.reply.Body)
}

// accessLine fills in the format of an access log. What is not known is -.
func (x *exchange) accessLine(format accesslog.Format) string {
	m := x.context()
	took := time.Since(x.began).Milliseconds()
	m.Set("status", int64(x.reply.Status)).Set("responseLength", int64(x.length())).Set("responseLatency", took)
	if s := x.state.integrationStatus; s != 0 {
		m.Set("integrationStatus", int64(s)).Set("integrationLatency", x.state.latency.Milliseconds())
		m.Set("integration", vtl.NewMap().Set("status", int64(s)).Set("integrationStatus", int64(s)).Set("latency", x.state.latency.Milliseconds()))
	}
	return format.Line(func(name string) string {
		v, _ := x.contextValue(name)
		return v
	})
}

// writeLog writes lines of a log, as the role that the account has for it, or
// as the account if it has none.
func (s *Service) writeLog(ctx context.Context, at accesslog.Place, lines []accesslog.Line) error {
	call := &aws.Call{Account: at.Group.Account, Region: at.Group.Region, Principal: auth.Root(at.Group.Account), RequestID: aws.NewRequestID()}
	var row accountRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findAccount(tx, call)
		return err
	})
	if err != nil {
		return err
	}
	if row.Role != nil && s.cfg.Sessions != nil {
		source := aws.ARN{Service: "apigateway", Region: call.Region, Account: call.Account, Resource: "/account"}
		session, err := s.cfg.Sessions.Assume(ctx, aws.ServiceCall("apigateway", source), *row.Role)
		if err != nil {
			return err
		}
		call = session.Call(call)
	}
	in := &logs.PutLogEventsInput{LogGroupName: strings.TrimPrefix(at.Group.Resource, "log-group:"), LogStreamName: at.Stream}
	for _, l := range lines {
		in.LogEvents = append(in.LogEvents, logs.InputLogEvent{Timestamp: l.At.UnixMilli(), Message: l.Text})
	}
	_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
	if errors.Is(err, logs.ResourceNotFoundException) {
		if err = s.makeStream(ctx, call, in.LogGroupName, at.Stream); err == nil {
			_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
		}
	}
	if errors.Is(err, logs.ResourceNotFoundException) {
		s.cfg.Log.Warn("log of an API has no group", "group", in.LogGroupName, "lines", len(lines))
		return nil
	}
	return err
}

// makeStream makes a log stream. A group that is the gateway's own is made too.
func (s *Service) makeStream(ctx context.Context, call *aws.Call, group, stream string) error {
	in := &logs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}
	_, err := dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogStream, in)
	if errors.Is(err, logs.ResourceNotFoundException) && strings.HasPrefix(group, ownGroups) {
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
