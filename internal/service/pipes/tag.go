package pipes

import (
	"context"
	"maps"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// TagResource adds tags to a pipe.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a pipe.
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

// ListTagsForResource lists the tags of a pipe.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.retag(ctx, in.ResourceArn, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

// retag changes the tags of a pipe, and returns them.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string)) (tags map[string]string, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, invalid("%s is not a valid ARN.", text)
	}
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findPipe(tx, arn)
		if err != nil {
			return err
		}
		tags = make(map[string]string)
		maps.Copy(tags, row.Spec.Tags)
		change(tags)
		if len(tags) > maxTags {
			return invalid("A pipe can have no more than %d tags.", maxTags)
		}
		if maps.Equal(tags, row.Spec.Tags) {
			return nil
		}
		row.Spec.Tags = tags
		return pipes.Put(tx, arn, row)
	})
	return tags, err
}
