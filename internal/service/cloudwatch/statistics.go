package cloudwatch

import (
	"context"
	"slices"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxDatapoints is how many one GetMetricStatistics asks for at most.
const maxDatapoints = 1440

// GetMetricStatistics returns statistics of a metric by period.
func (s *Service) GetMetricStatistics(ctx context.Context, call *aws.Call, in *api.GetMetricStatisticsInput) (*api.GetMetricStatisticsOutput, error) {
	wanted, err := checkStatistics(in)
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	m := newMetric(in.Namespace, in.MetricName, in.Dimensions)
	sp := newSpan(in.StartTime, in.EndTime, int64(in.Period), time.Now())
	out := &api.GetMetricStatisticsOutput{Label: &in.MetricName}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out.Datapoints = []api.Datapoint{}
		bins, err := readBins(tx, metricsOf(call), &m, sp)
		if err != nil {
			return err
		}
		for _, name := range bins.units() {
			if in.Unit != nil && name != *in.Unit {
				continue
			}
			unit := unitOf(name)
			for _, at := range bins.times(unit) {
				d := api.Datapoint{Timestamp: new(time.Unix(at, 0).UTC()), Unit: &name}
				if fillIn(&d, bins[unit][at], wanted) {
					out.Datapoints = append(out.Datapoints, d)
				}
			}
		}
		return nil
	})
	return out, err
}

// checkStatistics returns the statistics that an input asks for, or a refusal.
func checkStatistics(in *api.GetMetricStatisticsInput) ([]stat.Statistic, error) {
	if !in.StartTime.Before(in.EndTime) {
		return nil, badValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	if err := checkPeriod("Period", int64(in.Period)); err != nil {
		return nil, err
	}
	if in.Statistics == nil && in.ExtendedStatistics == nil {
		return nil, badCombination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	if n := int64(in.EndTime.Sub(in.StartTime)/time.Second) / int64(in.Period); n > maxDatapoints {
		return nil, badCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	var wanted []stat.Statistic
	for _, name := range slices.Concat(in.Statistics, in.ExtendedStatistics) {
		st, ok := stat.Parse(name)
		if !ok {
			return nil, badValue("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		wanted = append(wanted, st)
	}
	return wanted, nil
}

// fillIn gives d the statistics of a set, and says whether any could be told.
func fillIn(d *api.Datapoint, set *stat.Set, wanted []stat.Statistic) (any bool) {
	for _, st := range wanted {
		v, ok := st.Of(set)
		if !ok {
			continue
		}
		any = true
		switch st.String() {
		case api.StatisticSampleCount:
			d.SampleCount = &v
		case api.StatisticAverage:
			d.Average = &v
		case api.StatisticSum:
			d.Sum = &v
		case api.StatisticMinimum:
			d.Minimum = &v
		case api.StatisticMaximum:
			d.Maximum = &v
		default:
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = make(map[string]float64)
			}
			d.ExtendedStatistics[st.String()] = v
		}
	}
	return any
}
