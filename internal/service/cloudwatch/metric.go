package cloudwatch

import (
	"context"
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of PutMetricData.
const (
	maxData   = 1000 // of one request
	maxValues = 150  // of one datum
	maxPast   = 14 * 24 * time.Hour
	maxFuture = 2 * time.Hour
	reserved  = "AWS/" // begins namespaces of services
)

const (
	noteEvery   = 10 * time.Minute    // how exactly it is known when a metric last had data
	listed      = 14 * 24 * time.Hour // since its last data a metric is listed
	recently    = 3 * time.Hour
	metricsPage = 500
)

// PutMetricData adds to metrics. All of a request counts or nothing does.
func (s *Service) PutMetricData(ctx context.Context, call *aws.Call, in *api.PutMetricDataInput) (*api.PutMetricDataOutput, error) {
	if strings.HasPrefix(in.Namespace, reserved) {
		return nil, badValue("The value %s for parameter Namespace is invalid.", in.Namespace)
	}
	data := in.MetricData
	for _, e := range in.EntityMetricData {
		data = append(data[:len(data):len(data)], e.MetricData...)
	}
	if len(data) == 0 {
		return nil, api.MissingRequiredParameterException.Errorf("The parameter MetricData is required.")
	}
	if len(data) > maxData {
		return nil, badValue("The collection MetricData must not have a size greater than %d.", maxData)
	}
	now := time.Now()
	samples := make([]sample, 0, len(data))
	for i := range data {
		sm, err := newSample(in.Namespace, i+1, &data[i], now)
		if err != nil {
			return nil, err
		}
		samples = append(samples, sm)
	}
	err := s.DB.Update(ctx, func(tx *store.Tx) error { return s.put(tx, metricsOf(call), samples, now) })
	if err != nil {
		return nil, err
	}
	return &api.PutMetricDataOutput{}, nil
}

// A sample is something measured of a metric.
type sample struct {
	metric metric
	at     time.Time
	fine   bool // it is kept by the second
	unit   byte
	set    stat.Set
}

// newSample makes the nth datum of a request a sample, or refuses it.
func newSample(namespace string, n int, d *api.MetricDatum, now time.Time) (sample, error) {
	sm := sample{metric: newMetric(namespace, d.MetricName, d.Dimensions), at: aws.Or(d.Timestamp, now), unit: unitOf(aws.Value(d.Unit))}
	switch r := aws.Or(d.StorageResolution, 60); r {
	case 1:
		sm.fine = true
	case 60:
	default:
		return sm, badValue("The value %d for parameter MetricData.member.%d.StorageResolution is invalid.", r, n)
	}
	switch {
	case d.Value != nil && d.Values != nil:
		return sm, exclusive(n, "Value", "Values")
	case d.Value != nil && d.StatisticValues != nil:
		return sm, exclusive(n, "Value", "StatisticValues")
	case d.Values != nil && d.StatisticValues != nil:
		return sm, exclusive(n, "Values", "StatisticValues")
	case d.Value == nil && d.Values == nil && d.StatisticValues == nil:
		return sm, badCombination("At least one of the parameters must be specified.")
	case d.Counts != nil && len(d.Counts) != len(d.Values):
		return sm, badValue("The parameters MetricData.member.%d.Values and MetricData.member.%d.Counts must be of the same size.", n, n)
	case len(d.Values) > maxValues:
		return sm, badValue("The collection MetricData.member.%d.Values must not have a size greater than %d.", n, maxValues)
	case sm.at.Before(now.Add(-maxPast)):
		return sm, badValue("The parameter MetricData.member.%d.Timestamp must specify a time no more than two weeks in the past.", n)
	case sm.at.After(now.Add(maxFuture)):
		return sm, badValue("The parameter MetricData.member.%d.Timestamp must specify a time no more than two hours in the future.", n)
	}
	return sm, sm.measure(n, d)
}

// measure takes what a datum measured.
func (sm *sample) measure(n int, d *api.MetricDatum) error {
	bad := func(member string, v float64) error {
		// Values from -2^360 to 2^360 are good.
		if math.IsNaN(v) || math.Abs(v) > math.Ldexp(1, 360) {
			return badValue("The value %v for parameter MetricData.member.%d.%s is invalid.", v, n, member)
		}
		return nil
	}
	switch st := d.StatisticValues; {
	case d.Value != nil:
		sm.set.Add(*d.Value, 1)
		return bad("Value", *d.Value)
	case st != nil:
		if st.Minimum > st.Maximum {
			return badValue("The parameter MetricData.member.%d.StatisticValues.Maximum must be greater than MetricData.member.%d.StatisticValues.Minimum.", n, n)
		}
		if st.SampleCount <= 0 {
			return badValue("The parameter MetricData.member.%d.StatisticValues.SampleCount must be greater than 0.", n)
		}
		sm.set.AddStatistics(st.SampleCount, st.Sum, st.Minimum, st.Maximum)
		return errors.Join(bad("StatisticValues.Sum", st.Sum), bad("StatisticValues.SampleCount", st.SampleCount),
			bad("StatisticValues.Minimum", st.Minimum), bad("StatisticValues.Maximum", st.Maximum))
	}
	for i, v := range d.Values {
		times := 1.0
		if d.Counts != nil {
			times = d.Counts[i]
		}
		if err := errors.Join(bad("Values", v), bad("Counts", times)); err != nil {
			return err
		}
		if times < 0 {
			return badValue("The value %v for parameter MetricData.member.%d.Counts is invalid.", times, n)
		}
		if times > 0 {
			sm.set.Add(v, times)
		}
	}
	return nil
}

// put adds samples to metrics of an account and region.
func (s *Service) put(tx *store.Tx, of aws.ARN, samples []sample, now time.Time) error {
	rows := points.Rows(of)
	for i := range samples {
		sm := &samples[i]
		if sm.set.Count == 0 {
			continue
		}
		id := sm.metric.id()
		if err := s.note(tx, metricKey{of, string(id)}, sm.fine, now); err != nil {
			return err
		}
		t := 1
		if sm.fine {
			t = 0
		}
		at := sm.at.Unix()
		set := sm.set.Clone()
		if err := mergePoint(tx, rows, pointKey(id, t, at-at%tiers[t].seconds, sm.unit), &set); err != nil {
			return err
		}
	}
	return nil
}

// note keeps that a metric has new data, and that it is to be swept.
func (s *Service) note(tx *store.Tx, key metricKey, fine bool, now time.Time) error {
	rows := metrics.Rows(key.Of)
	var row metricRow
	err := rows.Read(tx, []byte(key.ID), row.UnmarshalBinary)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	t := 1
	if fine {
		t = 0
	}
	sweep := now.Add(tiers[t].keep + sweepEvery(t)).Truncate(time.Minute)
	sooner := row.Sweep.IsZero() || errors.Is(err, store.ErrNotFound) || sweep.Before(row.Sweep)
	if err == nil && now.Sub(row.Last) < noteEvery && !sooner {
		return nil
	}
	if errors.Is(err, store.ErrNotFound) {
		row = metricRow{}
	}
	row.Last = now
	if sooner {
		if err := sweeps.Move(tx, key, &row.Sweep, sweep, s.sweep); err != nil {
			return err
		}
	}
	b, err := row.AppendBinary(nil)
	if err != nil {
		return err
	}
	return rows.Put(tx, []byte(key.ID), b)
}

// ListMetrics lists metrics that had data in the last two weeks.
func (s *Service) ListMetrics(ctx context.Context, call *aws.Call, in *api.ListMetricsInput) (*api.ListMetricsOutput, error) {
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	if in.OwningAccount != nil && *in.OwningAccount != call.Account {
		return nil, badValue("The value %s for parameter OwningAccount is invalid.", *in.OwningAccount)
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	since := listed
	if in.RecentlyActive != nil {
		since = recently + noteEvery
	}
	out := &api.ListMetricsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListMetricsOutput{Metrics: []api.Metric{}}
		oldest := time.Now().Add(-since)
		var last []byte
		return scanMetrics(tx, metricsOf(call), in.GetNamespace(), in.GetMetricName(), after, func(id []byte, m metric, row metricRow) bool {
			if row.Last.Before(oldest) || !m.has(in.Dimensions) {
				return true
			}
			if len(out.Metrics) == metricsPage {
				out.NextToken = newToken(string(last))
				return false
			}
			last = append(last[:0], id...)
			out.Metrics = append(out.Metrics, m.describe())
			if aws.Value(in.IncludeLinkedAccounts) {
				out.OwningAccounts = append(out.OwningAccounts, call.Account)
			}
			return true
		})
	})
	return out, err
}

// scanMetrics yields metrics in order, after one; "" is any namespace or name.
func scanMetrics(tx *store.Tx, of aws.ARN, namespace, name, after string, yield func([]byte, metric, metricRow) bool) error {
	var lo, hi []byte
	if namespace != "" {
		lo = store.AppendString(lo, namespace)
		if name != "" {
			lo = store.AppendString(lo, name)
		}
		hi = store.KeyAfter(lo)
	}
	if after >= string(lo) && after != "" {
		lo = append([]byte(after), 0)
	}
	for id, b := range metrics.Rows(of).Scan(tx, lo, hi) {
		m, err := parseID(id)
		if err != nil {
			return err
		}
		var row metricRow
		if err := row.UnmarshalBinary(b); err != nil {
			return err
		}
		if name != "" && m.Name != name {
			continue
		}
		if !yield(id, m, row) {
			break
		}
	}
	return tx.Err()
}

// has says whether m has all these dimensions.
func (m *metric) has(filters []api.DimensionFilter) bool {
	for _, f := range filters {
		found := false
		for _, d := range m.Dimensions {
			found = found || d.Name == f.Name && (f.Value == nil || d.Value == *f.Value)
		}
		if !found {
			return false
		}
	}
	return true
}

func (m *metric) describe() api.Metric {
	dimensions := m.Dimensions
	if dimensions == nil {
		dimensions = []api.Dimension{}
	}
	return api.Metric{Namespace: &m.Namespace, MetricName: &m.Name, Dimensions: dimensions}
}

// newToken is a token for what comes after last.
func newToken(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

// parseToken returns what a token was made from, "" if there is none.
func parseToken(token *string) (string, error) {
	last, err := base64.RawURLEncoding.DecodeString(aws.Value(token))
	if err != nil {
		return "", badValue("The value %s for parameter NextToken is invalid.", *token)
	}
	return string(last), nil
}
