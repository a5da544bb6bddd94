package logs

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	deliveries "github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service/logs/emf"
	"github.com/aloft-cloud/aloft/internal/service/logs/pattern"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTold is how many bytes of compressed events one delivery has at most; it is
// what a function takes, in base64.
const maxTold = 180 << 10

// tell sends what the events of a batch mean to others: metrics that are
// embedded in them, those that filters of the group make of them, and
// themselves to those that subscribe. It is part of the transaction that keeps
// them, so what they mean is as safe as they are.
func (s *Service) tell(tx *store.Tx, key streamKey, g *group, batch int64, events []api.InputLogEvent) error {
	if s.events == nil {
		return nil
	}
	data := make(dataByNamespace)
	for i := range events {
		for _, d := range emf.Parse(events[i].Message) {
			data.addEmbedded(&d, events[i].Timestamp)
		}
	}
	if g.Filters > 0 {
		for at, f := range metricFilters.Scan(tx, filterKey{Group: key.Group}) {
			if err := data.addFiltered(at.Name, &f, events); err != nil {
				return err
			}
		}
		for at, f := range subscriptions.Scan(tx, filterKey{Group: key.Group}) {
			if err := s.tellSubscriber(tx, key, batch, told{name: at.Name, to: &f}, events); err != nil {
				return err
			}
		}
	}
	if err := s.tellAccount(tx, key, batch, events); err != nil {
		return err
	}
	if err := tx.Err(); err != nil {
		return err
	}
	for namespace, list := range data {
		body, err := json.Marshal(cloudwatch.PutMetricDataInput{Namespace: namespace, MetricData: list})
		if err != nil {
			return err
		}
		err = s.events.Send(tx, deliveries.Delivery{
			Source: key.Group, Body: body, Target: aws.ARN{Service: "cloudwatch", Account: key.Group.Account, Region: key.Group.Region, Resource: "metric"},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dataByNamespace are data on their way to metrics.
type dataByNamespace map[string][]cloudwatch.MetricDatum

func (all dataByNamespace) addEmbedded(d *emf.Datum, at int64) {
	if d.Time != 0 {
		at = d.Time
	}
	datum := cloudwatch.MetricDatum{MetricName: d.Name, Timestamp: new(time.UnixMilli(at).UTC()), Values: d.Values}
	if d.Unit != "" {
		datum.Unit = &d.Unit
	}
	if d.Fine {
		datum.StorageResolution = new(int32(1))
	}
	for _, pair := range d.Dimensions {
		datum.Dimensions = append(datum.Dimensions, cloudwatch.Dimension{Name: pair[0], Value: pair[1]})
	}
	all[d.Namespace] = append(all[d.Namespace], datum)
}

// addFiltered adds what a metric filter makes of events.
func (all dataByNamespace) addFiltered(name string, f *metricFilter, events []api.InputLogEvent) error {
	p, err := pattern.Parse(f.Pattern)
	if err != nil {
		return errors.New("metric filter " + name + ": " + err.Error()) // it was parsed when it was put
	}
	t := &f.Transformation
	matched := false
	for i := range events {
		columns, ok := p.Extract(events[i].Message)
		if !ok {
			continue
		}
		value, ok := numberIn(t.MetricValue, events[i].Message, columns)
		if !ok {
			continue
		}
		matched = true
		datum := cloudwatch.MetricDatum{MetricName: t.MetricName, Timestamp: new(time.UnixMilli(events[i].Timestamp).UTC()), Value: &value, Unit: t.Unit}
		complete := true
		for dimension, selector := range t.Dimensions {
			text, found := textIn(selector, events[i].Message, columns)
			complete = complete && found && text != ""
			datum.Dimensions = append(datum.Dimensions, cloudwatch.Dimension{Name: dimension, Value: text})
		}
		if complete {
			all[t.MetricNamespace] = append(all[t.MetricNamespace], datum)
		}
	}
	if !matched && t.DefaultValue != nil {
		last := events[len(events)-1].Timestamp
		all[t.MetricNamespace] = append(all[t.MetricNamespace], cloudwatch.MetricDatum{
			MetricName: t.MetricName, Timestamp: new(time.UnixMilli(last).UTC()), Value: t.DefaultValue, Unit: t.Unit,
		})
	}
	return nil
}

// numberIn is a number that a metric filter publishes: its own, or one in the event.
func numberIn(text, message string, columns map[string]string) (float64, bool) {
	if text != "" && text[0] == '$' {
		var ok bool
		if text, ok = textIn(text, message, columns); !ok {
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func textIn(selector, message string, columns map[string]string) (string, bool) {
	s, err := pattern.ParseSelector(selector)
	if err != nil {
		return "", false
	}
	return s.Of(message, columns)
}

// A toldEvent is an event as subscribers hear of it.
type toldEvent struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"`
	Message   string `json:"message"`
}

// A told is who is told, under which name, and at which level if that is not the
// group's.
type told struct {
	name, level string
	to          *subscription
}

// tellSubscriber sends the events that a subscription filter chooses.
func (s *Service) tellSubscriber(tx *store.Tx, key streamKey, batch int64, f told, events []api.InputLogEvent) error {
	p, err := pattern.Parse(f.to.Pattern)
	if err != nil {
		return errors.New("subscription filter " + f.name + ": " + err.Error())
	}
	var chosen []toldEvent
	for i := range events {
		if p.Match(events[i].Message) {
			id := eventID(key.Name, position{Time: events[i].Timestamp, Batch: batch, Index: int64(i)})
			chosen = append(chosen, toldEvent{id, events[i].Timestamp, events[i].Message})
		}
	}
	if len(chosen) == 0 {
		return nil
	}
	return s.sendChosen(tx, key, f, chosen)
}

// sendChosen sends events in as many deliveries as they need.
func (s *Service) sendChosen(tx *store.Tx, key streamKey, f told, events []toldEvent) error {
	packed, err := packEvents(key, f, events)
	if err != nil {
		return err
	}
	if half := len(events) / 2; len(packed) > maxTold && half > 0 {
		return errors.Join(s.sendChosen(tx, key, f, events[:half]), s.sendChosen(tx, key, f, events[half:]))
	}
	target, err := aws.ParseARN(f.to.Destination)
	if err != nil {
		return err // it was parsed when the filter was put
	}
	source := key.Group
	source.Resource += ":*"
	d := deliveries.Delivery{Source: source, Role: f.to.Role, Target: target, Body: packed}
	switch target.Service {
	case "lambda":
		d.Body, err = json.Marshal(map[string]any{"awslogs": map[string]string{"data": base64.StdEncoding.EncodeToString(packed)}})
		if err != nil {
			return err
		}
	case "kinesis":
		d.Params = map[string]string{deliveries.PartitionKey: key.Name}
		if f.to.Distribution == api.DistributionRandom {
			d.Params[deliveries.PartitionKey] = strconv.FormatUint(rand.Uint64(), 16)
		}
	}
	return s.events.Send(tx, d)
}

func packEvents(key streamKey, f told, events []toldEvent) ([]byte, error) {
	text, err := json.Marshal(struct {
		MessageType         string      `json:"messageType"`
		Owner               string      `json:"owner"`
		LogGroup            string      `json:"logGroup"`
		LogStream           string      `json:"logStream"`
		SubscriptionFilters []string    `json:"subscriptionFilters"`
		LogEvents           []toldEvent `json:"logEvents"`
		PolicyLevel         string      `json:"policyLevel,omitempty"`
	}{"DATA_MESSAGE", key.Group.Account, groupName(key.Group), key.Name, []string{f.name}, events, f.level})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}
