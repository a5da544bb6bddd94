package elasticloadbalancing

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// tagged returns had with tags.
func tagged(had map[string]string, tags []api.Tag) (map[string]string, error) {
	out := maps.Clone(had)
	if out == nil {
		out = make(map[string]string, len(tags))
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if seen[t.Key] {
			return nil, api.DuplicateTagKeysException.Errorf("Tag key '%s' was specified more than once", t.Key)
		}
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, bad("Tag keys cannot begin with 'aws:'")
		}
		seen[t.Key], out[t.Key] = true, aws.Value(t.Value)
	}
	if len(out) > service.MaxTags {
		return nil, api.TooManyTagsException.Errorf("A resource can have at most %d tags", service.MaxTags)
	}
	return out, nil
}

// tagsOf returns the tags of what an ARN names, of whatever kind, and keep, which
// replaces them.
func tagsOf(tx *store.Tx, call *aws.Call, text string) (tags map[string]string, keep func(map[string]string) error, err error) {
	arn, _ := aws.ParseARN(text)
	switch first, _, _ := strings.Cut(arn.Resource, "/"); first + "/" {
	case balancers.prefix:
		at, b, err := balancers.find(tx, call, text)
		return b.Tags, func(t map[string]string) error { b.Tags = t; return balancers.Put(tx, at, b) }, err
	case listeners.prefix:
		at, l, err := listeners.find(tx, call, text)
		return l.Tags, func(t map[string]string) error { l.Tags = t; return listeners.Put(tx, at, l) }, err
	case rules.prefix:
		at, r, err := rules.find(tx, call, text)
		return r.Tags, func(t map[string]string) error { r.Tags = t; return rules.Put(tx, at, r) }, err
	case groups.prefix:
		at, g, err := groups.find(tx, call, text)
		return g.Tags, func(t map[string]string) error { g.Tags = t; return groups.Put(tx, at, g) }, err
	}
	return nil, nil, bad("'%s' is not a valid resource ARN", text)
}

// retag changes the tags of resources, of all or none.
func (s *Service) retag(ctx context.Context, call *aws.Call, resources []string, change func(map[string]string) (map[string]string, error)) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		for _, text := range resources {
			tags, keep, err := tagsOf(tx, call, text)
			if err != nil {
				return err
			}
			if tags, err = change(maps.Clone(tags)); err != nil {
				return err
			}
			if err := keep(tags); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddTags gives resources tags.
func (s *Service) AddTags(ctx context.Context, call *aws.Call, in *api.AddTagsInput) (*api.AddTagsOutput, error) {
	return &api.AddTagsOutput{}, s.retag(ctx, call, in.ResourceArns, func(tags map[string]string) (map[string]string, error) { return tagged(tags, in.Tags) })
}

// RemoveTags takes tags from resources.
func (s *Service) RemoveTags(ctx context.Context, call *aws.Call, in *api.RemoveTagsInput) (*api.RemoveTagsOutput, error) {
	return &api.RemoveTagsOutput{}, s.retag(ctx, call, in.ResourceArns, func(tags map[string]string) (map[string]string, error) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return tags, nil
	})
}

// DescribeTags lists the tags of resources.
func (s *Service) DescribeTags(ctx context.Context, call *aws.Call, in *api.DescribeTagsInput) (*api.DescribeTagsOutput, error) {
	var out *api.DescribeTagsOutput
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = &api.DescribeTagsOutput{TagDescriptions: []api.TagDescription{}}
		for _, text := range in.ResourceArns {
			tags, _, err := tagsOf(tx, call, text)
			if err != nil {
				return err
			}
			list := service.TagList(tags, func(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} })
			out.TagDescriptions = append(out.TagDescriptions, api.TagDescription{ResourceArn: &text, Tags: list})
		}
		return nil
	})
	return out, err
}
