package cloudfront

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func tagMap(tags []api.Tag) map[string]string {
	return service.TagMap(tags, func(t api.Tag) (string, string) { return t.Key, aws.Value(t.Value) })
}

// tags are those of distributions, functions and key value stores.
func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags,
		TooMany: func(string) error {
			return api.InvalidTagging.Errorf("A resource can have at most %d tags.", service.MaxTags)
		},
		Reserved: func(string) error { return api.InvalidTagging.Errorf("Tag keys must not begin with aws:.") },
	}
}

// A labels is a kind of which each has tags.
type labels interface {
	tags(tx *store.Tx, call *aws.Call, arn aws.ARN) (map[string]string, func(map[string]string) error, error)
	holds(arn aws.ARN) bool
}

func (k *kind[C]) holds(arn aws.ARN) bool { return strings.HasPrefix(arn.Resource, k.name+"/") }

// tags returns the tags of one of the caller's, and what keeps others.
func (k *kind[C]) tags(tx *store.Tx, call *aws.Call, arn aws.ARN) (map[string]string, func(map[string]string) error, error) {
	_, h, err := k.find(tx, call, k.id(arn))
	return h.Tags, func(tags map[string]string) error { h.Tags = tags; return k.rows.Put(tx, arn, h) }, err
}

// findTags returns the tags of what an ARN of the caller's names, and what keeps others.
func findTags(tx *store.Tx, call *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := aws.ParseARN(text)
	if err == nil && arn.Service == "cloudfront" && arn.Account == call.Account {
		for _, k := range []labels{distributions, scripts, valueStores} {
			if k.holds(arn) {
				return k.tags(tx, call, arn)
			}
		}
	}
	return nil, nil, api.NoSuchResource.Errorf("A resource that was specified is not valid.")
}

// TagResource gives a resource tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.tags().Add(ctx, call, in.Resource, tagMap(in.Tags.Items))
}

// UntagResource takes tags from a resource.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.tags().Remove(ctx, call, in.Resource, in.TagKeys.Items)
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.Resource)
	list := service.TagList(tags, func(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} })
	return &api.ListTagsForResourceOutput{Tags: &api.Tags{Items: list}}, err
}
