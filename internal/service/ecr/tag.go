package ecr

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

func tagMap(list []api.Tag) map[string]string {
	if len(list) == 0 {
		return nil
	}
	all := make(map[string]string, len(list))
	for _, t := range list {
		all[t.Key] = t.Value
	}
	return all
}

// TagResource adds tags to a repository.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, tagMap(in.Tags)) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a repository.
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

// ListTagsForResource lists the tags of a repository.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.retag(ctx, in.ResourceArn, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	list := []api.Tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, api.Tag{Key: key, Value: tags[key]})
	}
	return &api.ListTagsForResourceOutput{Tags: list}, nil
}

// retag changes the tags of a repository, and returns them.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string)) (tags map[string]string, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil || !strings.HasPrefix(arn.Resource, repositoryKind) {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findRepository(tx, arn)
		if err != nil {
			return err
		}
		tags = make(map[string]string)
		maps.Copy(tags, row.Tags)
		change(tags)
		if len(tags) > maxTags {
			return api.TooManyTagsException.Errorf("The list of tags on the repository is over the limit. The maximum number of tags that can be applied to a repository is %d.", maxTags)
		}
		row.Tags = tags
		return repositories.Put(tx, arn, row)
	})
	return tags, err
}
