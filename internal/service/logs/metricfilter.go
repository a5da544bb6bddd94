package logs

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/logs/pattern"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A filterKey names a metric filter or a subscription filter of a group.
type filterKey struct {
	Group aws.ARN
	Name  string
}

// A metricFilter makes metrics of events.
type metricFilter struct {
	Pattern        string
	Transformation api.MetricTransformation
	Created        int64 // ms
}

// maxMetricFilters is how many a group has at most.
const maxMetricFilters = 100

var plainNumber = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][-+]?\d+)?$`)

// errUnanswered refuses a member that nothing here answers.
func errUnanswered(operation, member string) error {
	return aws.NotImplemented.Errorf("Aloft does not answer logs:%s with %s yet.", operation, member)
}

// PutMetricFilter makes a metric filter, or puts one in the place of another.
func (s *Service) PutMetricFilter(ctx context.Context, call *aws.Call, in *api.PutMetricFilterInput) (*api.PutMetricFilterOutput, error) {
	switch {
	case in.FieldSelectionCriteria != nil:
		return nil, errUnanswered("PutMetricFilter", "fieldSelectionCriteria")
	case in.EmitSystemFieldDimensions != nil:
		return nil, errUnanswered("PutMetricFilter", "emitSystemFieldDimensions")
	case aws.Value(in.ApplyOnTransformedLogs):
		return nil, errUnanswered("PutMetricFilter", "applyOnTransformedLogs")
	}
	if _, err := parsePattern(in.FilterPattern); err != nil {
		return nil, err
	}
	t := in.MetricTransformations[0]
	if err := checkTransformation(&t); err != nil {
		return nil, err
	}
	key := filterKey{groupARN(call, in.LogGroupName), in.FilterName}
	err := s.changeGroup(ctx, key.Group, func(tx *store.Tx, g *group) error {
		exists, err := metricFilters.Has(tx, key)
		if err != nil {
			return err
		}
		if !exists {
			if countFilters(tx, metricFilters, key.Group) >= maxMetricFilters {
				return api.LimitExceededException.Errorf("Resource limit exceeded.")
			}
			g.Filters++
		}
		return metricFilters.Put(tx, key, metricFilter{in.FilterPattern, t, time.Now().UnixMilli()})
	})
	if err != nil {
		return nil, err
	}
	return &api.PutMetricFilterOutput{}, nil
}

func checkTransformation(t *api.MetricTransformation) error {
	if len(t.Dimensions) > 0 && t.DefaultValue != nil {
		return api.InvalidParameterException.Errorf("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	}
	if len(t.Dimensions) > 3 {
		return api.InvalidParameterException.Errorf("Invalid metric transformation: at most 3 dimensions are allowed.")
	}
	if !plainNumber.MatchString(t.MetricValue) {
		if _, err := pattern.ParseSelector(t.MetricValue); err != nil {
			return api.InvalidParameterException.Errorf("Invalid metricTransformations metricValue %s", t.MetricValue)
		}
	}
	for _, selector := range t.Dimensions {
		if _, err := pattern.ParseSelector(selector); err != nil {
			return api.InvalidParameterException.Errorf("Invalid metric transformation: dimension value %s must be a valid selector", selector)
		}
	}
	return nil
}

func countFilters[V any](tx *store.Tx, table store.Table[filterKey, V], group aws.ARN) (n int) {
	for range table.Scan(tx, filterKey{Group: group}) {
		n++
	}
	return n
}

// DeleteMetricFilter deletes a metric filter.
func (s *Service) DeleteMetricFilter(ctx context.Context, call *aws.Call, in *api.DeleteMetricFilterInput) (*api.DeleteMetricFilterOutput, error) {
	err := deleteFilter(s, ctx, metricFilters, filterKey{groupARN(call, in.LogGroupName), in.FilterName}, "metric")
	if err != nil {
		return nil, err
	}
	return &api.DeleteMetricFilterOutput{}, nil
}

// deleteFilter deletes a filter of a group.
func deleteFilter[V any](s *Service, ctx context.Context, table store.Table[filterKey, V], key filterKey, kind string) error {
	return s.changeGroup(ctx, key.Group, func(tx *store.Tx, g *group) error {
		exists, err := table.Has(tx, key)
		if err != nil {
			return err
		}
		if !exists {
			return api.ResourceNotFoundException.Errorf("The specified %s filter does not exist.", kind)
		}
		g.Filters--
		return table.Delete(tx, key)
	})
}

// DescribeMetricFilters lists metric filters: of a group, for a metric, or all.
func (s *Service) DescribeMetricFilters(ctx context.Context, call *aws.Call, in *api.DescribeMetricFiltersInput) (*api.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, api.InvalidParameterException.Errorf("Both metricName and metricNamespace must be specified, or neither.")
	}
	after, err := parseNameToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	prefix := groupARN(call, "")
	prefix.Resource = ""
	if in.LogGroupName != nil {
		prefix = groupARN(call, *in.LogGroupName)
	}
	var all []api.MetricFilter
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = []api.MetricFilter{}
		if in.LogGroupName != nil {
			if _, err := findGroup(tx, prefix); err != nil {
				return err
			}
		}
		for key, f := range metricFilters.Scan(tx, filterKey{Group: prefix}) {
			t := f.Transformation
			if !strings.HasPrefix(key.Name, aws.Value(in.FilterNamePrefix)) || in.MetricName != nil && (t.MetricName != *in.MetricName || t.MetricNamespace != *in.MetricNamespace) {
				continue
			}
			all = append(all, api.MetricFilter{
				FilterName: &key.Name, FilterPattern: &f.Pattern, LogGroupName: new(groupName(key.Group)), CreationTime: &f.Created,
				MetricTransformations: []api.MetricTransformation{t}, ApplyOnTransformedLogs: new(false),
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeMetricFiltersOutput{}
	out.MetricFilters, out.NextToken = pageAfter(all, after, int(aws.Or(in.Limit, maxPage)), func(f *api.MetricFilter) string { return *f.LogGroupName + "\x00" + *f.FilterName })
	return out, nil
}

// pageAfter is a page of what is in order of its names, past the one that a
// token names.
func pageAfter[T any](all []T, after string, limit int, name func(*T) string) (page []T, token *string) {
	if i := slices.IndexFunc(all, func(v T) bool { return name(&v) > after }); after != "" && i >= 0 {
		all = all[i:]
	} else if after != "" {
		all = all[:0]
	}
	if len(all) > limit {
		return all[:limit], nameToken(name(&all[limit-1]))
	}
	return all, nil
}
