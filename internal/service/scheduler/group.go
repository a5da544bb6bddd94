package scheduler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// CreateScheduleGroup makes a group.
func (s *Service) CreateScheduleGroup(ctx context.Context, call *aws.Call, in *api.CreateScheduleGroupInput) (*api.CreateScheduleGroupOutput, error) {
	arn, now := groupNamed(call, in), time.Now()
	g := group{Token: aws.Value(in.ClientToken), Created: now, Modified: now, Tags: service.TagMap(in.Tags, pair)}
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		had, err := groups.Get(tx, arn)
		switch {
		case err == nil && had.Token != "" && had.Token == g.Token:
			return nil // the same request again
		case err == nil || in.Name == defaultGroup:
			return api.ConflictException.Errorf("Schedule group %s already exists.", in.Name)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		return groups.Put(tx, arn, g)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateScheduleGroupOutput{ScheduleGroupArn: arn.String()}, nil
}

// GetScheduleGroup describes a group.
func (s *Service) GetScheduleGroup(ctx context.Context, call *aws.Call, in *api.GetScheduleGroupInput) (*api.GetScheduleGroupOutput, error) {
	arn := groupNamed(call, in)
	var g group
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		g, err = findGroup(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetScheduleGroupOutput{
		Arn: new(arn.String()), Name: &in.Name, State: new(api.ScheduleGroupStateActive), CreationDate: moment(g.Created), LastModificationDate: moment(g.Modified),
	}, nil
}

// DeleteScheduleGroup deletes a group and its schedules.
func (s *Service) DeleteScheduleGroup(ctx context.Context, call *aws.Call, in *api.DeleteScheduleGroupInput) (*api.DeleteScheduleGroupOutput, error) {
	if in.Name == defaultGroup {
		return nil, invalid("Cannot delete the default schedule group.")
	}
	arn := groupNamed(call, in)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, arn); err != nil {
			return err
		}
		within := scheduleKind + in.Name + "/"
		for at, row := range schedules.ScanAfter(tx, call.ARN("scheduler", ""), call.ARN("scheduler", within)) {
			if !strings.HasPrefix(at.Resource, within) {
				break
			}
			if err := dues.Move(tx, at, &row.Fire, time.Time{}, s.due); err != nil {
				return err
			}
			if err := schedules.Delete(tx, at); err != nil {
				return err
			}
		}
		return groups.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteScheduleGroupOutput{}, nil
}

// ListScheduleGroups lists groups by name; the default one is among them.
func (s *Service) ListScheduleGroups(ctx context.Context, call *aws.Call, in *api.ListScheduleGroupsInput) (*api.ListScheduleGroupsOutput, error) {
	after, err := parseToken(in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.MaxResults, usualPage))
	out := &api.ListScheduleGroupsOutput{}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		*out = api.ListScheduleGroupsOutput{ScheduleGroups: []api.ScheduleGroupSummary{}}
		all := map[string]group{defaultGroup: {}}
		for arn, g := range groups.Scan(tx, call.ARN("scheduler", "")) {
			all[strings.TrimPrefix(arn.Resource, groupKind)] = g
		}
		last := ""
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if name <= after || !strings.HasPrefix(name, aws.Value(in.NamePrefix)) {
				continue
			}
			if len(out.ScheduleGroups) == limit {
				out.NextToken = newToken(last)
				break
			}
			last = name
			out.ScheduleGroups = append(out.ScheduleGroups, api.ScheduleGroupSummary{
				Arn: new(groupARN(call, name).String()), Name: &name, State: new(api.ScheduleGroupStateActive),
				CreationDate: moment(all[name].Created), LastModificationDate: moment(all[name].Modified),
			})
		}
		return nil
	})
	return out, err
}
