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
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	alarmKind    = "alarm:"
	initial      = "Unchecked: Initial alarm creation"
	usualRecords = 50
	day          = 86400 // seconds
)

// An alarm is a metric alarm or a composite one.
type alarm struct {
	Metric    *api.PutMetricAlarmInput    `json:",omitempty"`
	Composite *api.PutCompositeAlarmInput `json:",omitempty"`

	Enabled      bool // its actions
	State        string
	Reason       string
	ReasonData   string    `json:",omitempty"`
	Configured   time.Time // last
	Updated      time.Time // when the state, or why, was told last
	Transitioned time.Time
	Tags         map[string]string `json:",omitempty"`
	Check        time.Time         // when it is evaluated next
}

func alarmARN(call *aws.Call, name string) aws.ARN { return call.ARN("cloudwatch", alarmKind+name) }

func alarmName(arn aws.ARN) string { return strings.TrimPrefix(arn.Resource, alarmKind) }

// actions are what is done when the alarm enters a state.
func (a *alarm) actions(state string) []string {
	ok, alarm, insufficient := a.lists()
	switch state {
	case api.StateValueOk:
		return ok
	case api.StateValueAlarm:
		return alarm
	}
	return insufficient
}

func (a *alarm) lists() (ok, alarm, insufficient []string) {
	if c := a.Composite; c != nil {
		return c.OKActions, c.AlarmActions, c.InsufficientDataActions
	}
	return a.Metric.OKActions, a.Metric.AlarmActions, a.Metric.InsufficientDataActions
}

func (a *alarm) kind() string {
	if a.Composite != nil {
		return api.AlarmTypeCompositeAlarm
	}
	return api.AlarmTypeMetricAlarm
}

// PutMetricAlarm makes an alarm, or changes what one watches. Its state stays.
func (s *Service) PutMetricAlarm(ctx context.Context, call *aws.Call, in *api.PutMetricAlarmInput) (*api.PutMetricAlarmOutput, error) {
	if err := s.checkAlarm(call, in); err != nil {
		return nil, err
	}
	arn := alarmARN(call, in.AlarmName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := alarms.Get(tx, arn)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && row.Composite != nil {
			return invalid("An alarm of type composite with the name %s exists already.", in.AlarmName)
		}
		config := *in
		config.Tags = nil
		row.Metric, row.Enabled = &config, aws.Or(in.ActionsEnabled, true)
		return s.putAlarm(tx, arn, row, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutMetricAlarmOutput{}, nil
}

// putAlarm keeps an alarm that was made or changed. Tags count if it is made.
func (s *Service) putAlarm(tx *store.Tx, arn aws.ARN, row alarm, tags []api.Tag) error {
	now := time.Now().UTC()
	made := row.State == ""
	row.Configured = now
	if made {
		row.State, row.Reason, row.Updated, row.Transitioned = api.StateValueInsufficientData, initial, now, now
		row.Tags = make(map[string]string)
		for _, t := range tags {
			row.Tags[t.Key] = t.Value
		}
	}
	if err := s.tellConfigured(tx, arn, &row, made, now); err != nil {
		return err
	}
	if row.Metric != nil {
		if err := checks.Move(tx, arn, &row.Check, nextCheck(row.Metric, now), s.check); err != nil {
			return err
		}
	}
	return alarms.Put(tx, arn, row)
}

// treatments are what missing data can be taken for.
var treatments = []string{"", "missing", "ignore", "breaching", "notBreaching"}

// checkAlarm refuses a metric alarm that could not be evaluated.
func (s *Service) checkAlarm(call *aws.Call, in *api.PutMetricAlarmInput) error {
	switch {
	case in.EvaluationCriteria != nil || in.EvaluationInterval != nil || in.EvaluationWindow != nil || in.WarmUpConfiguration != nil:
		return aws.NotImplemented.Errorf("Aloft does not have alarms on PromQL, with evaluation windows or warm-up yet.")
	case in.ThresholdMetricId != nil:
		return aws.NotImplemented.Errorf("Aloft does not have anomaly detection yet.")
	case in.EvaluationPeriods == nil:
		return required("EvaluationPeriods")
	case in.ComparisonOperator == nil:
		return required("ComparisonOperator")
	case in.Threshold == nil:
		return required("Threshold")
	case strings.Contains(*in.ComparisonOperator, "Lower") || strings.Contains(*in.ComparisonOperator, "Upper"):
		return aws.NotImplemented.Errorf("Aloft does not have anomaly detection yet.")
	case !slices.Contains(treatments, in.GetTreatMissingData()):
		return invalid("Option %s is not supported for TreatMissingData. Supported options are: breaching, notBreaching, ignore, missing.", *in.TreatMissingData)
	case !slices.Contains([]string{"", "evaluate", "ignore"}, in.GetEvaluateLowSampleCountPercentile()):
		return invalid("Option %s is not supported for EvaluateLowSampleCountPercentile. Supported options are evaluate and ignore.", *in.EvaluateLowSampleCountPercentile)
	case aws.Or(in.DatapointsToAlarm, 1) > *in.EvaluationPeriods:
		return invalid("The parameter DatapointsToAlarm must be less than or equal to EvaluationPeriods.")
	}
	period, err := checkWatched(call, in)
	if err != nil {
		return err
	}
	if span := period * int64(*in.EvaluationPeriods); period < 3600 && span > day {
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
	} else if span > 7*day {
		return invalid("Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= 604800).")
	}
	return s.checkActions(in.OKActions, in.AlarmActions, in.InsufficientDataActions)
}

// checkWatched refuses what an alarm cannot watch, and returns its period.
func checkWatched(call *aws.Call, in *api.PutMetricAlarmInput) (int64, error) {
	if in.Metrics != nil {
		if in.MetricName != nil || in.Namespace != nil || in.Statistic != nil || in.ExtendedStatistic != nil || in.Dimensions != nil || in.Period != nil || in.Unit != nil {
			return 0, badCombination("The parameters Metrics and MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic are mutually exclusive.")
		}
		w, err := newWatch(call.ARN("cloudwatch", ""), in)
		if err != nil {
			return 0, err
		}
		return w.period, nil
	}
	switch {
	case in.MetricName == nil:
		return 0, required("MetricName")
	case in.Namespace == nil:
		return 0, required("Namespace")
	case in.Period == nil:
		return 0, required("Period")
	case (in.Statistic == nil) == (in.ExtendedStatistic == nil):
		return 0, badCombination("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
	}
	if _, ok := stat.Parse(aws.Or(in.Statistic, in.GetExtendedStatistic())); !ok {
		return 0, badValue("The value %s for parameter ExtendedStatistic is not supported.", *in.ExtendedStatistic)
	}
	if p := *in.Period; p != 10 && p != 20 && p != 30 && p%60 != 0 {
		return 0, invalid("Period must be 10, 20, 30 or a multiple of 60")
	}
	return int64(*in.Period), nil
}

// checkActions refuses actions that nothing here does.
func (s *Service) checkActions(lists ...[]string) error {
	for _, action := range slices.Concat(lists...) {
		arn, err := aws.ParseARN(action)
		if err != nil {
			return invalid("Invalid arn syntax: %s", action)
		}
		if arn.Service != "sns" && arn.Service != "lambda" {
			return aws.NotImplemented.Errorf("Aloft does not have alarm actions of %s yet.", arn.Service)
		}
	}
	return nil
}

// DeleteAlarms deletes alarms. Names of which there is none are no failure.
func (s *Service) DeleteAlarms(ctx context.Context, call *aws.Call, in *api.DeleteAlarmsInput) (*api.DeleteAlarmsOutput, error) {
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, name := range in.AlarmNames {
			arn := alarmARN(call, name)
			row, err := alarms.Get(tx, arn)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := checks.Move(tx, arn, &row.Check, time.Time{}, s.check); err != nil {
				return err
			}
			if err := errors.Join(unlink(tx, arn, &row), alarms.Delete(tx, arn), history.DeletePrefix(tx, historyKey{Alarm: arn})); err != nil {
				return err
			}
			if err := s.evaluateParents(tx, arn, time.Now().UTC()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteAlarmsOutput{}, nil
}

// EnableAlarmActions has alarms act again.
func (s *Service) EnableAlarmActions(ctx context.Context, call *aws.Call, in *api.EnableAlarmActionsInput) (*api.EnableAlarmActionsOutput, error) {
	return &api.EnableAlarmActionsOutput{}, s.enable(ctx, call, in.AlarmNames, true)
}

// DisableAlarmActions has alarms do nothing but change their state.
func (s *Service) DisableAlarmActions(ctx context.Context, call *aws.Call, in *api.DisableAlarmActionsInput) (*api.DisableAlarmActionsOutput, error) {
	return &api.DisableAlarmActionsOutput{}, s.enable(ctx, call, in.AlarmNames, false)
}

func (s *Service) enable(ctx context.Context, call *aws.Call, names []string, enabled bool) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			arn := alarmARN(call, name)
			row, err := alarms.Get(tx, arn)
			if errors.Is(err, store.ErrNotFound) || err == nil && row.Enabled == enabled {
				continue
			}
			if err != nil {
				return err
			}
			now := time.Now().UTC()
			row.Enabled, row.Configured = enabled, now
			if err := s.tellConfigured(tx, arn, &row, false, now); err != nil {
				return err
			}
			if err := alarms.Put(tx, arn, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// states are those of alarms, in the order in which AWS names them.
var states = []string{api.StateValueInsufficientData, api.StateValueAlarm, api.StateValueOk}

// SetAlarmState sets the state of an alarm until it is evaluated next.
func (s *Service) SetAlarmState(ctx context.Context, call *aws.Call, in *api.SetAlarmStateInput) (*api.SetAlarmStateOutput, error) {
	if !slices.Contains(states, in.StateValue) {
		return nil, invalid("1 validation error detected: Value '%s' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [%s]", in.StateValue, strings.Join(states, ", "))
	}
	arn := alarmARN(call, in.AlarmName)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := alarms.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return api.ResourceNotFound.Errorf("")
		}
		if err != nil {
			return err
		}
		return s.enter(tx, arn, &row, verdict{state: in.StateValue, reason: in.StateReason, data: aws.Value(in.StateReasonData)}, time.Now().UTC())
	})
	if err != nil {
		return nil, err
	}
	return &api.SetAlarmStateOutput{}, nil
}

// errNoAlarm refuses an operation on an alarm that is not there.
func errNoAlarm(name string) error {
	return api.ResourceNotFoundException.With(&api.ResourceNotFoundExceptionDetail{ResourceType: new("Alarm"), ResourceId: &name}, fmt.Sprintf("Unknown alarm: %s", name))
}
