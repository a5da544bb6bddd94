package states

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// TagResource adds tags to a machine or an activity.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) { return newTags(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a machine or an activity.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a machine or an activity.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		out.Tags = []api.Tag{}
		tags, _, err := findTags(tx, in.ResourceArn)
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, api.Tag{Key: &key, Value: new(tags[key])})
		}
		return err
	})
	return out, err
}

// retag changes the tags of a resource.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string) (map[string]string, error)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		tags, put, err := findTags(tx, text)
		if err != nil {
			return err
		}
		if tags, err = change(tags); err != nil {
			return err
		}
		return put(tags)
	})
}

// findTags returns the tags of a resource, and what puts others in their place.
func findTags(tx *store.Tx, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := parseARN(text)
	if err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(arn.Resource, activityKind) {
		row, err := activities.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil, nil, errNoResource(text)
		}
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return activities.Put(tx, arn, row)
		}, err
	}
	row, err := machines.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, errNoResource(text)
	}
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return machines.Put(tx, arn, row)
	}, err
}

func errNoResource(text string) error {
	return api.ResourceNotFound.Errorf("Resource not found: '%s'", text)
}
