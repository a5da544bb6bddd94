package scheduler

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const usualPage = 100

// newSchedule makes a schedule of what its owner wrote, or refuses it.
func (s *Service) newSchedule(ctx context.Context, arn aws.ARN, in *api.CreateScheduleInput, now time.Time) (schedule, error) {
	row := schedule{
		Expression: in.ScheduleExpression, Zone: aws.Or(in.ScheduleExpressionTimezone, "UTC"), Description: aws.Value(in.Description),
		State: aws.Or(in.State, api.ScheduleStateEnabled), After: aws.Or(in.ActionAfterCompletion, api.ActionAfterCompletionNone),
		Window: *in.FlexibleTimeWindow, Target: *in.Target, From: aws.Value(in.StartDate), To: aws.Value(in.EndDate),
		Token: aws.Value(in.ClientToken), Created: now, Modified: now,
	}
	switch {
	case in.KmsKeyArn != nil:
		return row, aws.NotImplemented.Errorf("Aloft does not have encryption of schedules with keys of KMS yet.")
	case row.Window.Mode == api.FlexibleTimeWindowModeFlexible && row.Window.MaximumWindowInMinutes == nil:
		return row, invalid("MaximumWindowInMinutes must be provided when the mode is FLEXIBLE.")
	case row.Window.Mode == api.FlexibleTimeWindowModeOff && row.Window.MaximumWindowInMinutes != nil:
		return row, invalid("MaximumWindowInMinutes must not be provided when the mode is OFF.")
	case !row.From.IsZero() && !row.To.IsZero() && !row.From.Before(row.To):
		return row, invalid("EndDate must come after StartDate.")
	}
	if zone, err := time.LoadLocation(row.Zone); err != nil || zone == time.Local || row.Zone == "" {
		return row, invalid("Invalid Schedule Expression Timezone %s.", row.Zone)
	}
	if _, err := row.times(); err != nil {
		return row, invalid("Invalid Schedule Expression %s.", row.Expression)
	}
	if err := s.checkTarget(&row.Target); err != nil {
		return row, err
	}
	_, err := s.Sessions.Assume(ctx, aws.ServiceCall("scheduler", arn), row.Target.RoleArn)
	if _, refused := errors.AsType[*aws.Error](err); refused {
		return row, invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
	}
	return row, err
}

// CreateSchedule makes a schedule.
func (s *Service) CreateSchedule(ctx context.Context, call *aws.Call, in *api.CreateScheduleInput) (*api.CreateScheduleOutput, error) {
	arn := scheduleNamed(call, in)
	row, err := s.newSchedule(ctx, arn, in, time.Now())
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, groupARN(call, in.GetGroupName())); err != nil {
			return err
		}
		had, err := schedules.Get(tx, arn)
		switch {
		case err == nil && had.Token != "" && had.Token == row.Token:
			return nil // the same request again
		case err == nil:
			return api.ConflictException.Errorf("Schedule %s already exists.", in.Name)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return s.put(tx, arn, row, row.Created.Add(-1))
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateScheduleOutput{ScheduleArn: arn.String()}, nil
}

// UpdateSchedule replaces a schedule with another.
func (s *Service) UpdateSchedule(ctx context.Context, call *aws.Call, in *api.UpdateScheduleInput) (*api.UpdateScheduleOutput, error) {
	arn, now := scheduleNamed(call, in), time.Now()
	row, err := s.newSchedule(ctx, arn, (*api.CreateScheduleInput)(in), now)
	if err != nil {
		return nil, err
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		had, err := findSchedule(tx, arn)
		if err != nil {
			return err
		}
		if err := dues.Move(tx, arn, &had.Fire, time.Time{}, s.due); err != nil {
			return err
		}
		changed := row
		changed.Created = had.Created
		return s.put(tx, arn, changed, now)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateScheduleOutput{ScheduleArn: arn.String()}, nil
}

// GetSchedule describes a schedule.
func (s *Service) GetSchedule(ctx context.Context, call *aws.Call, in *api.GetScheduleInput) (*api.GetScheduleOutput, error) {
	arn := scheduleNamed(call, in)
	var row schedule
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findSchedule(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	group, _ := namesOf(arn)
	target := row.Target
	if target.RetryPolicy == nil {
		target.RetryPolicy = &api.RetryPolicy{MaximumEventAgeInSeconds: new(int32(86400)), MaximumRetryAttempts: new(int32(185))}
	}
	return &api.GetScheduleOutput{
		ActionAfterCompletion: &row.After, Arn: new(arn.String()), CreationDate: &row.Created, Description: optional(row.Description),
		StartDate: moment(row.From), EndDate: moment(row.To), FlexibleTimeWindow: &row.Window, GroupName: &group, LastModificationDate: &row.Modified,
		Name: &in.Name, ScheduleExpression: &row.Expression, ScheduleExpressionTimezone: &row.Zone, State: &row.State, Target: &target,
	}, nil
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// DeleteSchedule deletes a schedule.
func (s *Service) DeleteSchedule(ctx context.Context, call *aws.Call, in *api.DeleteScheduleInput) (*api.DeleteScheduleOutput, error) {
	arn := scheduleNamed(call, in)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findSchedule(tx, arn)
		if err != nil {
			return err
		}
		if err := dues.Move(tx, arn, &row.Fire, time.Time{}, s.due); err != nil {
			return err
		}
		return schedules.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteScheduleOutput{}, nil
}

// ListSchedules lists schedules by group and name.
func (s *Service) ListSchedules(ctx context.Context, call *aws.Call, in *api.ListSchedulesInput) (*api.ListSchedulesOutput, error) {
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, usualPage))
	out := &api.ListSchedulesOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListSchedulesOutput{Schedules: []api.ScheduleSummary{}}
		if in.GroupName != nil {
			if _, err := findGroup(tx, groupARN(call, *in.GroupName)); err != nil {
				return err
			}
		}
		last := ""
		for arn, row := range schedules.ScanAfter(tx, call.ARN("scheduler", ""), call.ARN("scheduler", scheduleKind+after)) {
			group, name := namesOf(arn)
			if in.GroupName != nil && *in.GroupName != group || !strings.HasPrefix(name, aws.Value(in.NamePrefix)) || in.State != nil && *in.State != row.State {
				continue
			}
			if len(out.Schedules) == limit {
				out.NextToken = newToken(last)
				break
			}
			last = group + "/" + name
			out.Schedules = append(out.Schedules, api.ScheduleSummary{
				Arn: new(arn.String()), CreationDate: &row.Created, GroupName: &group, LastModificationDate: &row.Modified, Name: &name, State: &row.State,
				Target: &api.TargetSummary{Arn: row.Target.Arn},
			})
		}
		return nil
	})
	return out, err
}

func newToken(last string) *string {
	return new(base64.RawURLEncoding.EncodeToString([]byte(last)))
}

func parseToken(token *string) (string, error) {
	if token == nil {
		return "", nil
	}
	last, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(last) == 0 {
		return "", invalid("Invalid NextToken.")
	}
	return string(last), nil
}
