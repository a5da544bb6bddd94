package kinesis

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

func errTags(stream, account string) error {
	return api.InvalidArgumentException.Errorf("Failed to add tags to stream %s under account %s because a given stream cannot have more than %d tags associated with it.", stream, account, service.MaxTags)
}

func tag(key, value string) api.Tag { return api.Tag{Key: key, Value: &value} }

// AddTagsToStream adds tags to a stream.
func (s *Service) AddTagsToStream(ctx context.Context, call *aws.Call, in *api.AddTagsToStreamInput) (*api.AddTagsToStreamOutput, error) {
	arn, err := meant(call, in)
	if err != nil {
		return nil, err
	}
	if err := s.tags().Add(ctx, call, arn.String(), in.Tags); err != nil {
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
	if err := s.tags().Remove(ctx, call, arn.String(), in.TagKeys); err != nil {
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
	all, err := s.tags().List(ctx, call, arn.String())
	if err != nil {
		return nil, err
	}
	limit := int(aws.Or(in.Limit, service.MaxTags))
	out := &api.ListTagsForStreamOutput{Tags: []api.Tag{}}
	for _, t := range service.TagList(all, tag) {
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
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceARN, in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a stream or a consumer.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceARN, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a stream or a consumer.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceARN)
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: service.TagList(tags, tag)}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags, TooMany: func(text string) error {
		arn, _ := aws.ParseARN(text) // of a resource that is there
		return errTags(streamName(arn), arn.Account)
	}}
}

// findTags returns the tags of the stream or consumer that arn names, and what
// keeps others.
func findTags(tx *store.Tx, _ *aws.Call, text string) (map[string]string, func(map[string]string) error, error) {
	arn, err := resource(tx, text)
	if err != nil {
		return nil, nil, err
	}
	if key, ok := parseConsumer(arn); ok {
		c, err := findConsumer(tx, key)
		return c.Tags, func(tags map[string]string) error {
			c.Tags = tags
			return consumers.Put(tx, key, c)
		}, err
	}
	row, err := findStream(tx, arn)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return streams.Put(tx, arn, row)
	}, err
}
