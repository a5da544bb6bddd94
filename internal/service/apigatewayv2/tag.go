package apigatewayv2

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a resource has at most.
const maxTags = 50

// TagResource adds tags to an API or a stage.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from an API or a stage.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
	if err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// GetTags returns the tags of an API or a stage.
func (s *Service) GetTags(ctx context.Context, call *aws.Call, in *api.GetTagsInput) (*api.GetTagsOutput, error) {
	out := new(api.GetTagsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		tags, _, err := findTags(tx, call, in.ResourceArn)
		out.Tags = tags
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) retag(ctx context.Context, call *aws.Call, arn string, change func(map[string]string)) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		old, put, err := findTags(tx, call, arn)
		if err != nil {
			return err
		}
		tags := make(map[string]string)
		maps.Copy(tags, old)
		if change(tags); len(tags) > maxTags {
			return errBad("The maximum number of tags for a resource is %d", maxTags)
		}
		return put(tags)
	})
}

// findTags returns the tags of the resource that arn names, and what keeps others.
func findTags(tx *store.Tx, call *aws.Call, arn string) (map[string]string, func(map[string]string) error, error) {
	path, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+call.Region+"::/apis/")
	if !ok {
		return nil, nil, errBad("Invalid resource ARN specified: %s", arn)
	}
	id, name, ofStage := strings.Cut(path, "/stages/")
	if ofStage {
		key, row, err := find(tx, stages, call, id, "stage", name)
		return row.Tags, func(tags map[string]string) error {
			row.Tags = tags
			return stages.Put(tx, key, row)
		}, err
	}
	key, row, err := findAPI(tx, call, id)
	return row.Tags, func(tags map[string]string) error {
		row.Tags = tags
		return apis.Put(tx, key, row)
	}, err
}
