package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cloudwatch/formula"
	"github.com/aloft-cloud/aloft/internal/store"
)

// dataPage is how many data points an answer has at most.
const dataPage = 100_800

// GetMetricData evaluates queries: statistics of metrics, and math over them.
func (s *Service) GetMetricData(ctx context.Context, call *aws.Call, in *api.GetMetricDataInput) (*api.GetMetricDataOutput, error) {
	if !in.StartTime.Before(in.EndTime) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	p, err := newPlan(call, "MetricDataQueries", in.MetricDataQueries, in.StartTime, in.EndTime)
	if err != nil {
		return nil, err
	}
	zone := time.UTC
	if in.LabelOptions != nil && in.LabelOptions.Timezone != nil {
		if zone, err = parseZone(*in.LabelOptions.Timezone); err != nil {
			return nil, badValue("The value %s for parameter LabelOptions.Timezone is invalid.", *in.LabelOptions.Timezone)
		}
	}
	text, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	skip, err := strconv.Atoi("0" + text)
	if err != nil {
		return nil, badValue("The value %s for parameter NextToken is invalid.", *in.NextToken)
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	var results []api.MetricDataResult
	err = s.DB.View(ctx, func(tx *store.Tx) (err error) {
		p.begin(tx)
		results, err = p.results(zone)
		return err
	})
	if err != nil {
		return nil, err
	}
	if aws.Value(in.ScanBy) != api.ScanByTimestampAscending {
		for i := range results {
			slices.Reverse(results[i].Timestamps)
			slices.Reverse(results[i].Values)
		}
	}
	most := min(max(int(aws.Or(in.MaxDatapoints, dataPage)), 1), dataPage)
	return pageOf(results, skip, most), nil
}

// begin forgets what was evaluated, and goes on in tx.
func (p *plan) begin(tx *store.Tx) {
	p.tx = tx
	for _, q := range p.queries {
		q.busy, q.done, q.units = false, false, nil
	}
}

// results evaluates the queries whose data are to be returned.
func (p *plan) results(zone *time.Location) ([]api.MetricDataResult, error) {
	results := []api.MetricDataResult{}
	labels := p.labels()
	for _, q := range p.queries {
		if !aws.Or(q.ReturnData, true) {
			continue
		}
		v, err := p.eval(q)
		if err != nil {
			return nil, err
		}
		if v.Kind == formula.Number {
			return nil, invalid("Error in expression '%s': the result is a scalar, and must be a time series or an array of them", q.Id)
		}
		for _, series := range v.Series {
			r := api.MetricDataResult{Id: &q.Id, StatusCode: new(api.StatusCodeComplete), Values: slices.Clone(series.Values), Timestamps: make([]time.Time, 0, len(series.Times))}
			if r.Values == nil {
				r.Values = []float64{}
			}
			for _, t := range series.Times {
				r.Timestamps = append(r.Timestamps, time.Unix(t, 0).UTC())
			}
			usual := labels[q]
			if v.Kind == formula.List && series.Label != "" {
				usual = series.Label
				if q.Label != nil && !strings.Contains(*q.Label, "${") {
					usual = *q.Label + " " + series.Label
				}
			}
			r.Label = &usual
			if q.Label != nil && (v.Kind != formula.List || strings.Contains(*q.Label, "${")) {
				r.Label = new(fillLabel(*q.Label, usual, q, series, zone, p.now))
			}
			if len(q.units) > 0 {
				r.Messages = []api.MessageData{{Code: new("MultipleUnits"), Value: new(fmt.Sprintf("Multiple units returned: '[%s]'", strings.Join(q.units, ", ")))}}
			}
			results = append(results, r)
		}
	}
	return results, nil
}

// labels are what queries are called that do not say it.
func (p *plan) labels() map[*query]string {
	labels := make(map[*query]string)
	var of []*query
	for _, q := range p.queries {
		labels[q] = q.Id
		if q.formula == nil && aws.Or(q.ReturnData, true) {
			of = append(of, q)
		}
	}
	for _, q := range of {
		var same []*query // those that only the rest tells apart from q
		for _, other := range of {
			if other.metric.Name == q.metric.Name && other.Label == nil {
				same = append(same, other)
			}
		}
		if len(same) == 0 {
			labels[q] = q.metric.Name
			continue
		}
		texts := distinct(len(same), func(i int) []string {
			return partsOf(&same[i].metric, same[i].stat.String(), strconv.FormatInt(same[i].period(), 10))
		})
		labels[q] = q.metric.Name
		if i := slices.Index(same, q); i >= 0 {
			labels[q] = texts[i]
		}
	}
	return labels
}

// pageOf is the most data points of results after those that are skipped.
func pageOf(results []api.MetricDataResult, skip, most int) *api.GetMetricDataOutput {
	out := &api.GetMetricDataOutput{MetricDataResults: []api.MetricDataResult{}, Messages: []api.MessageData{}}
	left, passed := most, 0
	for i := range results {
		r := results[i]
		n := len(r.Values)
		from := min(max(skip-passed, 0), n)
		to := min(from+left, n)
		r.Values, r.Timestamps = r.Values[from:to], r.Timestamps[from:to]
		passed += n
		left -= to - from
		if to < n {
			r.StatusCode = new(api.StatusCodePartialData)
			out.NextToken = newToken(strconv.Itoa(skip + most))
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out
}
