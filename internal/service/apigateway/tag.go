package apigateway

import (
	"context"
	"maps"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxTags is how many tags a resource has at most.
const maxTags = 50

// TagResource adds tags to a resource.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	err := s.retag(ctx, call, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
	if err != nil {
		return nil, err
	}
	return &api.TagResourceOutput{}, nil
}

// UntagResource removes tags from a resource.
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

// GetTags returns the tags of a resource.
func (s *Service) GetTags(ctx context.Context, call *aws.Call, in *api.GetTagsInput) (*api.GetTagsOutput, error) {
	out := new(api.GetTagsOutput)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		tags, _, err := s.findTags(tx, call, in.ResourceArn)
		if out.Tags = tags; tags == nil {
			out.Tags = make(map[string]string)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) retag(ctx context.Context, call *aws.Call, arn string, change func(map[string]string)) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		old, put, err := s.findTags(tx, call, arn)
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
