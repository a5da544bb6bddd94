package events

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a resource has at most.
const maxTags = 50

// addTags returns had with more.
func addTags(had map[string]string, more []api.Tag) (map[string]string, error) {
	all := maps.Clone(had)
	for _, t := range more {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys beginning with 'aws:' are reserved.")
		}
		if all == nil {
			all = make(map[string]string)
		}
		all[t.Key] = t.Value
	}
	if len(all) > maxTags {
		return nil, invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	return all, nil
}

// TagResource adds tags to a rule or a bus.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceARN, func(tags map[string]string) (map[string]string, error) { return addTags(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a rule or a bus.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, in.ResourceARN, func(tags map[string]string) (map[string]string, error) {
		tags = maps.Clone(tags)
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a rule or a bus.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	var tags map[string]string
	err := s.retag(ctx, in.ResourceARN, func(had map[string]string) (map[string]string, error) {
		tags = had
		return had, nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags = append(out.Tags, api.Tag{Key: key, Value: tags[key]})
	}
	return out, nil
}

// retag changes the tags of what an ARN names.
func (s *Service) retag(ctx context.Context, name string, change func(map[string]string) (map[string]string, error)) error {
	arn, err := aws.ParseARN(name)
	if err != nil || arn.Service != "events" {
		return invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if key, ok := parseRule(arn); ok {
			if _, err := findBus(tx, key.Bus); err != nil {
				return err
			}
			r, err := findRule(tx, key)
			if err != nil {
				return err
			}
			before := r.Tags
			if r.Tags, err = change(r.Tags); err != nil || maps.Equal(before, r.Tags) {
				return err
			}
			return rules.Put(tx, key, r)
		}
		if !strings.HasPrefix(arn.Resource, busKind) {
			return invalid("Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
		}
		b, err := findBus(tx, arn)
		if err != nil {
			return err
		}
		before := b.Tags
		if b.Tags, err = change(b.Tags); err != nil || maps.Equal(before, b.Tags) {
			return err
		}
		return buses.Put(tx, arn, b)
	})
}
