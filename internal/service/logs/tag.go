package logs

import (
	"context"
	"maps"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a resource has at most.
const maxTags = 50

// TagResource adds tags to a log group.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tag(ctx, findARN(call, "", in.ResourceArn), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a log group.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.untag(ctx, findARN(call, "", in.ResourceArn), in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a log group.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	tags, err := s.tags(ctx, findARN(call, "", in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &api.ListTagsForResourceOutput{Tags: tags}, nil
}

// TagLogGroup adds tags to a log group.
func (s *Service) TagLogGroup(ctx context.Context, call *aws.Call, in *api.TagLogGroupInput) (*api.TagLogGroupOutput, error) {
	if err := s.tag(ctx, groupARN(call, in.LogGroupName), in.Tags); err != nil {
		return nil, err
	}
	return &api.TagLogGroupOutput{}, nil
}

// UntagLogGroup removes tags from a log group.
func (s *Service) UntagLogGroup(ctx context.Context, call *aws.Call, in *api.UntagLogGroupInput) (*api.UntagLogGroupOutput, error) {
	if err := s.untag(ctx, groupARN(call, in.LogGroupName), in.Tags); err != nil {
		return nil, err
	}
	return &api.UntagLogGroupOutput{}, nil
}

// ListTagsLogGroup lists the tags of a log group.
func (s *Service) ListTagsLogGroup(ctx context.Context, call *aws.Call, in *api.ListTagsLogGroupInput) (*api.ListTagsLogGroupOutput, error) {
	tags, err := s.tags(ctx, groupARN(call, in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &api.ListTagsLogGroupOutput{Tags: tags}, nil
}

func (s *Service) tag(ctx context.Context, arn aws.ARN, tags map[string]string) error {
	return s.changeGroup(ctx, arn, func(_ *store.Tx, g *group) error {
		all := maps.Clone(g.Tags)
		if all == nil {
			all = make(map[string]string)
		}
		maps.Copy(all, tags)
		if len(all) > maxTags {
			return api.TooManyTagsException.With(&api.TooManyTagsExceptionDetail{ResourceName: new(arn.String())}, "A resource can have no more than 50 tags.")
		}
		g.Tags = all
		return nil
	})
}

func (s *Service) untag(ctx context.Context, arn aws.ARN, keys []string) error {
	return s.changeGroup(ctx, arn, func(_ *store.Tx, g *group) error {
		g.Tags = maps.Clone(g.Tags)
		for _, key := range keys {
			delete(g.Tags, key)
		}
		return nil
	})
}

func (s *Service) tags(ctx context.Context, arn aws.ARN) (map[string]string, error) {
	tags := map[string]string{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		g, err := findGroup(tx, arn)
		maps.Copy(tags, g.Tags)
		return err
	})
	return tags, err
}
