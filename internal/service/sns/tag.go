package sns

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

var errNoResource = api.ResourceNotFoundException.Errorf("Resource does not exist")

// newTags returns old with tags added.
func newTags(old map[string]string, tags []api.Tag) (map[string]string, error) {
	out := maps.Clone(old)
	if out == nil {
		out = make(map[string]string)
	}
	seen := make(map[string]bool)
	for _, tag := range tags {
		if seen[tag.Key] {
			return nil, invalid("Duplicated keys are not allowed.")
		}
		seen[tag.Key], out[tag.Key] = true, tag.Value
	}
	if len(out) > maxTags {
		return nil, api.TagLimitExceededException.Errorf("Could not complete request: tag quota of per resource exceeded")
	}
	return out, nil
}

// changeTags keeps what fn makes of the tags of a topic.
func (s *Service) changeTags(ctx context.Context, text string, fn func(t *topic) error) error {
	arn, err := parseARN(text, "ResourceArn")
	if err != nil {
		return err
	}
	err = s.changeTopic(ctx, arn, fn)
	if ignore(err, api.NotFoundException) == nil && err != nil {
		return errNoResource
	}
	return err
}

// TagResource adds tags to a topic.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.changeTags(ctx, in.ResourceArn, func(t *topic) (err error) {
		t.Tags, err = newTags(t.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a topic.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.changeTags(ctx, in.ResourceArn, func(t *topic) error {
		for _, key := range in.TagKeys {
			delete(t.Tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource returns the tags of a topic.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	arn, err := parseARN(in.ResourceArn, "ResourceArn")
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{Tags: []api.Tag{}}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		t, err := findTopic(tx, arn)
		if ignore(err, api.NotFoundException) == nil && err != nil {
			return errNoResource
		}
		for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
			out.Tags = append(out.Tags, api.Tag{Key: key, Value: t.Tags[key]})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
