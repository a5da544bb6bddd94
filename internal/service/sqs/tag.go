package sqs

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

func checkTags(tags map[string]string) error {
	for key, value := range tags {
		switch {
		case key == "" || len(key) > 128 || len(value) > 256:
			return api.InvalidParameterValueException.Errorf("Tag keys must be between 1 and 128 characters in length, and tag values at most 256.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return api.InvalidParameterValueException.Errorf("Tag keys must not begin with aws:.")
		}
	}
	if len(tags) > maxTags {
		return api.InvalidParameterValueException.Errorf("Too many tags added for queue.")
	}
	return nil
}

// TagQueue adds tags to a queue.
func (s *Service) TagQueue(ctx context.Context, call *aws.Call, in *api.TagQueueInput) (*api.TagQueueOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, errMissing("Tags")
	}
	err = s.change(ctx, arn, func(tx *store.Tx, q *queue) error {
		if q.Tags == nil {
			q.Tags = make(map[string]string)
		}
		maps.Copy(q.Tags, in.Tags)
		return checkTags(q.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &api.TagQueueOutput{}, nil
}

// UntagQueue takes tags from a queue.
func (s *Service) UntagQueue(ctx context.Context, call *aws.Call, in *api.UntagQueueInput) (*api.UntagQueueOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, errMissing("TagKeys")
	}
	err = s.change(ctx, arn, func(tx *store.Tx, q *queue) error {
		for _, key := range in.TagKeys {
			delete(q.Tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagQueueOutput{}, nil
}

// ListQueueTags returns the tags of a queue.
func (s *Service) ListQueueTags(ctx context.Context, call *aws.Call, in *api.ListQueueTagsInput) (*api.ListQueueTagsOutput, error) {
	arn, err := queueARN(call, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	q, err := s.look(ctx, arn)
	if err != nil {
		return nil, err
	}
	out := &api.ListQueueTagsOutput{}
	if len(q.Tags) > 0 {
		out.Tags = maps.Clone(q.Tags)
	}
	return out, nil
}
