package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cloudwatch/formula"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	lateness = 5 * time.Second // that data have until the alarms of a minute are evaluated
	extra    = 2               // periods besides those to evaluate that are looked at, since data may be late
)

// runChecks evaluates the alarms that are due.
func (s *Service) runChecks(ctx context.Context) (time.Duration, error) {
	if err := s.settle(ctx); err != nil {
		return 0, err
	}
	return checks.Run(ctx, s.DB, s.checkDue)
}

// checkDue evaluates an alarm, and says when it is due again.
func (s *Service) checkDue(tx *store.Tx, was time.Time, arn aws.ARN) error {
	row, err := alarms.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) || err == nil && !row.Check.Equal(was) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	row.Check = time.Time{} // it was taken from what is due
	if err := checks.Move(tx, arn, &row.Check, nextCheck(row.Metric, now), s.check); err != nil {
		return err
	}
	v, err := evaluate(tx, arn, &row, now)
	if _, isRefusal := errors.AsType[*aws.Error](err); isRefusal {
		v, err = verdict{state: api.StateValueInsufficientData, reason: "Insufficient Data: " + aws.Refusal(err).Message}, nil
	}
	if err != nil {
		return err
	}
	if v.state == row.State || v.state == "" {
		return alarms.Put(tx, arn, row)
	}
	return s.enter(tx, arn, &row, v, now)
}

// step is how often an alarm is evaluated: each minute, or each ten seconds if
// its period is shorter.
func step(in *api.PutMetricAlarmInput) time.Duration {
	if aws.Or(in.Period, minute) < minute {
		return 10 * time.Second
	}
	return time.Minute
}

// nextCheck is when an alarm is evaluated next.
func nextCheck(in *api.PutMetricAlarmInput, now time.Time) time.Time {
	return now.Add(-lateness).Truncate(step(in)).Add(step(in) + lateness)
}

// A watch is what a metric alarm watches.
type watch struct {
	plan   *plan
	query  *query // whose data count
	period int64
}

// newWatch is what an alarm of an account and region watches, or a refusal.
func newWatch(of aws.ARN, in *api.PutMetricAlarmInput) (*watch, error) {
	queries := in.Metrics
	if queries == nil {
		queries = []api.MetricDataQuery{{Id: "m1", MetricStat: &api.MetricStat{
			Metric: &api.Metric{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions},
			Period: *in.Period, Stat: aws.Or(in.Statistic, in.GetExtendedStatistic()), Unit: in.Unit,
		}}}
	}
	p, err := newPlan(&aws.Call{Account: of.Account, Region: of.Region}, "Metrics", queries, time.Time{}, time.Time{})
	if err != nil {
		return nil, err
	}
	w := &watch{plan: p}
	for _, q := range p.queries {
		if !aws.Or(q.ReturnData, true) {
			continue
		}
		if w.query != nil {
			return nil, invalid("Exactly one element of the metrics list should return data.")
		}
		w.query = q
	}
	if w.query == nil {
		return nil, invalid("Exactly one element of the metrics list should return data.")
	}
	if w.period = w.query.period(); w.period == 0 {
		w.period = p.longest(w.query.formula)
	}
	if w.period == 0 {
		return nil, invalid("Period must not be null")
	}
	p.aligned = true
	return w, nil
}

// A datum is what an alarm looks at in a period.
type datum struct {
	at    int64
	value float64
}

// read returns the data of n periods before end, the latest first, where there are any.
func (w *watch) read(tx *store.Tx, end int64, n int) ([]datum, error) {
	w.plan.from, w.plan.to = time.Unix(end-int64(n)*w.period, 0), time.Unix(end, 0)
	w.plan.begin(tx)
	v, err := w.plan.eval(w.query)
	if err != nil {
		return nil, err
	}
	if v.Kind != formula.TimeSeries {
		return nil, invalid("The expression of an alarm must return a single time series, and not %s.", v.Kind)
	}
	var data []datum
	series := v.Series[0]
	for i, t := range slices.Backward(series.Times) {
		data = append(data, datum{t, series.Values[i]})
	}
	return data, nil
}

// A verdict is the state that an alarm is to be in, and why; no state leaves it.
type verdict struct {
	state, reason, data string
	triggering          []child // of a composite alarm
}

// evaluate tells the state that a metric alarm is to be in.
func evaluate(tx *store.Tx, arn aws.ARN, row *alarm, now time.Time) (verdict, error) {
	in := row.Metric
	w, err := newWatch(arn, in)
	if err != nil {
		return verdict{}, err
	}
	n := int(*in.EvaluationPeriods)
	end := now.Add(-lateness).Truncate(step(in)).Unix()
	data, err := w.read(tx, end, n+extra)
	if err != nil {
		return verdict{}, err
	}
	if len(data) > n {
		data = data[:n]
	}
	v := judge(in, data, end, w.period)
	v.reason = reasonFor(in, v, data, row.State)
	v.data = reasonData(in, w, data, end, now)
	return v.verdict, nil
}

// A judgement is a verdict, and what it was made of.
type judgement struct {
	verdict
	breaching int // of the data
	filled    int // data that were missing and taken for something
}

// judge tells the state by the latest data that there are, as AWS does when
// some are missing. The last period ends at end.
func judge(in *api.PutMetricAlarmInput, data []datum, end, period int64) judgement {
	n, m := int(*in.EvaluationPeriods), int(aws.Or(in.DatapointsToAlarm, *in.EvaluationPeriods))
	v := judgement{filled: n - len(data)}
	oldest := int64(0) // how many periods ago the oldest datum was that breaches
	for _, d := range data {
		if breaches(in, d.value) {
			v.breaching, oldest = v.breaching+1, (end-d.at)/period
		}
	}
	all := len(data) > 0 && v.breaching == len(data)
	bad := v.breaching
	switch in.GetTreatMissingData() {
	case "breaching":
		bad += v.filled
	case "notBreaching":
	case "ignore":
		if v.filled > 0 && bad < m && (len(data) == 0 || all) {
			return v // as it was
		}
	default:
		if len(data) == 0 {
			v.state = api.StateValueInsufficientData
			return v
		}
		if v.filled > 0 && all && bad < m {
			if oldest < int64(m) {
				return v // too soon to tell
			}
			bad = m
		}
	}
	v.state = api.StateValueOk
	if bad >= m {
		v.state = api.StateValueAlarm
	}
	return v
}

// comparisons are the operators of alarms, and how reasons word them.
var comparisons = map[string]struct {
	holds func(v, threshold float64) bool
	words string
}{
	api.ComparisonOperatorGreaterThanThreshold:          {func(v, t float64) bool { return v > t }, "greater than the threshold"},
	api.ComparisonOperatorGreaterThanOrEqualToThreshold: {func(v, t float64) bool { return v >= t }, "greater than or equal to the threshold"},
	api.ComparisonOperatorLessThanThreshold:             {func(v, t float64) bool { return v < t }, "less than the threshold"},
	api.ComparisonOperatorLessThanOrEqualToThreshold:    {func(v, t float64) bool { return v <= t }, "less than or equal to the threshold"},
}

func breaches(in *api.PutMetricAlarmInput, v float64) bool {
	return comparisons[*in.ComparisonOperator].holds(v, *in.Threshold)
}

// reasonFor is why an alarm enters a state, in AWS's words.
func reasonFor(in *api.PutMetricAlarmInput, v judgement, data []datum, was string) string {
	n, m := int(*in.EvaluationPeriods), int(aws.Or(in.DatapointsToAlarm, *in.EvaluationPeriods))
	if v.state == api.StateValueInsufficientData {
		return fmt.Sprintf("Insufficient Data: %s unknown.", counted(n, "datapoint was", "datapoints were"))
	}
	if len(data) == 0 {
		as := "NonBreaching"
		if in.GetTreatMissingData() == "breaching" {
			as = "Breaching"
		}
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s treated as [%s].",
			counted(n, "period", "periods"), counted(n, "missing datapoint was", "missing datapoints were"), as)
	}
	var shown []string
	told := 0
	for _, d := range data {
		if breaches(in, d.value) == (v.state == api.StateValueAlarm) {
			told++
			shown = append(shown, fmt.Sprintf("%s (%s)", number(d.value), time.Unix(d.at, 0).UTC().Format("02/01/06 15:04:05")))
		}
	}
	verb, not, least := "was", "", m
	if told != 1 {
		verb = "were"
	}
	if v.state == api.StateValueOk {
		not, least = "not ", n-m+1
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s (%s) (minimum %s for %s -> %s transition).",
		told, n, strings.Join(shown, ", "), verb, not, comparisons[*in.ComparisonOperator].words, number(*in.Threshold),
		counted(least, "datapoint", "datapoints"), transitionFrom(was, v.state), v.state)
}

// transitionFrom is the state that reasons name as the one before.
func transitionFrom(was, now string) string {
	if was == api.StateValueInsufficientData && now == api.StateValueAlarm {
		return api.StateValueOk
	}
	if was == api.StateValueInsufficientData {
		return api.StateValueAlarm
	}
	return was
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// stampLayout is how AWS writes times in what it tells of alarms.
const stampLayout = "2006-01-02T15:04:05.000-0700"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// reasonData is the reason as JSON, for programs.
func reasonData(in *api.PutMetricAlarmInput, w *watch, data []datum, end int64, now time.Time) string {
	type evaluated struct {
		Timestamp string   `json:"timestamp"`
		Value     *float64 `json:"value,omitempty"`
	}
	reason := struct {
		Version   string      `json:"version"`
		QueryDate string      `json:"queryDate"`
		StartDate string      `json:"startDate,omitempty"`
		Unit      *string     `json:"unit,omitempty"`
		Statistic *string     `json:"statistic,omitempty"`
		Period    int64       `json:"period"`
		Recent    []float64   `json:"recentDatapoints"`
		Threshold float64     `json:"threshold"`
		Evaluated []evaluated `json:"evaluatedDatapoints"`
	}{
		Version: "1.0", QueryDate: stamp(now), Unit: in.Unit, Statistic: in.Statistic, Period: w.period,
		Recent: []float64{}, Threshold: *in.Threshold, Evaluated: []evaluated{},
	}
	if in.Statistic == nil {
		reason.Statistic = in.ExtendedStatistic
	}
	for i := range int64(*in.EvaluationPeriods) {
		at := end - (i+1)*w.period
		e := evaluated{Timestamp: stamp(time.Unix(at, 0))}
		if k := slices.IndexFunc(data, func(d datum) bool { return d.at == at }); k >= 0 {
			e.Value = &data[k].value
		}
		reason.Evaluated = append(reason.Evaluated, e)
	}
	for _, d := range slices.Backward(data) {
		reason.Recent = append(reason.Recent, d.value)
		if reason.StartDate == "" {
			reason.StartDate = stamp(time.Unix(d.at, 0))
		}
	}
	text, err := toJSON(reason)
	if err != nil {
		return "" // numbers that no data have
	}
	return string(text)
}
