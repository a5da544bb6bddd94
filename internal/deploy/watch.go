package deploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/deploy/resource"
)

// A Watch is the alarms for which a creation or an update is taken back, and
// for how long they are looked at when all resources are there.
type Watch struct {
	Triggers []Trigger
	Minutes  int32
}

// A Trigger is an alarm, and its type: "AWS::CloudWatch::Alarm".
type Trigger struct{ Arn, Type string }

// lookPause is the time between two looks at the alarms.
const lookPause = time.Second

// watch looks at the alarms until the time for that is over, which is waited for
// without alarms too. It returns why the deed is to be taken back, or "".
func (r *run) watch() (string, error) {
	w := r.st.Watch
	if len(w.Triggers) == 0 && w.Minutes == 0 {
		return "", nil
	}
	until := r.st.WatchUntil
	if until.IsZero() {
		until = time.Now().Add(time.Duration(w.Minutes) * time.Minute)
		err := r.save(Change{Stack: func(st *Stack) { st.WatchUntil = until }})
		if err != nil {
			return "", err
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			return "", r.ctx.Err()
		}
		reason, err := r.alarmed()
		if err != nil || reason != "" || !time.Now().Before(until) {
			return reason, err
		}
		if err := r.current(); err != nil {
			return "", err
		}
		timer.Reset(min(lookPause, time.Until(until)))
	}
}

// current reports that the stack has been given something else to do.
func (r *run) current() error {
	st, _, err := r.e.Journal.Load(r.ctx, r.st.ID)
	if err == nil && (st.Deed != r.st.Deed || st.Phase != r.st.Phase) {
		return ErrSuperseded
	}
	return err
}

// alarmed says which of the alarms are in ALARM, or are not there, or "".
func (r *run) alarmed() (string, error) {
	op := &resource.Op{Env: r.e.Env, Ctx: r.ctx, Call: r.call}
	var ringing, missing []string
	for _, t := range r.st.Watch.Triggers {
		state, err := alarmState(op, t)
		switch {
		case r.ctx.Err() != nil:
			return "", r.ctx.Err()
		case err != nil:
			return "Rollback trigger " + t.Arn + " cannot be looked at: " + resource.Reason(op, err), nil
		case state == "":
			missing = append(missing, t.Arn)
		case state == cloudwatch.StateValueAlarm:
			ringing = append(ringing, t.Arn)
		}
	}
	switch {
	case len(missing) > 0:
		return fmt.Sprintf("The following rollback trigger(s) do not exist: [%s]. ", strings.Join(missing, ", ")), nil
	case len(ringing) > 0:
		return fmt.Sprintf("The following rollback trigger(s) are in ALARM state: [%s]. ", strings.Join(ringing, ", ")), nil
	}
	return "", nil
}

// alarmState is the state of an alarm, or "" if there is no such.
func alarmState(op *resource.Op, t Trigger) (string, error) {
	arn, err := aws.ParseARN(t.Arn)
	if err != nil {
		return "", err
	}
	kind := t.Type[strings.LastIndexByte(t.Type, ':')+1:]
	if kind == "Alarm" {
		kind = "MetricAlarm"
	}
	name := strings.TrimPrefix(arn.Resource, "alarm:")
	out, err := resource.Do(op, cloudwatch.DescribeAlarms, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []string{kind}})
	if err != nil {
		return "", err
	}
	for _, a := range out.MetricAlarms {
		if aws.Value(a.AlarmArn) == t.Arn {
			return aws.Value(a.StateValue), nil
		}
	}
	i := slices.IndexFunc(out.CompositeAlarms, func(a cloudwatch.CompositeAlarm) bool { return aws.Value(a.AlarmArn) == t.Arn })
	if i < 0 {
		return "", nil
	}
	return aws.Value(out.CompositeAlarms[i].StateValue), nil
}
