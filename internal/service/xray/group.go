package xray

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/xray"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A groupRow is a group of traces.
type groupRow struct{ Filter string }

func describeGroup(arn aws.ARN, row groupRow) *api.Group {
	return &api.Group{
		GroupName: new(strings.TrimPrefix(arn.Resource, groupKind)), GroupARN: new(arn.String()), FilterExpression: &row.Filter,
		InsightsConfiguration: &api.InsightsConfiguration{InsightsEnabled: new(false), NotificationsEnabled: new(false)},
	}
}

// CreateGroup makes a group.
func (s *Service) CreateGroup(ctx context.Context, call *aws.Call, in *api.CreateGroupInput) (*api.CreateGroupOutput, error) {
	if in.Tags != nil || in.InsightsConfiguration != nil && aws.Value(in.InsightsConfiguration.InsightsEnabled) {
		return nil, aws.NotImplemented.Errorf("Aloft does not have tags and insights of groups of traces yet.")
	}
	arn, row := groupARN(call, in.GroupName), groupRow{aws.Value(in.FilterExpression)}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if exists, err := groups.Has(tx, arn); err != nil {
			return err
		} else if exists || in.GroupName == usual {
			return invalid("Group already exists: %s", in.GroupName)
		}
		return groups.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateGroupOutput{Group: describeGroup(arn, row)}, nil
}

func findGroup(tx *store.Tx, call *aws.Call, arn aws.ARN) (groupRow, error) {
	row, err := groups.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		if arn == groupARN(call, usual) {
			return groupRow{}, nil
		}
		return row, invalid("Group not found")
	}
	return row, err
}

// GetGroup returns a group.
func (s *Service) GetGroup(ctx context.Context, call *aws.Call, in *api.GetGroupInput) (*api.GetGroupOutput, error) {
	arn := groupOf(call, in)
	var row groupRow
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findGroup(tx, call, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.GetGroupOutput{Group: describeGroup(arn, row)}, nil
}

// GetGroups lists groups; there always is Default.
func (s *Service) GetGroups(ctx context.Context, call *aws.Call, in *api.GetGroupsInput) (*api.GetGroupsOutput, error) {
	out := &api.GetGroupsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out.Groups = []api.GroupSummary{api.GroupSummary(*describeGroup(groupARN(call, usual), groupRow{}))}
		for arn, row := range groups.Scan(tx, call.ARN("xray", "")) {
			out.Groups = append(out.Groups, api.GroupSummary(*describeGroup(arn, row)))
		}
		return tx.Err()
	})
	return out, err
}

// UpdateGroup changes the filter of a group.
func (s *Service) UpdateGroup(ctx context.Context, call *aws.Call, in *api.UpdateGroupInput) (*api.UpdateGroupOutput, error) {
	arn := groupOf(call, in)
	var row groupRow
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		if row, err = findGroup(tx, call, arn); err != nil {
			return err
		}
		row.Filter = aws.Or(in.FilterExpression, row.Filter)
		return groups.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateGroupOutput{Group: describeGroup(arn, row)}, nil
}

// DeleteGroup deletes a group.
func (s *Service) DeleteGroup(ctx context.Context, call *aws.Call, in *api.DeleteGroupInput) (*api.DeleteGroupOutput, error) {
	arn := groupOf(call, in)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findGroup(tx, call, arn); err != nil {
			return err
		}
		return groups.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteGroupOutput{}, nil
}
