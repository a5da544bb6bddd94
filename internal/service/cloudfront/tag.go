package cloudfront

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// tagged returns had with tags.
func tagged(had map[string]string, tags []api.Tag) (map[string]string, error) {
	out := maps.Clone(had)
	if out == nil {
		out = make(map[string]string, len(tags))
	}
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, api.InvalidTagging.Errorf("Tag keys must not begin with aws:.")
		}
		out[t.Key] = aws.Value(t.Value)
	}
	if len(out) > maxTags {
		return nil, api.InvalidTagging.Errorf("A resource can have at most %d tags.", maxTags)
	}
	return out, nil
}

// labelled are kinds of which each has tags, and is named by its ARN.
func labelled(call *aws.Call, resource string) (labels, aws.ARN, error) {
	arn, err := aws.ParseARN(resource)
	if err == nil && arn.Service == "cloudfront" && arn.Account == call.Account {
		for _, k := range []labels{distributions, scripts, valueStores} {
			if k.holds(arn) {
				return k, arn, nil
			}
		}
	}
	return nil, arn, api.NoSuchResource.Errorf("A resource that was specified is not valid.")
}

// A labels is a kind whose tags can be read, and changed.
type labels interface {
	holds(arn aws.ARN) bool
	tags(tx *store.Tx, call *aws.Call, arn aws.ARN, change func(map[string]string) (map[string]string, error)) (map[string]string, error)
}

func (k *kind[C]) holds(arn aws.ARN) bool { return strings.HasPrefix(arn.Resource, k.name+"/") }

// tags returns the tags of one of the caller's, after change, if there is one.
func (k *kind[C]) tags(tx *store.Tx, call *aws.Call, arn aws.ARN, change func(map[string]string) (map[string]string, error)) (map[string]string, error) {
	_, h, err := k.find(tx, call, k.id(arn))
	if err != nil || change == nil {
		return h.Tags, err
	}
	if h.Tags, err = change(h.Tags); err != nil {
		return nil, err
	}
	return h.Tags, k.rows.Put(tx, arn, h)
}

// retag changes the tags of what an ARN names.
func (s *Service) retag(ctx context.Context, call *aws.Call, resource string, change func(tags map[string]string) (map[string]string, error)) error {
	k, arn, err := labelled(call, resource)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		_, err := k.tags(tx, call, arn, change)
		return err
	})
}

// TagResource gives a resource tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.retag(ctx, call, in.Resource, func(had map[string]string) (map[string]string, error) { return tagged(had, in.Tags.Items) })
}

// UntagResource takes tags from a resource.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.retag(ctx, call, in.Resource, func(had map[string]string) (map[string]string, error) {
		out := maps.Clone(had)
		for _, key := range in.TagKeys.Items {
			delete(out, key)
		}
		return out, nil
	})
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	k, arn, err := labelled(call, in.Resource)
	if err != nil {
		return nil, err
	}
	var tags map[string]string
	err = s.db.View(ctx, func(tx *store.Tx) (err error) {
		tags, err = k.tags(tx, call, arn, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: &api.Tags{Items: []api.Tag{}}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out.Tags.Items = append(out.Tags.Items, api.Tag{Key: key, Value: new(tags[key])})
	}
	return out, nil
}
