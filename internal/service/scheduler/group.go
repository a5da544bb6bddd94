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
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// CreateScheduleGroup makes a group.
func (s *Service) CreateScheduleGroup(ctx context.Context, call *aws.Call, in *api.CreateScheduleGroupInput) (*api.CreateScheduleGroupOutput, error) {
	arn, now := groupNamed(call, in), time.Now()
	g := group{Token: aws.Value(in.ClientToken), Created: now, Modified: now, Tags: make(map[string]string)}
	for _, t := range in.Tags {
		g.Tags[t.Key] = t.Value
	}
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

// TagResource adds tags to a group.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a group.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	_, err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a group.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.retag(ctx, in.ResourceArn, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, api.Tag{Key: key, Value: tags[key]})
	}
	return out, nil
}

// retag changes the tags of a group, and returns them.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string)) (tags map[string]string, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, invalid("%s is not a valid ARN.", text)
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, arn)
		if err != nil {
			return err
		}
		tags = make(map[string]string)
		maps.Copy(tags, g.Tags)
		change(tags)
		if len(tags) > maxTags {
			return api.ServiceQuotaExceededException.Errorf("A schedule group can have no more than %d tags.", maxTags)
		}
		if maps.Equal(tags, g.Tags) {
			return nil
		}
		g.Tags = tags
		return groups.Put(tx, arn, g)
	})
	return tags, err
}
