package iot

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/iot"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TagResource adds tags to a resource.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	more := service.TagMap(in.Tags, pairOf)
	return &api.TagResourceOutput{}, s.tags().Add(ctx, call, in.ResourceArn, more)
}

// UntagResource takes tags from a resource.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys)
}

// ListTagsForResource returns the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, func(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} })}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: s.findTags, TooMany: func(string) error {
		return invalid("A resource can have no more than %d tags.", service.MaxTags)
	}}
}

// findTags finds the tags of what an ARN names.
func (s *Service) findTags(tx *store.Tx, call *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "iot" || arn.Account != call.Account {
		return nil, nil, invalid("Invalid resource ARN: %s", text)
	}
	switch {
	case strings.HasPrefix(arn.Resource, ruleKind):
		row, err := rules.Get(tx, arn)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return rules.Put(tx, arn, row) }, errNoResource(err, text)
	case strings.HasPrefix(arn.Resource, thingTypeKind):
		row, err := thingTypes.Get(tx, arn)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return thingTypes.Put(tx, arn, row) }, errNoResource(err, text)
	case strings.HasPrefix(arn.Resource, policyKind):
		row, err := policies.Get(tx, arn)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return policies.Put(tx, arn, row) }, errNoResource(err, text)
	}
	return nil, nil, api.ResourceNotFoundException.Errorf("The resource %s does not exist.", text)
}
