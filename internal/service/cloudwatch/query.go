package cloudwatch

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cloudwatch/formula"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxQueries  = 500 // of one request
	maxSearched = 100 // time series that a SEARCH finds
	minute      = 60  // seconds
)

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// A query is one of the queries of a request.
type query struct {
	api.MetricDataQuery
	member  string // where it was in the request, for refusals
	metric  metric
	stat    stat.Statistic
	formula *formula.Formula

	busy  bool // being evaluated
	done  bool
	value formula.Value
	units []string // that its metric has data in, if several
}

// A plan is the queries of a request, checked, and what they are about.
type plan struct {
	queries []*query
	byID    map[string]*query
	of      aws.ARN
	from    time.Time
	to      time.Time
	now     time.Time
	tx      *store.Tx
	aligned bool // periods are aligned to their end, as those of alarms
}

// newPlan checks the queries of a request, which are at member of it.
func newPlan(call *aws.Call, member string, queries []api.MetricDataQuery, from, to time.Time) (*plan, error) {
	if len(queries) > maxQueries {
		return nil, invalid("The collection %s must not have a size greater than %d.", member, maxQueries)
	}
	p := &plan{byID: make(map[string]*query), of: metricsOf(call), from: from, to: to, now: time.Now()}
	for i := range queries {
		q := &query{MetricDataQuery: queries[i], member: fmt.Sprintf("%s.member.%d", member, i+1)}
		if err := q.check(call); err != nil {
			return nil, err
		}
		if p.byID[q.Id] != nil {
			return nil, invalid("The values for parameter id in %s are not unique.", member)
		}
		p.byID[q.Id] = q
		p.queries = append(p.queries, q)
	}
	for _, q := range p.queries {
		if q.formula == nil {
			continue
		}
		for _, id := range q.formula.IDs() {
			if p.byID[id] == nil {
				return nil, invalid("Error in expression '%s': Id '%s' is not found", q.Id, id)
			}
		}
	}
	return p, nil
}

// check refuses a query, or reads what it says.
func (q *query) check(call *aws.Call) error {
	if !queryID.MatchString(q.Id) {
		return invalid("The value %s for parameter %s.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.Id, q.member)
	}
	if q.AccountId != nil && *q.AccountId != call.Account {
		return aws.NotImplemented.Errorf("Aloft does not read metrics of other accounts yet.")
	}
	switch {
	case q.MetricStat != nil && q.Expression != nil:
		return badCombination("The parameters %s.Expression and %s.MetricStat are mutually exclusive and you have specified both.", q.member, q.member)
	case q.MetricStat == nil && q.Expression == nil:
		return badCombination("Either the parameter %s.Expression or %s.MetricStat must be specified.", q.member, q.member)
	case q.Expression != nil:
		return q.checkExpression()
	}
	st := q.MetricStat
	if st.Metric.Namespace == nil || st.Metric.MetricName == nil {
		return required(q.member + ".MetricStat.Metric.MetricName")
	}
	var ok bool
	if q.stat, ok = stat.Parse(st.Stat); !ok {
		return badValue("The value %s for parameter %s.MetricStat.Stat is not supported.", st.Stat, q.member)
	}
	q.metric = newMetric(*st.Metric.Namespace, *st.Metric.MetricName, st.Metric.Dimensions)
	return checkPeriod(q.member+".MetricStat.Period", int64(st.Period))
}

// refused are functions of AWS's that nothing here answers.
var refused = []string{"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"}

func (q *query) checkExpression() error {
	if strings.HasPrefix(strings.ToUpper(strings.TrimSpace(*q.Expression)), "SELECT ") {
		return aws.NotImplemented.Errorf("Aloft does not have Metrics Insights queries (SELECT) yet.")
	}
	if q.Period != nil {
		if err := checkPeriod(q.member+".Period", int64(*q.Period)); err != nil {
			return err
		}
	}
	f, err := formula.Parse(*q.Expression)
	if err != nil {
		return invalid("Error in expression '%s': %s", q.Id, err)
	}
	for _, name := range refused {
		if f.Calls(name) {
			return aws.NotImplemented.Errorf("Aloft does not have the metric math function %s yet.", name)
		}
	}
	q.formula = f
	return nil
}

// period is that of q's data, as far as it says.
func (q *query) period() int64 {
	if q.MetricStat != nil {
		return int64(q.MetricStat.Period)
	}
	return int64(aws.Value(q.Period))
}

// span is what is read for data of a period.
func (p *plan) span(period int64) span {
	if p.aligned {
		return span{p.from.Unix(), p.to.Unix(), period}
	}
	return newSpan(p.from, p.to, period, p.now)
}

// longest is the longest period of p's metrics that f is made of.
func (p *plan) longest(f *formula.Formula) int64 {
	longest := int64(0)
	for _, id := range f.IDs() {
		q := p.byID[id]
		if longest = max(longest, q.period()); q.formula != nil && !q.busy {
			q.busy = true
			longest = max(longest, p.longest(q.formula))
			q.busy = false
		}
	}
	if f.Calls("METRICS") {
		for _, q := range p.queries {
			if q.formula == nil {
				longest = max(longest, q.period())
			}
		}
	}
	return longest
}

// eval returns what q comes to.
func (p *plan) eval(q *query) (formula.Value, error) {
	if q.done {
		return q.value, nil
	}
	if q.busy {
		return q.value, invalid("Error in expression '%s': it refers to itself", q.Id)
	}
	q.busy = true
	defer func() { q.busy = false }()
	var err error
	if q.formula == nil {
		var series *formula.Series
		if series, q.units, err = p.read(&q.metric, q.stat, q.period(), q.MetricStat.Unit); err == nil {
			q.value = formula.Of(series)
		}
	} else {
		q.value, err = p.evalFormula(q)
	}
	q.done = err == nil
	return q.value, err
}

func (p *plan) evalFormula(q *query) (formula.Value, error) {
	period := cmp.Or(q.period(), p.longestOf(q), minute)
	sp := p.span(period)
	v, err := q.formula.Eval(&formula.Env{
		From: sp.from, To: sp.to, Period: period,
		Look: func(id string) (formula.Value, error) { return p.eval(p.byID[id]) },
		Metrics: func(part string) (all []*formula.Series) {
			for _, m := range p.queries {
				if m.formula != nil || !strings.Contains(m.Id, part) {
					continue
				}
				if v, err := p.eval(m); err == nil {
					all = append(all, v.Series...)
				}
			}
			return all
		},
		Search: func(fq *formula.Query, statistic string, period int64) ([]*formula.Series, error) {
			return p.search(fq, statistic, period)
		},
	})
	if err == nil && v.Kind == formula.Text {
		err = fmt.Errorf("the result is a string")
	}
	if _, isRefusal := err.(*aws.Error); err != nil && !isRefusal {
		return v, invalid("Error in expression '%s': %s", q.Id, err)
	}
	return v, err
}

// longestOf is longest, and a period for what is made of nothing.
func (p *plan) longestOf(q *query) int64 {
	q.busy = true // it was already
	return p.longest(q.formula)
}

// read returns a statistic of a metric by time. If no unit is asked for, it is
// that of the first of the units that there is data in; all are returned then.
func (p *plan) read(m *metric, st stat.Statistic, period int64, unit *string) (*formula.Series, []string, error) {
	bins, err := readBins(p.tx, p.of, m, p.span(period))
	if err != nil {
		return nil, nil, err
	}
	series := &formula.Series{Label: m.Name, Metric: m, Period: period}
	had := bins.units()
	if len(had) == 0 {
		return series, nil, nil
	}
	chosen := aws.Or(unit, had[0])
	for _, at := range bins.times(unitOf(chosen)) {
		if v, ok := st.Of(bins[unitOf(chosen)][at]); ok {
			series.Times, series.Values = append(series.Times, at), append(series.Values, v)
		}
	}
	if unit != nil || len(had) == 1 {
		had = nil
	}
	return series, had, nil
}

// search reads a statistic of the metrics that a search finds.
func (p *plan) search(fq *formula.Query, statistic string, period int64) ([]*formula.Series, error) {
	st, ok := stat.Parse(statistic)
	if !ok {
		return nil, fmt.Errorf("SEARCH: unknown statistic %q", statistic)
	}
	var found []metric
	oldest := p.now.Add(-listed)
	err := scanMetrics(p.tx, p.of, fq.Namespace, "", "", func(_ []byte, m metric, row metricRow) bool {
		c := &formula.Candidate{Namespace: m.Namespace, Name: m.Name}
		for _, d := range m.Dimensions {
			c.Dimensions = append(c.Dimensions, [2]string{d.Name, d.Value})
		}
		if row.Last.After(oldest) && fq.Match(c) {
			found = append(found, m)
		}
		return len(found) < maxSearched
	})
	if err != nil {
		return nil, err
	}
	var all []*formula.Series
	for i := range found {
		series, _, err := p.read(&found[i], st, period, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, series)
	}
	labels := distinct(len(found), func(i int) []string { return partsOf(&found[i], statistic, strconv.FormatInt(period, 10)) })
	for i, series := range all {
		series.Label = labels[i]
	}
	return all, nil
}
