package cloudfront

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/service/cloudfront/function"
)

// log keeps what a script has logged.
func (x *exchange) log(f *scripted, out *function.Outcome, err error) {
	if out == nil || len(out.Log) == 0 && err == nil {
		return
	}
	group := aws.ARN{Service: "logs", Region: "us-east-1", Account: x.v.arn.Account, Resource: "log-group:/aws/cloudfront/function/" + f.name}
	at := accesslog.Place{Group: group, Stream: time.Now().UTC().Format("2006/1/2/") + "aloft"}
	lines := append([]string{"START DistributionID: " + distributions.id(x.v.arn)}, out.Log...)
	if err != nil {
		lines = append(lines, "ERROR "+err.Error())
	}
	for _, line := range append(lines, "END") {
		x.logs.Add(at, accesslog.Line{At: time.Now(), Text: x.id + " " + line})
	}
}

// writeLog writes lines to where they belong.
func (s *Service) writeLog(ctx context.Context, at accesslog.Place, lines []accesslog.Line) error {
	switch at.Stream {
	case standardLog:
		return s.keepLines(ctx, at.Group, lines)
	case realtimeLog:
		return s.sendLines(ctx, at.Group, lines)
	}
	return s.writeFunctionLog(ctx, at, lines)
}

// writeFunctionLog writes lines to the log group of a function, which it makes if
// need be.
func (s *Service) writeFunctionLog(ctx context.Context, at accesslog.Place, lines []accesslog.Line) error {
	call := &aws.Call{Account: at.Group.Account, Region: at.Group.Region, Principal: auth.Root(at.Group.Account), RequestID: aws.NewRequestID()}
	in := &logs.PutLogEventsInput{LogGroupName: at.Group.Resource[len("log-group:"):], LogStreamName: at.Stream}
	for _, l := range lines {
		in.LogEvents = append(in.LogEvents, logs.InputLogEvent{Timestamp: l.At.UnixMilli(), Message: l.Text})
	}
	_, err := dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
	if !errors.Is(err, logs.ResourceNotFoundException) {
		return err
	}
	_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogGroup, &logs.CreateLogGroupInput{LogGroupName: in.LogGroupName})
	if err != nil && !errors.Is(err, logs.ResourceAlreadyExistsException) {
		return err
	}
	_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.CreateLogStream, &logs.CreateLogStreamInput{LogGroupName: in.LogGroupName, LogStreamName: in.LogStreamName})
	if err != nil && !errors.Is(err, logs.ResourceAlreadyExistsException) {
		return err
	}
	_, err = dispatch.Call(ctx, s.cfg.Table, call, logs.PutLogEvents, in)
	return err
}
