package firehose

import (
	"context"
	"encoding/json"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// logging says where errors of a line are logged.
func (row *stream) logging(kind string) *api.CloudWatchLoggingOptions {
	switch {
	case kind == lineBackup && row.HTTP == nil:
		return row.S3.S3BackupConfiguration.CloudWatchLoggingOptions
	case row.HTTP != nil && (kind == lineIn || kind == lineOut):
		return row.HTTP.CloudWatchLoggingOptions
	}
	return row.S3.CloudWatchLoggingOptions
}

// report logs an error where the stream's owner wants to read of it. That this
// fails holds nothing up.
func (s *Service) report(ctx context.Context, row *stream, key lineKey, code, message string) {
	o := row.logging(key.Kind)
	if o == nil || !aws.Value(o.Enabled) || o.LogGroupName == nil || o.LogStreamName == nil {
		return
	}
	to := row.S3.BucketARN
	if row.HTTP != nil && key.Kind == lineOut {
		to = row.HTTP.EndpointConfiguration.Url
	}
	line, err := json.Marshal(struct {
		Stream  string `json:"deliveryStreamARN"`
		To      string `json:"destination"`
		Version int    `json:"deliveryStreamVersionId"`
		Message string `json:"message"`
		Code    string `json:"errorCode"`
	}{key.Stream.String(), to, row.Version, message, code})
	if err != nil {
		return
	}
	call, err := s.as(ctx, key.Stream, s.role(row))
	if err == nil {
		_, err = dispatch.CallChecked(ctx, s.Table, call, logs.PutLogEvents, &logs.PutLogEventsInput{
			LogGroupName: *o.LogGroupName, LogStreamName: *o.LogStreamName,
			LogEvents: []logs.InputLogEvent{{Timestamp: time.Now().UnixMilli(), Message: string(line)}},
		})
	}
	if err != nil {
		s.log().Debug("delivery stream cannot log", "stream", key.Stream.String(), "group", *o.LogGroupName, "err", err)
	}
}
