package scheduler

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/scheduler"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func pair(t api.Tag) (key, value string) { return t.Key, t.Value }

func tag(key, value string) api.Tag { return api.Tag{Key: key, Value: value} }

// TagResource adds tags to a group.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, service.TagMap(in.Tags, pair)); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a group.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a group.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: findTags, TooMany: func(string) error {
		return api.ServiceQuotaExceededException.Errorf("A schedule group can have no more than %d tags.", service.MaxTags)
	}}
}

// findTags returns the tags of the group that arn names, and what keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, nil, invalid("%s is not a valid ARN.", text)
	}
	g, err := findGroup(tx, arn)
	return g.Tags, func(tags map[string]string) error {
		g.Tags = tags
		return groups.Put(tx, arn, g)
	}, err
}
