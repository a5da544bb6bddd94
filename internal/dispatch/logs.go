package dispatch

import (
	"context"
	"errors"

	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
)

// WriteLog writes lines to a stream of a log group, which it makes if it is not
// there, as the root of the group's account. It returns a refusal that is
// logs.ResourceNotFoundException if there is no such group.
func WriteLog(ctx context.Context, t *Table, root aws.Principal, at accesslog.Place, lines []accesslog.Line) error {
	call := &aws.Call{Account: at.Group.Account, Region: at.Group.Region, Principal: root, RequestID: aws.NewRequestID()}
	in := &logs.PutLogEventsInput{LogGroupName: at.Group.Resource[len("log-group:"):], LogStreamName: at.Stream}
	for _, l := range lines {
		in.LogEvents = append(in.LogEvents, logs.InputLogEvent{Timestamp: l.At.UnixMilli(), Message: l.Text})
	}
	_, err := Call(ctx, t, call, logs.PutLogEvents, in)
	if !errors.Is(err, logs.ResourceNotFoundException) {
		return err
	}
	stream := &logs.CreateLogStreamInput{LogGroupName: in.LogGroupName, LogStreamName: in.LogStreamName}
	if _, err := Call(ctx, t, call, logs.CreateLogStream, stream); err != nil {
		return err
	}
	_, err = Call(ctx, t, call, logs.PutLogEvents, in)
	return err
}
