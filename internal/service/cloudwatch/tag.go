package cloudwatch

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func pair(t api.Tag) (key, value string) { return t.Key, t.Value }

func tag(key, value string) api.Tag { return api.Tag{Key: key, Value: value} }

// TagResource adds tags to an alarm or a dashboard.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceARN, service.TagMap(in.Tags, pair)); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from an alarm or a dashboard.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceARN, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists tags; what is not there has none.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceARN)
	if err != nil && !errors.Is(err, api.ResourceNotFoundException) {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, nil
}

// parseResource reads the ARN of something that has tags.
func parseResource(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "cloudwatch" {
		return arn, badValue("The value %s for parameter ResourceARN is invalid.", text)
	}
	return arn, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.DB, Find: findTags, TooMany: func(string) error {
		return invalid("A resource can have at most %d tags.", service.MaxTags)
	}}
}

// findTags returns the tags of the alarm or dashboard that arn names, and what
// keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := parseResource(text)
	if err != nil {
		return nil, nil, err
	}
	if strings.HasPrefix(arn.Resource, dashboardKind) {
		row, err := dashboards.Get(tx, arn)
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return dashboards.Put(tx, arn, row)
		}, noResource(err, "dashboard", arn)
	}
	row, err := alarms.Get(tx, arn)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return alarms.Put(tx, arn, row)
	}, noResource(err, "alarm", arn)
}

// noResource is the refusal for a resource that is not there.
func noResource(err error, kind string, arn aws.ARN) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return api.ResourceNotFoundException.With(&api.ResourceNotFoundExceptionDetail{ResourceType: &kind, ResourceId: new(arn.Resource)}, "Unknown")
}
