package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/cloudwatch/rule"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A parentKey says that a composite alarm's rule mentions another alarm.
type parentKey struct{ Child, Parent aws.ARN }

// A child is an alarm that made a composite one change, and its state then.
type child struct {
	ARN   string     `json:"arn"`
	State childState `json:"state"`
}

type childState struct {
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"`
}

// maxDepth bounds how deep composite alarms are made of others.
const maxDepth = 20

// PutCompositeAlarm makes an alarm that watches other alarms, or changes one.
func (s *Service) PutCompositeAlarm(ctx context.Context, call *aws.Call, in *api.PutCompositeAlarmInput) (*api.PutCompositeAlarmOutput, error) {
	if in.ActionsSuppressor != nil || in.ActionsSuppressorWaitPeriod != nil || in.ActionsSuppressorExtensionPeriod != nil {
		return nil, aws.NotImplemented.Errorf("Aloft does not have suppressors of alarm actions yet.")
	}
	if err := s.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions); err != nil {
		return nil, err
	}
	if _, err := rule.Parse(in.AlarmRule); err != nil {
		return nil, invalid("AlarmRule contains invalid syntax: %s", err)
	}
	arn := alarmARN(call, in.AlarmName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := alarms.Get(tx, arn)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && row.Metric != nil {
			return invalid("An alarm of type metric with the name %s exists already.", in.AlarmName)
		}
		made := errors.Is(err, store.ErrNotFound)
		if !made {
			if err := unlink(tx, arn, &row); err != nil {
				return err
			}
		}
		if err := link(tx, arn, in.AlarmRule); err != nil {
			return err
		}
		config := *in
		config.Tags = nil
		row.Composite, row.Enabled = &config, aws.Or(in.ActionsEnabled, true)
		if err := s.putAlarm(tx, arn, row, in.Tags); err != nil {
			return err
		}
		how := "updated"
		if made {
			how = "created"
		}
		return s.evaluateComposite(tx, arn, time.Now().UTC(), nil, how, 0)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutCompositeAlarmOutput{}, nil
}

// childrenOf are the alarms that the rule of a composite one mentions.
func childrenOf(parent aws.ARN, text string) []aws.ARN {
	r, err := rule.Parse(text)
	if err != nil {
		return nil // it was parsed when it was put
	}
	var all []aws.ARN
	for _, name := range r.Alarms() {
		all = append(all, mentioned(parent, name))
	}
	return all
}

// mentioned is the alarm that the rule of a composite one means by a name or an ARN.
func mentioned(parent aws.ARN, name string) aws.ARN {
	if arn, err := aws.ParseARN(name); err == nil {
		return arn
	}
	parent.Resource = alarmKind + name
	return parent
}

// link notes what alarms a composite one is made of, or refuses it.
func link(tx *store.Tx, arn aws.ARN, text string) error {
	var unknown []string
	for _, c := range childrenOf(arn, text) {
		if c == arn || reaches(tx, c, arn, 0) {
			return invalid("AlarmRule must not contain a cycle: %s", alarmName(c))
		}
		exists, err := alarms.Has(tx, c)
		if err != nil {
			return err
		}
		if !exists {
			unknown = append(unknown, alarmName(c))
		}
		if err := parents.Put(tx, parentKey{c, arn}, struct{}{}); err != nil {
			return err
		}
	}
	if unknown != nil {
		return invalid("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(unknown, ", "))
	}
	return nil
}

// reaches says whether an alarm is made of another.
func reaches(tx *store.Tx, from, to aws.ARN, depth int) bool {
	row, err := alarms.Get(tx, from)
	if err != nil || row.Composite == nil || depth > maxDepth {
		return depth > maxDepth
	}
	for _, c := range childrenOf(from, row.Composite.AlarmRule) {
		if c == to || reaches(tx, c, to, depth+1) {
			return true
		}
	}
	return false
}

// unlink forgets what alarms a composite one was made of.
func unlink(tx *store.Tx, arn aws.ARN, row *alarm) error {
	if row.Composite == nil {
		return nil
	}
	for _, c := range childrenOf(arn, row.Composite.AlarmRule) {
		if err := parents.Delete(tx, parentKey{c, arn}); err != nil {
			return err
		}
	}
	return nil
}

// evaluateParents evaluates the composite alarms that an alarm is part of,
// after it changed.
func (s *Service) evaluateParents(tx *store.Tx, arn aws.ARN, now time.Time) error {
	return s.evaluateUp(tx, arn, now, 0)
}

func (s *Service) evaluateUp(tx *store.Tx, arn aws.ARN, now time.Time, depth int) error {
	if depth > maxDepth {
		return nil
	}
	var all []aws.ARN
	for key := range parents.Scan(tx, parentKey{Child: arn}) {
		all = append(all, key.Parent)
	}
	for _, parent := range all {
		if err := s.evaluateComposite(tx, parent, now, &arn, "", depth+1); err != nil {
			return err
		}
	}
	return tx.Err()
}

// evaluateComposite finds the state of a composite alarm anew, since another
// changed, or since it was made or changed itself.
func (s *Service) evaluateComposite(tx *store.Tx, arn aws.ARN, now time.Time, cause *aws.ARN, how string, depth int) error {
	row, err := alarms.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r, err := rule.Parse(row.Composite.AlarmRule)
	if err != nil {
		return err
	}
	v := verdict{state: api.StateValueOk}
	var failed error
	if r.Holds(func(name string) string {
		c, err := alarms.Get(tx, mentioned(arn, name))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			failed = err
		}
		return c.State
	}) {
		v.state = api.StateValueAlarm
	}
	if failed != nil {
		return failed
	}
	if v.state == row.State {
		return nil
	}
	if cause == nil {
		v.reason = fmt.Sprintf("%s was %s and its alarm rule evaluates to %s", arn, how, v.state)
	} else {
		c, err := alarms.Get(tx, *cause)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		v.reason = fmt.Sprintf("%s transitioned to %s at %s", cause, c.State, c.Transitioned.UTC().Format("Monday 02 January, 2006 15:04:05 UTC"))
		v.triggering = []child{{cause.String(), childState{c.State, stamp(c.Transitioned)}}}
	}
	data, err := toJSON(struct {
		Triggering []child `json:"triggeringAlarms"`
	}{list(v.triggering)})
	if err != nil {
		return err
	}
	v.data = string(data)
	return s.enterAt(tx, arn, &row, v, now, depth)
}
