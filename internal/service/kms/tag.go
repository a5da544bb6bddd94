package kms

import (
	"cmp"
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// checkTags refuses tags that a key with tags had may not get. Those of AWS's
// own are for services that make keys in the name of their users.
func checkTags(call *aws.Call, had, tags []api.Tag) error {
	names := make(map[string]bool, len(tags))
	for _, t := range tags {
		if call.Via == "" && strings.HasPrefix(strings.ToLower(t.TagKey), "aws:") {
			return api.TagException.Errorf("Tags beginning with aws: are reserved")
		}
		if names[t.TagKey] {
			return api.TagException.Errorf("Duplicate tag keys")
		}
		names[t.TagKey] = true
	}
	for _, t := range had {
		names[t.TagKey] = true
	}
	if len(names) > maxTags {
		return api.TagException.Errorf("Too many tags")
	}
	return nil
}

// TagResource gives a key tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.change(ctx, call, in.KeyId, func(_ *store.Tx, f *found) error {
		if err := checkTags(call, f.Tags, in.Tags); err != nil {
			return err
		}
		for _, t := range in.Tags {
			f.Tags = append(without(f.Tags, t.TagKey), t)
		}
		slices.SortFunc(f.Tags, func(a, b api.Tag) int { return cmp.Compare(a.TagKey, b.TagKey) })
		return nil
	})
}

// UntagResource takes tags from a key.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.change(ctx, call, in.KeyId, func(_ *store.Tx, f *found) error {
		f.Tags = without(f.Tags, in.TagKeys...)
		return nil
	})
}

func without(tags []api.Tag, names ...string) []api.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t api.Tag) bool { return slices.Contains(names, t.TagKey) })
}

// ListResourceTags lists the tags of a key.
func (s *Service) ListResourceTags(ctx context.Context, call *aws.Call, in *api.ListResourceTagsInput) (*api.ListResourceTagsOutput, error) {
	f, err := s.find(ctx, call, in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &api.ListResourceTagsOutput{}
	out.Tags, out.NextMarker, out.Truncated, err = page(f.Tags, in.Limit, in.Marker, maxTags, func(t *api.Tag) string { return t.TagKey })
	return out, err
}
