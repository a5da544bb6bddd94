package appconfig

import (
	"context"
	"maps"
	"strconv"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// changeTags changes the tags of a resource.
func (s *Service) changeTags(ctx context.Context, text string, change func(map[string]string)) error {
	arn, err := aws.ParseARN(text)
	if err != nil {
		return invalid("Invalid ARN: %s", text)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		parts := strings.Split(arn.Resource, "/")
		switch {
		case len(parts) == 6 && parts[4] == "deployment":
			number, err := strconv.ParseInt(parts[5], 10, 32)
			if err != nil {
				return errNone("Deployment", parts[5])
			}
			of := arn
			of.Resource = strings.Join(parts[:4], "/")
			d, err := findDeployment(tx, numberKey{of, int32(number)})
			if err != nil {
				return err
			}
			d.Tags = changed(d.Tags, change)
			return deployments.Put(tx, numberKey{of, int32(number)}, d)
		case len(parts) == 4 && parts[2] == "environment":
			return retag(tx, environments, arn, anEnvironment, change)
		case len(parts) == 4 && parts[2] == "configurationprofile":
			return retag(tx, profiles, arn, aProfile, change)
		case parts[0] == "deploymentstrategy":
			return retag(tx, strategies, arn, aStrategy, change)
		}
		return retag(tx, applications, arn, anApplication, change)
	})
}

func retag[V any](tx *store.Tx, table store.Table[aws.ARN, row[V]], arn aws.ARN, what string, change func(map[string]string)) error {
	r, err := find(tx, table, arn, what)
	if err != nil {
		return err
	}
	r.Tags = changed(r.Tags, change)
	return table.Put(tx, arn, r)
}

func changed(tags map[string]string, change func(map[string]string)) map[string]string {
	out := maps.Clone(tags)
	if out == nil {
		out = make(map[string]string)
	}
	change(out)
	return out
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, _ *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, _ *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
	})
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, _ *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{}
	err := s.changeTags(ctx, in.ResourceArn, func(tags map[string]string) { out.Tags = tags })
	return out, err
}
