package events

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func tagMap(tags []api.Tag) map[string]string {
	return service.TagMap(tags, func(t api.Tag) (string, string) { return t.Key, t.Value })
}

// tags are those of rules and buses.
func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags,
		TooMany:  func(string) error { return invalid("The number of tags exceeds the limit of %d.", service.MaxTags) },
		Reserved: func(string) error { return invalid("Tag keys beginning with 'aws:' are reserved.") },
	}
}

// findTags returns the tags of what an ARN names, and what keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	key, isRule := parseRule(arn)
	if err != nil || arn.Service != "events" || !isRule && !strings.HasPrefix(arn.Resource, busKind) {
		return nil, nil, invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
	}
	if !isRule {
		b, err := findBus(tx, arn)
		return b.Tags, func(tags map[string]string) error { b.Tags = tags; return buses.Put(tx, arn, b) }, err
	}
	if _, err := findBus(tx, key.Bus); err != nil {
		return nil, nil, err
	}
	r, err := findRule(tx, key)
	return r.Tags, func(tags map[string]string) error { r.Tags = tags; return rules.Put(tx, key, r) }, err
}

// TagResource adds tags to a rule or a bus.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.tags().Add(ctx, call, in.ResourceARN, tagMap(in.Tags))
}

// UntagResource removes tags from a rule or a bus.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.tags().Remove(ctx, call, in.ResourceARN, in.TagKeys)
}

// ListTagsForResource lists the tags of a rule or a bus.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceARN)
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, func(key, value string) api.Tag { return api.Tag{Key: key, Value: value} })}, err
}
