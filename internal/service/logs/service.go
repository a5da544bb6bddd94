package logs

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is CloudWatch Logs.
type Service struct {
	db     *store.DB
	codec  codec
	expiry task.Bell // rung when something may be due sooner
}

// New returns CloudWatch Logs over db.
func New(db *store.DB) *Service {
	return &Service{db: db, codec: newCodec(), expiry: task.NewBell()}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:     api.API,
		Tasks:   s.tasks(),
		Receive: receive,
		Operations: []service.Operation{
			service.Op(api.CreateLogGroup, s.CreateLogGroup, groupNamed).But("Encryption with a key of KMS is refused."),
			service.Op(api.DeleteLogGroup, s.DeleteLogGroup, groupNamed),
			service.Op(api.DescribeLogGroups, s.DescribeLogGroups, anyGroup),
			service.Op(api.PutLogGroupDeletionProtection, s.PutLogGroupDeletionProtection, groupOf),
			service.Op(api.PutRetentionPolicy, s.PutRetentionPolicy, groupNamed),
			service.Op(api.DeleteRetentionPolicy, s.DeleteRetentionPolicy, groupNamed),

			service.Op(api.CreateLogStream, s.CreateLogStream, streamNamed),
			service.Op(api.DeleteLogStream, s.DeleteLogStream, streamNamed),
			service.Op(api.DescribeLogStreams, s.DescribeLogStreams, groupOf),

			service.Op(api.PutLogEvents, s.PutLogEvents, streamNamed),
			service.Op(api.GetLogEvents, s.GetLogEvents, streamOf),
			service.Op(api.FilterLogEvents, s.FilterLogEvents, groupOf),
			service.Op(api.TestMetricFilter, s.TestMetricFilter, service.Any),

			service.Op(api.TagResource, s.TagResource, resourceOf),
			service.Op(api.UntagResource, s.UntagResource, resourceOf),
			service.Op(api.ListTagsForResource, s.ListTagsForResource, resourceOf),
			service.Op(api.TagLogGroup, s.TagLogGroup, groupNamed),
			service.Op(api.UntagLogGroup, s.UntagLogGroup, groupNamed),
			service.Op(api.ListTagsLogGroup, s.ListTagsLogGroup, groupNamed),

			service.OpEach(receiveEvent, s.receiveEvent, mayReceive),
		},
	}
}

const (
	groupKind  = "log-group:"
	streamKind = ":log-stream:"
)

// groupARN is the group of that name in the call's account and region.
func groupARN(call *aws.Call, name string) aws.ARN { return call.ARN("logs", groupKind+name) }

// groupName is the name of a group by its ARN.
func groupName(group aws.ARN) string { return strings.TrimPrefix(group.Resource, groupKind) }

// findARN is the group that a caller means by its name or its ARN.
func findARN(call *aws.Call, name, identifier string) aws.ARN {
	if arn, err := aws.ParseARN(identifier); err == nil {
		arn.Resource = strings.TrimSuffix(arn.Resource, ":*")
		return arn
	}
	if name == "" {
		name = identifier
	}
	return groupARN(call, name)
}

// stream is how policies name a stream of a group. Policies for operations on
// a group name the stream "", so that "log-group:x:*" allows them, as on AWS.
func stream(group aws.ARN, name string) aws.ARN {
	group.Resource += streamKind + name
	return group
}

// groupNamed is the group an input names.
func groupNamed[In interface{ GetLogGroupName() string }](call *aws.Call, in In) aws.ARN {
	return stream(groupARN(call, in.GetLogGroupName()), "")
}

// groupOf is the group an input names, or identifies otherwise.
func groupOf[In interface{ GetLogGroupIdentifier() string }](call *aws.Call, in In) aws.ARN {
	name := ""
	if in, ok := any(in).(interface{ GetLogGroupName() string }); ok {
		name = in.GetLogGroupName()
	}
	return stream(findARN(call, name, in.GetLogGroupIdentifier()), "")
}

// streamNamed is the stream an input names.
func streamNamed[In interface {
	GetLogGroupName() string
	GetLogStreamName() string
}](call *aws.Call, in In) aws.ARN {
	return stream(groupARN(call, in.GetLogGroupName()), in.GetLogStreamName())
}

// streamOf is the stream that GetLogEvents reads.
func streamOf(call *aws.Call, in *api.GetLogEventsInput) aws.ARN {
	return stream(findARN(call, in.GetLogGroupName(), in.GetLogGroupIdentifier()), in.LogStreamName)
}

// anyGroup is what DescribeLogGroups is about.
func anyGroup(call *aws.Call, _ *api.DescribeLogGroupsInput) aws.ARN {
	return stream(groupARN(call, ""), "")
}

// resourceOf is the resource an input names by ARN.
func resourceOf[In interface{ GetResourceArn() string }](call *aws.Call, in In) aws.ARN {
	return findARN(call, "", in.GetResourceArn())
}
