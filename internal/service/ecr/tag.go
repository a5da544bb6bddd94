package ecr

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func pair(t api.Tag) (key, value string) { return t.Key, t.Value }

func tag(key, value string) api.Tag { return api.Tag{Key: key, Value: value} }

// TagResource adds tags to a repository.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, service.TagMap(in.Tags, pair)); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a repository.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a repository.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags, TooMany: func(string) error {
		return api.TooManyTagsException.Errorf("The list of tags on the repository is over the limit. The maximum number of tags that can be applied to a repository is %d.", service.MaxTags)
	}}
}

// findTags returns the tags of the repository that arn names, and what keeps
// others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || !strings.HasPrefix(arn.Resource, repositoryKind) {
		return nil, nil, api.InvalidParameterException.Errorf("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	row, err := findRepository(tx, arn)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return repositories.Put(tx, arn, row)
	}, err
}
