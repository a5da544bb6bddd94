package schemas

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/schemas"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// TagResource adds tags to a registry or a schema.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	_, err := s.retag(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a registry or a schema.
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

// ListTagsForResource lists the tags of a registry or a schema.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.retag(ctx, in.ResourceArn, func(map[string]string) {})
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

// retag changes the tags of a registry or a schema, and returns them.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string)) (tags map[string]string, err error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, api.BadRequestException.Errorf("%s is not a valid ARN.", text)
	}
	changed := func(had map[string]string) (map[string]string, error) {
		tags = make(map[string]string)
		maps.Copy(tags, had)
		change(tags)
		if len(tags) > maxTags {
			return nil, api.BadRequestException.Errorf("A resource can have no more than %d tags.", maxTags)
		}
		return tags, nil
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if strings.HasPrefix(arn.Resource, registryKind) {
			r, err := findRegistry(tx, arn)
			if err != nil {
				return err
			}
			if r.Tags, err = changed(r.Tags); err != nil {
				return err
			}
			return registries.Put(tx, arn, r)
		}
		row, err := findSchema(tx, arn)
		if err != nil {
			return err
		}
		if row.Tags, err = changed(row.Tags); err != nil {
			return err
		}
		return schemas.Put(tx, arn, row)
	})
	return tags, err
}
