package firehose

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// addTags adds tags to those of a stream.
func (row *stream) addTags(tags []api.Tag) error {
	if row.Tags == nil {
		row.Tags = make(map[string]string)
	}
	for _, t := range tags {
		row.Tags[t.Key] = aws.Value(t.Value)
	}
	if len(row.Tags) > maxTags {
		return api.LimitExceededException.Errorf("A delivery stream has at most %d tags.", maxTags)
	}
	return nil
}

// TagDeliveryStream adds tags to a stream.
func (s *Service) TagDeliveryStream(ctx context.Context, call *aws.Call, in *api.TagDeliveryStreamInput) (*api.TagDeliveryStreamOutput, error) {
	err := s.change(ctx, call, in.DeliveryStreamName, func(_ *store.Tx, _ aws.ARN, row *stream) error { return row.addTags(in.Tags) })
	return &api.TagDeliveryStreamOutput{}, err
}

// UntagDeliveryStream removes tags of a stream.
func (s *Service) UntagDeliveryStream(ctx context.Context, call *aws.Call, in *api.UntagDeliveryStreamInput) (*api.UntagDeliveryStreamOutput, error) {
	err := s.change(ctx, call, in.DeliveryStreamName, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		for _, key := range in.TagKeys {
			delete(row.Tags, key)
		}
		return nil
	})
	return &api.UntagDeliveryStreamOutput{}, err
}

// ListTagsForDeliveryStream lists the tags of a stream, in order of their keys.
func (s *Service) ListTagsForDeliveryStream(ctx context.Context, call *aws.Call, in *api.ListTagsForDeliveryStreamInput) (*api.ListTagsForDeliveryStreamOutput, error) {
	var row stream
	err := s.DB.View(ctx, func(tx *store.Tx) (err error) {
		row, err = findStream(tx, streamARN(call, in.DeliveryStreamName))
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListTagsForDeliveryStreamOutput{Tags: []api.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(row.Tags)) {
		switch {
		case key <= aws.Value(in.ExclusiveStartTagKey):
		case len(out.Tags) == int(aws.Or(in.Limit, maxTags)):
			out.HasMoreTags = true
		default:
			out.Tags = append(out.Tags, api.Tag{Key: key, Value: new(row.Tags[key])})
		}
	}
	return out, nil
}
