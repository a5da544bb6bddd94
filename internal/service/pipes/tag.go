package pipes

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/pipes"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TagResource adds tags to a pipe.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a pipe.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a pipe.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: findTags, TooMany: func(string) error {
		return invalid("A pipe can have no more than %d tags.", service.MaxTags)
	}}
}

// findTags returns the tags of the pipe that arn names, and what keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, nil, invalid("%s is not a valid ARN.", text)
	}
	row, err := findPipe(tx, arn)
	return row.Spec.Tags, func(tags map[string]string) error {
		row.Spec.Tags = tags
		return pipes.Put(tx, arn, row)
	}, err
}
