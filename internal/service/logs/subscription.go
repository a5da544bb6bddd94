package logs

import (
	"context"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A subscription sends events of a group elsewhere.
type subscription struct {
	Pattern      string
	Destination  string // its ARN
	Role         string `json:",omitempty"`
	Distribution string
	Created      int64 // ms
}

// maxSubscriptions is how many a group has at most.
const maxSubscriptions = 2

// PutSubscriptionFilter makes a subscription filter, or changes one.
func (s *Service) PutSubscriptionFilter(ctx context.Context, call *aws.Call, in *api.PutSubscriptionFilterInput) (*api.PutSubscriptionFilterOutput, error) {
	switch {
	case in.FieldSelectionCriteria != nil:
		return nil, errUnanswered("PutSubscriptionFilter", "fieldSelectionCriteria")
	case in.EmitSystemFields != nil:
		return nil, errUnanswered("PutSubscriptionFilter", "emitSystemFields")
	case aws.Value(in.ApplyOnTransformedLogs):
		return nil, errUnanswered("PutSubscriptionFilter", "applyOnTransformedLogs")
	}
	if _, err := parsePattern(in.FilterPattern); err != nil {
		return nil, err
	}
	if err := checkDestination(call, in); err != nil {
		return nil, err
	}
	key := filterKey{groupARN(call, in.LogGroupName), in.FilterName}
	err := s.changeGroup(ctx, key.Group, func(tx *store.Tx, g *group) error {
		exists, err := subscriptions.Has(tx, key)
		if err != nil {
			return err
		}
		if !exists {
			if countFilters(tx, subscriptions, key.Group) >= maxSubscriptions {
				return api.LimitExceededException.Errorf("Resource limit exceeded.")
			}
			g.Filters++
		}
		return subscriptions.Put(tx, key, subscription{
			in.FilterPattern, in.DestinationArn, aws.Value(in.RoleArn), aws.Or(in.Distribution, api.DistributionByLogStream), time.Now().UnixMilli(),
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.PutSubscriptionFilterOutput{}, nil
}

// checkDestination refuses a destination that events cannot be sent to.
func checkDestination(call *aws.Call, in *api.PutSubscriptionFilterInput) error {
	target, err := aws.ParseARN(in.DestinationArn)
	if err != nil {
		return api.InvalidParameterException.Errorf("Invalid destinationArn: %s", in.DestinationArn)
	}
	switch target.Service {
	case "lambda":
		if target.Account != call.Account {
			return api.AccessDeniedException.Errorf("Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create cross account lambda triggers.")
		}
		if in.RoleArn != nil {
			return api.InvalidParameterException.Errorf("destinationArn for vendor lambda cannot be used with roleArn")
		}
		return nil
	case "kinesis", "firehose":
		if in.RoleArn == nil {
			return api.InvalidParameterException.Errorf("destinationArn for vendor %s cannot be used without roleArn", target.Service)
		}
		return nil
	}
	return aws.NotImplemented.Errorf("Aloft does not have subscriptions of %s yet.", target.Service)
}

// DeleteSubscriptionFilter deletes a subscription filter.
func (s *Service) DeleteSubscriptionFilter(ctx context.Context, call *aws.Call, in *api.DeleteSubscriptionFilterInput) (*api.DeleteSubscriptionFilterOutput, error) {
	err := deleteFilter(s, ctx, subscriptions, filterKey{groupARN(call, in.LogGroupName), in.FilterName}, "subscription")
	if err != nil {
		return nil, err
	}
	return &api.DeleteSubscriptionFilterOutput{}, nil
}

// DescribeSubscriptionFilters lists the subscription filters of a group.
func (s *Service) DescribeSubscriptionFilters(ctx context.Context, call *aws.Call, in *api.DescribeSubscriptionFiltersInput) (*api.DescribeSubscriptionFiltersOutput, error) {
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	arn := groupARN(call, in.LogGroupName)
	var all []api.SubscriptionFilter
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = []api.SubscriptionFilter{}
		if _, err := findGroup(tx, arn); err != nil {
			return err
		}
		for key, f := range subscriptions.Scan(tx, filterKey{Group: arn}) {
			if !strings.HasPrefix(key.Name, aws.Value(in.FilterNamePrefix)) {
				continue
			}
			described := api.SubscriptionFilter{
				FilterName: &key.Name, LogGroupName: &in.LogGroupName, FilterPattern: &f.Pattern, DestinationArn: &f.Destination,
				Distribution: &f.Distribution, CreationTime: &f.Created, ApplyOnTransformedLogs: new(false),
			}
			if f.Role != "" {
				described.RoleArn = &f.Role
			}
			all = append(all, described)
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeSubscriptionFiltersOutput{}
	out.SubscriptionFilters, out.NextToken = pageAfter(all, after, int(aws.Or(in.Limit, maxPage)), func(f *api.SubscriptionFilter) string { return *f.FilterName })
	return out, nil
}
