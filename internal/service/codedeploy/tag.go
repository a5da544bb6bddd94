package codedeploy

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func tagMap(tags []api.Tag) map[string]string {
	return service.TagMap(tags, func(t api.Tag) (string, string) { return aws.Value(t.Key), aws.Value(t.Value) })
}

// tags are those of applications and groups.
func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: findTags, TooMany: func(string) error {
		return api.InvalidTagsToAddException.Errorf("A resource has at most %d tags.", service.MaxTags)
	}}
}

func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return nil, nil, api.InvalidArnException.Errorf("Invalid ARN: %s", text)
	}
	if strings.HasPrefix(arn.Resource, "application:") {
		row, err := applications.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			err = api.ApplicationDoesNotExistException.Errorf("No application found for ARN: %s", text)
		}
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return applications.Put(tx, arn, row) }, err
	}
	row, err := groups.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = api.DeploymentGroupDoesNotExistException.Errorf("No Deployment Group found for ARN: %s", text)
	}
	return row.Tags, func(tags map[string]string) error { row.Tags = tags; return groups.Put(tx, arn, row) }, err
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.tags().Add(ctx, call, in.ResourceArn, tagMap(in.Tags))
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys)
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	tag := func(key, value string) api.Tag { return api.Tag{Key: &key, Value: &value} }
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, err
}
