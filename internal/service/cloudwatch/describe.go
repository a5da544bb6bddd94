package cloudwatch

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// DescribeAlarms lists alarms in order of their names: metric alarms, unless it
// is asked for others.
func (s *Service) DescribeAlarms(ctx context.Context, call *aws.Call, in *api.DescribeAlarmsInput) (*api.DescribeAlarmsOutput, error) {
	if in.AlarmNames != nil && in.AlarmNamePrefix != nil {
		return nil, badCombination("AlarmNamePrefix and AlarmNames are mutually exclusive.")
	}
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, api.InvalidNextToken.Errorf("The NextToken is invalid.")
	}
	limit := int(aws.Or(in.MaxRecords, usualRecords))
	if in.AlarmNames != nil {
		limit = len(in.AlarmNames)
	}
	out := &api.DescribeAlarmsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.DescribeAlarmsOutput{MetricAlarms: []api.MetricAlarm{}, CompositeAlarms: []api.CompositeAlarm{}, LogAlarms: []api.LogAlarm{}}
		wanted, err := wantedAlarms(tx, call, in)
		if err != nil {
			return err
		}
		found, last := 0, ""
		for arn, row := range alarms.ScanAfter(tx, call.ARN("cloudwatch", ""), alarmARN(call, after)) {
			if !wanted(arn, &row) {
				continue
			}
			if found == limit {
				out.NextToken = newToken(last)
				break
			}
			found, last = found+1, alarmName(arn)
			if row.Composite != nil {
				out.CompositeAlarms = append(out.CompositeAlarms, describeComposite(arn, &row))
			} else {
				out.MetricAlarms = append(out.MetricAlarms, describeMetric(arn, &row))
			}
		}
		return tx.Err()
	})
	return out, err
}

// wantedAlarms tells which alarms an input is about.
func wantedAlarms(tx *store.Tx, call *aws.Call, in *api.DescribeAlarmsInput) (func(aws.ARN, *alarm) bool, error) {
	related := func(aws.ARN) bool { return true }
	types := in.AlarmTypes
	if types == nil {
		types = []string{api.AlarmTypeMetricAlarm}
	}
	if name := in.GetChildrenOfAlarmName(); name != "" {
		row, err := alarms.Get(tx, alarmARN(call, name))
		if err != nil || row.Composite == nil {
			return nil, errNoAlarm(name)
		}
		children := childrenOf(alarmARN(call, name), row.Composite.AlarmRule)
		related = func(arn aws.ARN) bool { return slices.Contains(children, arn) }
	}
	if name := in.GetParentsOfAlarmName(); name != "" {
		var all []aws.ARN
		for key := range parents.Scan(tx, parentKey{Child: alarmARN(call, name)}) {
			all = append(all, key.Parent)
		}
		related = func(arn aws.ARN) bool { return slices.Contains(all, arn) }
	}
	if in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil {
		types = []string{api.AlarmTypeMetricAlarm, api.AlarmTypeCompositeAlarm}
	}
	return func(arn aws.ARN, row *alarm) bool {
		acts := in.ActionPrefix == nil
		ok, alarm, insufficient := row.lists()
		for _, action := range slices.Concat(ok, alarm, insufficient) {
			acts = acts || strings.HasPrefix(action, *in.ActionPrefix)
		}
		return acts && related(arn) && slices.Contains(types, row.kind()) &&
			(in.StateValue == nil || row.State == *in.StateValue) &&
			(in.AlarmNames == nil || slices.Contains(in.AlarmNames, alarmName(arn))) &&
			strings.HasPrefix(alarmName(arn), in.GetAlarmNamePrefix())
	}, nil
}

// list is never nil, since answers have empty lists.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// optional is nil for nothing.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func describeMetric(arn aws.ARN, row *alarm) api.MetricAlarm {
	in := row.Metric
	a := api.MetricAlarm{
		AlarmName: new(alarmName(arn)), AlarmArn: new(arn.String()), AlarmDescription: in.AlarmDescription,
		AlarmConfigurationUpdatedTimestamp: &row.Configured, ActionsEnabled: &row.Enabled,
		OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
		StateValue: &row.State, StateReason: &row.Reason, StateReasonData: optional(row.ReasonData),
		StateUpdatedTimestamp: &row.Updated, StateTransitionedTimestamp: &row.Transitioned,
		MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic, ExtendedStatistic: in.ExtendedStatistic,
		Dimensions: list(in.Dimensions), Period: in.Period, Unit: in.Unit, EvaluationPeriods: in.EvaluationPeriods,
		DatapointsToAlarm: in.DatapointsToAlarm, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator,
		TreatMissingData: in.TreatMissingData, EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile,
		Metrics: in.Metrics, ActionConfiguration: in.ActionConfiguration,
	}
	for i := range a.Metrics {
		if a.Metrics[i].ReturnData == nil {
			a.Metrics = slices.Clone(a.Metrics)
			a.Metrics[i].ReturnData = new(true)
		}
	}
	return a
}

func describeComposite(arn aws.ARN, row *alarm) api.CompositeAlarm {
	in := row.Composite
	return api.CompositeAlarm{
		AlarmName: new(alarmName(arn)), AlarmArn: new(arn.String()), AlarmDescription: in.AlarmDescription, AlarmRule: &in.AlarmRule,
		AlarmConfigurationUpdatedTimestamp: &row.Configured, ActionsEnabled: &row.Enabled,
		OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
		StateValue: &row.State, StateReason: &row.Reason, StateReasonData: optional(row.ReasonData),
		StateUpdatedTimestamp: &row.Updated, StateTransitionedTimestamp: &row.Transitioned, ActionConfiguration: in.ActionConfiguration,
	}
}

// DescribeAlarmsForMetric lists the alarms on a metric.
func (s *Service) DescribeAlarmsForMetric(ctx context.Context, call *aws.Call, in *api.DescribeAlarmsForMetricInput) (*api.DescribeAlarmsForMetricOutput, error) {
	m := newMetric(in.Namespace, in.MetricName, in.Dimensions)
	out := &api.DescribeAlarmsForMetricOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.MetricAlarms = []api.MetricAlarm{}
		for arn, row := range alarms.Scan(tx, call.ARN("cloudwatch", "")) {
			c := row.Metric
			if c == nil || c.MetricName == nil {
				continue
			}
			watched := newMetric(*c.Namespace, *c.MetricName, c.Dimensions)
			if string(watched.id()) != string(m.id()) ||
				in.Statistic != nil && *in.Statistic != aws.Value(c.Statistic) ||
				in.ExtendedStatistic != nil && *in.ExtendedStatistic != aws.Value(c.ExtendedStatistic) ||
				in.Period != nil && *in.Period != aws.Value(c.Period) ||
				in.Unit != nil && *in.Unit != aws.Value(c.Unit) {
				continue
			}
			out.MetricAlarms = append(out.MetricAlarms, describeMetric(arn, &row))
		}
		return tx.Err()
	})
	return out, err
}

// DescribeAlarmHistory lists what happened to an alarm, or to all.
func (s *Service) DescribeAlarmHistory(ctx context.Context, call *aws.Call, in *api.DescribeAlarmHistoryInput) (*api.DescribeAlarmHistoryOutput, error) {
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, api.InvalidNextToken.Errorf("The NextToken is invalid.")
	}
	prefix := call.ARN("cloudwatch", "")
	if in.AlarmName != nil {
		prefix = alarmARN(call, *in.AlarmName)
	}
	var found []foundItem
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		found = nil
		for key, item := range history.Scan(tx, historyKey{Alarm: prefix}) {
			switch {
			case in.HistoryItemType != nil && item.Type != *in.HistoryItemType,
				in.StartDate != nil && key.At.Before(*in.StartDate),
				in.EndDate != nil && key.At.After(*in.EndDate),
				in.AlarmTypes != nil && !slices.Contains(in.AlarmTypes, item.AlarmType):
			default:
				found = append(found, foundItem{key, item})
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b foundItem) int { return strings.Compare(a.place(), b.place()) })
	if aws.Value(in.ScanBy) != api.ScanByTimestampAscending {
		slices.Reverse(found)
	}
	if i := slices.IndexFunc(found, func(f foundItem) bool { return f.place() == after }); i >= 0 {
		found = found[i+1:]
	}
	out := &api.DescribeAlarmHistoryOutput{AlarmHistoryItems: []api.AlarmHistoryItem{}}
	limit := int(aws.Or(in.MaxRecords, usualRecords))
	for i, f := range found {
		if i == limit {
			out.NextToken = newToken(found[i-1].place())
			break
		}
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, api.AlarmHistoryItem{
			AlarmName: new(alarmName(f.key.Alarm)), AlarmType: &f.item.AlarmType, Timestamp: &f.key.At,
			HistoryItemType: &f.item.Type, HistorySummary: &f.item.Summary, HistoryData: &f.item.Data,
		})
	}
	return out, nil
}

// A foundItem is one of a history, and where it is.
type foundItem struct {
	key  historyKey
	item historyItem
}

// place is text whose order is that of the items.
func (f *foundItem) place() string {
	return f.key.At.UTC().Format("2006-01-02T15:04:05.000000000") + " " + f.key.Alarm.String() + " " + string(rune('0'+f.key.N))
}
