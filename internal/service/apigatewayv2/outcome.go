package apigatewayv2

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// An outcome is what became of a request, for its line in the access log.
type outcome struct {
	began       time.Time
	status      int
	length      int
	integration time.Duration // that it took
	answered    int           // its status; 0 if it was not asked, or failed
	err         error
}

// value is a variable of the context that o says, if it is one.
func (o *outcome) value(name string) (string, bool) {
	switch name {
	case "status":
		return strconv.Itoa(o.status), true
	case "responseLength":
		return strconv.Itoa(o.length), true
	case "responseLatency":
		return milliseconds(time.Since(o.began)), true
	case "integrationLatency", "integration.latency":
		if o.integration == 0 {
			return "", true
		}
		return milliseconds(o.integration), true
	case "integrationStatus", "integration.status", "integration.integrationStatus":
		if o.answered == 0 {
			return "", true
		}
		return strconv.Itoa(o.answered), true
	case "error.message", "integrationErrorMessage", "integration.error":
		if o.err == nil {
			return "", true
		}
		return o.err.Error(), true
	}
	return "", false
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// A logged stage has a format and a place for its access log.
type logged struct {
	format accesslog.Format
	place  accesslog.Place
}

// log has the request's line written, if the stage has a log.
func (x *exchange) log(p *proxy.Request) {
	if x.stage == nil || x.stage.log == nil {
		return
	}
	line := x.stage.log.format.Line(func(name string) string { return x.contextValue(name, p) })
	x.accessLog.Add(x.stage.log.place, accesslog.Line{At: x.outcome.began, Text: line})
}

// newLogged reads the settings of a stage's access log, or returns nil.
func newLogged(api aws.ARN, stage *stageRow) *logged {
	c := stage.AccessLogSettings
	if c == nil || c.DestinationArn == nil || c.Format == nil {
		return nil
	}
	format, err := accesslog.Parse(*c.Format)
	group, ok := accesslog.GroupOf(*c.DestinationArn, api.Account)
	if err != nil || !ok {
		return nil // it was checked when it was set
	}
	sum := md5.Sum([]byte(api.Resource + "/" + *stage.StageName))
	return &logged{format, accesslog.Place{Group: group, Stream: hex.EncodeToString(sum[:])}}
}

// writeLog writes lines to a log group, as the account it is of.
func (s *Service) writeLog(ctx context.Context, at accesslog.Place, lines []accesslog.Line) error {
	call := &aws.Call{Account: at.Group.Account, Region: at.Group.Region, Principal: auth.Root(at.Group.Account), RequestID: aws.NewRequestID()}
	in := &logs.PutLogEventsInput{LogGroupName: at.Group.Resource[len("log-group:"):], LogStreamName: at.Stream}
	for _, l := range lines {
		in.LogEvents = append(in.LogEvents, logs.InputLogEvent{Timestamp: l.At.UnixMilli(), Message: l.Text})
	}
	_, err := dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
	if errors.Is(err, logs.ResourceNotFoundException) {
		_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogStream, &logs.CreateLogStreamInput{LogGroupName: in.LogGroupName, LogStreamName: in.LogStreamName})
		if err == nil {
			_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
		}
	}
	if errors.Is(err, logs.ResourceNotFoundException) {
		s.cfg.Log.Warn("access log has no group", "group", in.LogGroupName, "lines", len(lines))
		return nil
	}
	return err
}
