package logs

import (
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	deliveries "github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// Service is CloudWatch Logs.
type Service struct {
	db      *store.DB
	events  *deliveries.Router // nil: nobody hears of events
	codec   codec
	answers answers
	expiry  task.Bell // rung when something may be due sooner
}

// New returns CloudWatch Logs over db, which tells others of events by a router.
func New(db *store.DB, router *deliveries.Router) *Service {
	return &Service{db: db, events: router, codec: newCodec(), expiry: task.NewBell()}
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	const sealed = "A key of KMS is remembered, and encryption is left to the disk."
	return service.Definition{
		API:     api.API,
		Tasks:   s.tasks(),
		Receive: receive,
		Operations: []service.Operation{
			service.Op(api.CreateLogGroup, s.CreateLogGroup, groupNamed).But(sealed),
			service.Op(api.AssociateKmsKey, s.AssociateKmsKey, func(call *aws.Call, in *api.AssociateKmsKeyInput) aws.ARN {
				return stream(findARN(call, in.GetLogGroupName(), in.GetResourceIdentifier()), "")
			}).But(sealed),
			service.Op(api.DisassociateKmsKey, s.DisassociateKmsKey, func(call *aws.Call, in *api.DisassociateKmsKeyInput) aws.ARN {
				return stream(findARN(call, in.GetLogGroupName(), in.GetResourceIdentifier()), "")
			}),
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

			service.Op(api.PutMetricFilter, s.PutMetricFilter, groupNamed).But("Selection by fields, system fields as dimensions and transformed logs are refused."),
			service.Op(api.DeleteMetricFilter, s.DeleteMetricFilter, groupNamed),
			service.Op(api.DescribeMetricFilters, s.DescribeMetricFilters, groupNamed),
			service.Op(api.PutSubscriptionFilter, s.PutSubscriptionFilter, groupNamed).But("Destinations of other accounts are refused, and no test message is sent to the destination."),
			service.Op(api.DeleteSubscriptionFilter, s.DeleteSubscriptionFilter, groupNamed),
			service.Op(api.PutAccountPolicy, s.PutAccountPolicy, service.Any).But("Subscription filters of an account; policies of data protection, indexes, transformers and metrics are refused."),
			service.Op(api.DescribeAccountPolicies, s.DescribeAccountPolicies, service.Any),
			service.Op(api.DeleteAccountPolicy, s.DeleteAccountPolicy, service.Any),
			service.Op(api.DescribeSubscriptionFilters, s.DescribeSubscriptionFilters, groupNamed),
			service.Op(api.PutResourcePolicy, s.PutResourcePolicy, service.Any).But("Policies are kept; services of the account may write in its groups without one. Policies of one group are refused."),
			service.Op(api.DeleteResourcePolicy, s.DeleteResourcePolicy, service.Any),
			service.Op(api.DescribeResourcePolicies, s.DescribeResourcePolicies, service.Any),
			service.OpEach(api.StartQuery, s.StartQuery, mayQuery).But("SQL, PPL and the commands pattern, diff, unnest, lookup and anomaly are refused. A query runs when its results are first asked for, over at most 512 MB of compressed events."),
			service.Op(api.GetQueryResults, s.GetQueryResults, service.Any),
			service.Op(api.StopQuery, s.StopQuery, service.Any),
			service.Op(api.DescribeQueries, s.DescribeQueries, service.Any),
			service.Op(api.PutQueryDefinition, s.PutQueryDefinition, service.Any).But("Queries in SQL and PPL are refused."),
			service.Op(api.DeleteQueryDefinition, s.DeleteQueryDefinition, service.Any),
			service.Op(api.DescribeQueryDefinitions, s.DescribeQueryDefinitions, service.Any),

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

// mayQuery asks for permission on each group that a query reads.
func mayQuery(call *aws.Call, in *api.StartQueryInput, check func(service.Access) error) error {
	names := append([]string{aws.Value(in.LogGroupName)}, in.LogGroupNames...)
	for _, id := range append(names, in.LogGroupIdentifiers...) {
		if id == "" {
			continue
		}
		if err := check(service.Access{Action: "logs:StartQuery", Resource: stream(findARN(call, "", id), "")}); err != nil {
			return err
		}
	}
	return nil
}
