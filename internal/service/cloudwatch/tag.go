package cloudwatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func tagMap(tags []api.Tag) map[string]string {
	all := make(map[string]string)
	for _, t := range tags {
		all[t.Key] = t.Value
	}
	return all
}

// TagResource adds tags to an alarm or a dashboard.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceARN, func(tags map[string]string) error {
		maps.Copy(tags, tagMap(in.Tags))
		if len(tags) > maxTags {
			return invalid("A resource can have at most %d tags.", maxTags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceARN, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists tags; what is not there has none.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	arn, err := parseResource(in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		out.Tags = []api.Tag{}
		var tags map[string]string
		if strings.HasPrefix(arn.Resource, dashboardKind) {
			row, err := dashboards.Get(tx, arn)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			tags = row.Tags
		} else {
			row, err := alarms.Get(tx, arn)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			tags = row.Tags
		}
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			out.Tags = append(out.Tags, api.Tag{Key: key, Value: tags[key]})
		}
		return nil
	})
	return out, err
}

// parseResource reads the ARN of something that has tags.
func parseResource(text string) (aws.ARN, error) {
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "cloudwatch" {
		return arn, badValue("The value %s for parameter ResourceARN is invalid.", text)
	}
	return arn, nil
}

// retag changes the tags of an alarm or a dashboard.
func (s *Service) retag(ctx context.Context, resource string, change func(map[string]string) error) error {
	arn, err := parseResource(resource)
	if err != nil {
		return err
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		if strings.HasPrefix(arn.Resource, dashboardKind) {
			row, err := dashboards.Get(tx, arn)
			if err != nil {
				return noResource(err, "dashboard", arn)
			}
			if row.Tags = maps.Clone(row.Tags); row.Tags == nil {
				row.Tags = make(map[string]string)
			}
			if err := change(row.Tags); err != nil {
				return err
			}
			return dashboards.Put(tx, arn, row)
		}
		row, err := alarms.Get(tx, arn)
		if err != nil {
			return noResource(err, "alarm", arn)
		}
		if row.Tags = maps.Clone(row.Tags); row.Tags == nil {
			row.Tags = make(map[string]string)
		}
		if err := change(row.Tags); err != nil {
			return err
		}
		return alarms.Put(tx, arn, row)
	})
}

// noResource is the refusal for a resource that is not there.
func noResource(err error, kind string, arn aws.ARN) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return api.ResourceNotFoundException.With(&api.ResourceNotFoundExceptionDetail{ResourceType: &kind, ResourceId: new(arn.Resource)}, "Unknown")
}
