package apigateway

import (
	"context"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// TagResource adds tags to a resource.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	if err := s.tags().Add(ctx, call, in.ResourceArn, in.Tags); err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource takes tags from a resource.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	if err := s.tags().Remove(ctx, call, in.ResourceArn, in.TagKeys); err != nil {
		return nil, err
	}
	return &api.UntagResourceOutput{}, nil
}

// GetTags returns the tags of a resource.
func (s *Service) GetTags(ctx context.Context, call *aws.Call, in *api.GetTagsInput) (*api.GetTagsOutput, error) {
	tags, err := s.tags().List(ctx, call, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &api.GetTagsOutput{Tags: tags}, nil
}

func (s *Service) tags() *service.Tags {
	return &service.Tags{DB: s.db, Find: s.findTags, TooMany: func(string) error {
		return errBad("The maximum number of tags for a resource is %d", service.MaxTags)
	}}
}

// findTags returns the tags of the resource that arn names, and what keeps others.
func (s *Service) findTags(tx *store.Tx, call *aws.Call, arn string) (map[string]string, func(map[string]string) error, error) {
	path, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+call.Region+"::/")
	if !ok {
		return nil, nil, errBad("Invalid resource ARN specified: %s", arn)
	}
	kind, id, _ := strings.Cut(path, "/")
	id, below, _ := strings.Cut(id, "/")
	stage, ofStage := strings.CutPrefix(below, "stages/")
	switch {
	case kind == "restapis" && ofStage:
		key, row, err := find(tx, stages, call, id, "stage", stage)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return stages.Put(tx, key, row) }, err
	case kind == "restapis":
		key, row, err := findAPI(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return apis.Put(tx, key, row) }, err
	case kind == "apikeys":
		key, row, err := findKey(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return apiKeys.Put(tx, key, row) }, err
	case kind == "usageplans":
		key, row, err := findPlan(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return plans.Put(tx, key, row) }, err
	case kind == "clientcertificates":
		key, row, err := findClientCert(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return clientCerts.Put(tx, key, row) }, err
	case kind == "vpclinks":
		key, row, err := findVpcLink(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return vpcLinks.Put(tx, key, row) }, err
	case kind == "domainnames":
		row, err := s.cfg.Domains.Find(tx, call, id)
		return row.Tags, func(tags map[string]string) error { row.Tags = tags; return s.cfg.Domains.Put(tx, call, &row, "") }, err
	}
	return nil, nil, errBad("Invalid resource ARN specified: %s", arn)
}
