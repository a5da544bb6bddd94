package cloudwatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// remembered is for how long the history of an alarm is kept.
const remembered = 30 * 24 * time.Hour

// A historyKey is a moment of an alarm; N tells apart those at one time.
type historyKey struct {
	Alarm aws.ARN
	At    time.Time
	N     int
}

// A historyItem is something that happened to an alarm.
type historyItem struct{ AlarmType, Type, Summary, Data string }

// record adds to the history of an alarm, of which it forgets what is old.
func record(tx *store.Tx, arn aws.ARN, now time.Time, items ...historyItem) error {
	n := 0
	for key := range history.ScanReverse(tx, historyKey{Alarm: arn}) {
		if key.At.Equal(now) {
			n = key.N
		}
		break
	}
	for _, item := range items {
		n++
		if err := history.Put(tx, historyKey{arn, now, n}, item); err != nil {
			return err
		}
	}
	var old []historyKey
	for key := range history.Scan(tx, historyKey{Alarm: arn}) {
		if now.Sub(key.At) <= remembered {
			break
		}
		old = append(old, key)
	}
	for _, key := range old {
		if err := history.Delete(tx, key); err != nil {
			return err
		}
	}
	return tx.Err()
}

// enter puts an alarm in a state, and does what is to be done then.
func (s *Service) enter(tx *store.Tx, arn aws.ARN, row *alarm, v verdict, now time.Time) error {
	return s.enterAt(tx, arn, row, v, now, 0)
}

func (s *Service) enterAt(tx *store.Tx, arn aws.ARN, row *alarm, v verdict, now time.Time, depth int) error {
	was := *row
	row.State, row.Reason, row.ReasonData, row.Updated = v.state, v.reason, v.data, now
	if was.State == v.state {
		return alarms.Put(tx, arn, *row)
	}
	row.Transitioned = now
	if err := alarms.Put(tx, arn, *row); err != nil {
		return err
	}
	change := change{arn: arn, was: &was, is: row, triggering: v.triggering, at: now}
	items := []historyItem{change.item()}
	if err := s.tellBus(tx, &change); err != nil {
		return err
	}
	if row.Enabled {
		for _, action := range row.actions(v.state) {
			if err := s.act(tx, &change, action); err != nil {
				return err
			}
			items = append(items, historyItem{row.kind(), api.HistoryItemTypeAction, "Successfully executed action " + action, change.actionData(action)})
		}
	}
	if err := record(tx, arn, now, items...); err != nil {
		return err
	}
	return s.evaluateUp(tx, arn, now, depth)
}

// A change is an alarm's going from one state to another.
type change struct {
	arn        aws.ARN
	was, is    *alarm
	triggering []child
	at         time.Time
}

// act sends what an action of an alarm is about to its target.
func (s *Service) act(tx *store.Tx, c *change, action string) error {
	target, err := aws.ParseARN(action)
	if err != nil {
		return err // it was parsed when it was put
	}
	d := event.Delivery{Source: c.arn, Target: target}
	if target.Service == "lambda" {
		d.As = "lambda.alarms.cloudwatch"
		d.Body, err = toJSON(c.forFunction())
	} else {
		subject := fmt.Sprintf("%s: %q in %s", c.is.State, alarmName(c.arn), regionName(c.arn.Region))
		d.Params = map[string]string{event.Subject: subject[:min(len(subject), 100)]}
		d.Body, err = toJSON(c.forTopic())
	}
	if err != nil {
		return err
	}
	return s.Router.Send(tx, d)
}

// A trigger is what a metric alarm watches, as topics are told.
type trigger struct {
	MetricName                       *string             `json:",omitempty"`
	Namespace                        *string             `json:",omitempty"`
	StatisticType                    string              `json:",omitempty"`
	Statistic                        string              `json:",omitempty"`
	ExtendedStatistic                *string             `json:",omitempty"`
	Unit                             *string             `json:",omitempty"`
	Dimensions                       []map[string]string `json:",omitzero"`
	Period                           int64               `json:",omitempty"`
	EvaluationPeriods                int32               `json:",omitempty"`
	DatapointsToAlarm                *int32              `json:",omitempty"`
	ComparisonOperator               string              `json:",omitempty"`
	Threshold                        float64             `json:""`
	TreatMissingData                 string              `json:""`
	EvaluateLowSampleCountPercentile string              `json:""`
	Metrics                          []triggerMetric     `json:",omitempty"`
}

type triggerMetric struct {
	Expression *string `json:",omitempty"`
	ID         string  `json:"Id"`
	Label      *string `json:",omitempty"`
	Period     *int32  `json:",omitempty"`
	MetricStat any     `json:",omitempty"`
	ReturnData bool
}

// A notice is what topics are told of a change.
type notice struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountID                       string  `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp *string `json:",omitempty"`
	NewStateValue, NewStateReason      string
	StateChangeTime                    string
	Region                             string
	AlarmArn                           string
	OldStateValue                      string
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	Trigger                            *trigger           `json:",omitempty"`
	AlarmRule                          *string            `json:",omitempty"`
	TriggeringChildren                 []triggeringNotice `json:",omitempty"`
}

type triggeringNotice struct {
	Arn   string
	State struct{ Value, Timestamp string }
}

func (c *change) forTopic() notice {
	ok, alarm, insufficient := c.is.lists()
	n := notice{
		AlarmName: alarmName(c.arn), AWSAccountID: c.arn.Account, NewStateValue: c.is.State, NewStateReason: c.is.Reason,
		StateChangeTime: stamp(c.at), Region: regionName(c.arn.Region), AlarmArn: c.arn.String(), OldStateValue: c.was.State,
		OKActions: list(ok), AlarmActions: list(alarm), InsufficientDataActions: list(insufficient),
	}
	if in := c.is.Composite; in != nil {
		n.AlarmDescription, n.AlarmRule = in.AlarmDescription, &in.AlarmRule
		for _, t := range c.triggering {
			child := triggeringNotice{Arn: t.ARN}
			child.State.Value, child.State.Timestamp = t.State.Value, t.State.Timestamp
			n.TriggeringChildren = append(n.TriggeringChildren, child)
		}
		return n
	}
	n.AlarmDescription, n.Trigger = c.is.Metric.AlarmDescription, triggerOf(c.is.Metric)
	n.AlarmConfigurationUpdatedTimestamp = new(stamp(c.is.Configured))
	return n
}

func triggerOf(in *api.PutMetricAlarmInput) *trigger {
	t := &trigger{
		MetricName: in.MetricName, Namespace: in.Namespace, Unit: in.Unit, Period: int64(aws.Value(in.Period)),
		EvaluationPeriods: *in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm, ComparisonOperator: *in.ComparisonOperator,
		Threshold: *in.Threshold, TreatMissingData: aws.Or(in.TreatMissingData, "missing"),
		EvaluateLowSampleCountPercentile: in.GetEvaluateLowSampleCountPercentile(),
	}
	pairs := func(dimensions []api.Dimension) []map[string]string {
		all := []map[string]string{}
		for _, d := range dimensions {
			all = append(all, map[string]string{"value": d.Value, "name": d.Name})
		}
		return all
	}
	for _, q := range in.Metrics {
		m := triggerMetric{Expression: q.Expression, ID: q.Id, Label: q.Label, Period: q.Period, ReturnData: aws.Or(q.ReturnData, true)}
		if st := q.MetricStat; st != nil {
			m.MetricStat = map[string]any{
				"Metric": map[string]any{"Dimensions": pairs(st.Metric.Dimensions), "MetricName": st.Metric.MetricName, "Namespace": st.Metric.Namespace},
				"Period": st.Period, "Stat": st.Stat,
			}
		}
		t.Metrics = append(t.Metrics, m)
	}
	if in.Metrics != nil {
		w, err := newWatch(aws.ARN{}, in)
		if err == nil {
			t.Period = w.period
		}
		return t
	}
	t.Dimensions, t.StatisticType = pairs(in.Dimensions), "Statistic"
	// SampleCount is SAMPLE_COUNT, as the rest are their names in capitals.
	t.Statistic = strings.ToUpper(strings.Replace(aws.Value(in.Statistic), "eC", "e_C", 1))
	if in.ExtendedStatistic != nil {
		t.StatisticType, t.ExtendedStatistic = "ExtendedStatistic", in.ExtendedStatistic
	}
	return t
}

// A stateNotice is a state as functions and buses are told.
type stateNotice struct {
	Value      string `json:"value"`
	Reason     string `json:"reason"`
	ReasonData string `json:"reasonData,omitempty"`
	Timestamp  string `json:"timestamp"`
}

func (a *alarm) notice() *stateNotice {
	return &stateNotice{a.State, a.Reason, a.ReasonData, stamp(a.Updated)}
}

// An alarmNotice is an alarm as functions and buses are told.
type alarmNotice struct {
	Name          string       `json:"alarmName"`
	State         *stateNotice `json:"state,omitempty"`
	Previous      *stateNotice `json:"previousState,omitempty"`
	Configuration any          `json:"configuration"`
}

// configuration is what an alarm watches, as functions and buses are told.
func (a *alarm) configuration() any {
	if c := a.Composite; c != nil {
		return struct {
			Rule        string  `json:"alarmRule"`
			Description *string `json:"description,omitempty"`
		}{c.AlarmRule, c.AlarmDescription}
	}
	in := a.Metric
	type metricNotice struct {
		Dimensions map[string]string `json:"dimensions"`
		Name       *string           `json:"name"`
		Namespace  *string           `json:"namespace"`
	}
	type statNotice struct {
		Metric metricNotice `json:"metric"`
		Period int32        `json:"period"`
		Stat   string       `json:"stat"`
		Unit   *string      `json:"unit,omitempty"`
	}
	type queryNotice struct {
		ID         string      `json:"id"`
		Expression *string     `json:"expression,omitempty"`
		Label      *string     `json:"label,omitempty"`
		MetricStat *statNotice `json:"metricStat,omitempty"`
		ReturnData bool        `json:"returnData"`
	}
	statOf := func(m *api.Metric, period int32, stat string, unit *string) *statNotice {
		dimensions := make(map[string]string)
		for _, d := range m.Dimensions {
			dimensions[d.Name] = d.Value
		}
		return &statNotice{metricNotice{dimensions, m.MetricName, m.Namespace}, period, stat, unit}
	}
	queries := []queryNotice{}
	for _, q := range in.Metrics {
		n := queryNotice{ID: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: aws.Or(q.ReturnData, true)}
		if q.MetricStat != nil {
			n.MetricStat = statOf(q.MetricStat.Metric, q.MetricStat.Period, q.MetricStat.Stat, q.MetricStat.Unit)
		}
		queries = append(queries, n)
	}
	if in.Metrics == nil {
		watched := &api.Metric{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions}
		queries = append(queries, queryNotice{ID: aws.NewRequestID(), MetricStat: statOf(watched, *in.Period, aws.Or(in.Statistic, in.GetExtendedStatistic()), in.Unit), ReturnData: true})
	}
	return struct {
		Description *string       `json:"description,omitempty"`
		Metrics     []queryNotice `json:"metrics"`
	}{in.AlarmDescription, queries}
}

func (c *change) forFunction() any {
	return struct {
		Source    string      `json:"source"`
		AlarmArn  string      `json:"alarmArn"`
		AccountID string      `json:"accountId"`
		Time      string      `json:"time"`
		Region    string      `json:"region"`
		Data      alarmNotice `json:"alarmData"`
	}{"aws.cloudwatch", c.arn.String(), c.arn.Account, stamp(c.at), c.arn.Region,
		alarmNotice{alarmName(c.arn), c.is.notice(), c.was.notice(), c.is.configuration()}}
}

// tellBus puts word of a change on the default event bus.
func (s *Service) tellBus(tx *store.Tx, c *change) error {
	return s.sendBus(tx, c.arn, "CloudWatch Alarm State Change", c.at, alarmNotice{alarmName(c.arn), c.is.notice(), c.was.notice(), c.is.configuration()})
}

func (s *Service) sendBus(tx *store.Tx, arn aws.ARN, detailType string, at time.Time, detail any) error {
	body, err := toJSON(struct {
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Time       string   `json:"time"`
		Resources  []string `json:"resources"`
		Detail     any      `json:"detail"`
	}{detailType, "aws.cloudwatch", at.Format(time.RFC3339), []string{arn.String()}, detail})
	if err != nil {
		return err
	}
	return s.Router.Send(tx, event.Delivery{
		Source: arn, Body: body, Target: aws.ARN{Service: "events", Region: arn.Region, Account: arn.Account, Resource: "event-bus/default"},
	})
}

// tellConfigured records that an alarm was made or changed, and tells the bus.
func (s *Service) tellConfigured(tx *store.Tx, arn aws.ARN, row *alarm, made bool, now time.Time) error {
	what, operation := "updated", "update"
	if made {
		what, operation = "created", "create"
	}
	data, err := toJSON(map[string]any{"version": "1.0", "type": strings.ToUpper(operation[:1]) + operation[1:], "updatedAlarm": row.configuration()})
	if err != nil {
		return err
	}
	item := historyItem{row.kind(), api.HistoryItemTypeConfigurationUpdate, "Alarm " + strconv.Quote(alarmName(arn)) + " " + what, string(data)}
	return record(tx, arn, now, item)
}

// item is what the history has of a change.
func (c *change) item() historyItem {
	type state struct {
		Value  string          `json:"stateValue"`
		Reason string          `json:"stateReason"`
		Data   json.RawMessage `json:"stateReasonData,omitempty"`
	}
	of := func(a *alarm) state {
		st := state{Value: a.State, Reason: a.Reason}
		if json.Valid([]byte(a.ReasonData)) {
			st.Data = json.RawMessage(a.ReasonData)
		}
		return st
	}
	data, err := toJSON(struct {
		Version string `json:"version"`
		Old     state  `json:"oldState"`
		New     state  `json:"newState"`
	}{"1.0", of(c.was), of(c.is)})
	if err != nil {
		data = []byte("{}") // strings, and JSON that is valid
	}
	return historyItem{c.is.kind(), api.HistoryItemTypeStateUpdate, "Alarm updated from " + c.was.State + " to " + c.is.State, string(data)}
}

// actionData is what the history has of an action.
func (c *change) actionData(action string) string {
	data, err := toJSON(map[string]string{"actionState": "Succeeded", "stateUpdateTimestamp": strconv.FormatInt(c.at.UnixMilli(), 10), "notificationResource": action})
	if err != nil {
		return "{}" // strings
	}
	return string(data)
}

// toJSON is v as JSON, with signs as they are.
func toJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
