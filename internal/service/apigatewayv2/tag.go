package apigatewayv2

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TagResource adds tags to an API or a stage.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from an API or a stage.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// GetTags returns the tags of an API or a stage.
func (s *Service) GetTags(ctx context.Context, call *aws.Call, in *api.GetTagsInput) (*api.GetTagsOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.GetTagsOutput{Tags: tags}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: findTags, TooMany: func(string) error {
		return errBad("The maximum number of tags for a resource is %d", service.MaxTags)
	}}
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
