package schemas

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TagResource adds tags to a registry or a schema.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a registry or a schema.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a registry or a schema.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags, TooMany: func(string) error {
		return api.BadRequestException.Errorf("A resource can have no more than %d tags.", service.MaxTags)
	}}
}

// findTags returns the tags of the registry or schema that arn names, and what
// keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, nil, api.BadRequestException.Errorf("%s is not a valid ARN.", text)
	}
	if strings.HasPrefix(arn.Resource, registryKind) {
		row, err := findRegistry(tx, arn)
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return registries.Put(tx, arn, row)
		}, err
	}
	row, err := findSchema(tx, arn)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return schemas.Put(tx, arn, row)
	}, err
}
