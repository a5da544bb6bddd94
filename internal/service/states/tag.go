package states

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func pair(t api.Tag) (key, value string) { return aws.Value(t.Key), aws.Value(t.Value) }

func tag(key, value string) api.Tag { return api.Tag{Key: &key, Value: &value} }

func errTags(string) error {
	return api.TooManyTags.Errorf("You have exceeded the maximum of %d tags.", service.MaxTags)
}

// newTags are the tags of what is made.
func newTags(list []api.Tag) (map[string]string, error) {
	tags := service.TagMap(list, pair)
	if len(tags) > service.MaxTags {
		return nil, errTags("")
	}
	return tags, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: findTags, TooMany: errTags}
}

// TagResource adds tags to a machine or an activity.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, service.TagMap(in.Tags, pair)); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a machine or an activity.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a machine or an activity.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, nil
}

// findTags returns the tags of a resource, and what puts others in their place.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
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
