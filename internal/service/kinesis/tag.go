package kinesis

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

func errTags(stream, account string) error {
	return api.InvalidArgumentException.Errorf("Failed to add tags to stream %s under account %s because a given stream cannot have more than %d tags associated with it.", stream, account, maxTags)
}

// AddTagsToStream adds tags to a stream.
func (s *Service) AddTagsToStream(ctx context.Context, call *aws.Call, in *api.AddTagsToStreamInput) (*api.AddTagsToStreamOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.retag(ctx, arn.String(), with(in.Tags)); err != nil {
		return nil, err
	}
	return &api.AddTagsToStreamOutput{}, nil
}

// RemoveTagsFromStream removes tags from a stream.
func (s *Service) RemoveTagsFromStream(ctx context.Context, call *aws.Call, in *api.RemoveTagsFromStreamInput) (*api.RemoveTagsFromStreamOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.retag(ctx, arn.String(), without(in.TagKeys)); err != nil {
		return nil, err
	}
	return &api.RemoveTagsFromStreamOutput{}, nil
}

// ListTagsForStream lists the tags of a stream.
func (s *Service) ListTagsForStream(ctx context.Context, call *aws.Call, in *api.ListTagsForStreamInput) (*api.ListTagsForStreamOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	all, err := s.tags(ctx, arn.String())
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.Limit, maxTags))
	out := &api.ListTagsForStreamOutput{Tags: []api.Tag{}}
	for _, t := range all {
		switch {
		case t.Key <= aws.Value(in.ExclusiveStartTagKey):
		case len(out.Tags) == limit:
			out.HasMoreTags = true
		default:
			out.Tags = append(out.Tags, t)
		}
	}
	return out, nil
}

// TagResource adds tags to a stream or a consumer.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.retag(ctx, in.ResourceARN, with(in.Tags)); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a stream or a consumer.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.retag(ctx, in.ResourceARN, without(in.TagKeys)); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a stream or a consumer.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags(ctx, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

func with(more map[string]string) func(map[string]string) {
	return func(tags map[string]string) { maps.Copy(tags, more) }
}

func without(keys []string) func(map[string]string) {
	return func(tags map[string]string) {
		for _, key := range keys {
			delete(tags, key)
		}
	}
}

// retag changes the tags of a stream or a consumer.
func (s *Service) retag(ctx context.Context, text string, change func(map[string]string)) error {
	changed := func(had map[string]string) map[string]string {
		tags := make(map[string]string)
		maps.Copy(tags, had)
		change(tags)
		return tags
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, err := resource(tx, text)
		if err != nil {
			return err
		}
		if key, ok := parseConsumer(arn); ok {
			c, err := findConsumer(tx, key)
			if err != nil {
				return err
			}
			c.Tags = changed(c.Tags)
			return consumers.Put(tx, key, c)
		}
		row, err := findStream(tx, arn)
		if err != nil {
			return err
		}
		if row.Tags = changed(row.Tags); len(row.Tags) > maxTags {
			return errTags(streamName(arn), arn.Account)
		}
		return streams.Put(tx, arn, row)
	})
}

// tags returns the tags of a stream or a consumer by key.
func (s *Service) tags(ctx context.Context, text string) (list []api.Tag, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		arn, err := resource(tx, text)
		if err != nil {
			return err
		}
		var tags map[string]string
		if key, ok := parseConsumer(arn); ok {
			c, err := findConsumer(tx, key)
			if err != nil {
				return err
			}
			tags = c.Tags
		} else {
			row, err := findStream(tx, arn)
			if err != nil {
				return err
			}
			tags = row.Tags
		}
		list = []api.Tag{}
		for _, key := range slices.Sorted(maps.Keys(tags)) {
			list = append(list, api.Tag{Key: key, Value: new(tags[key])})
		}
		return nil
	})
	return list, err
}
