package ssm

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ssm"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// AddTagsToResource gives a parameter tags.
func (s *Service) AddTagsToResource(ctx context.Context, call *aws.Call, in *api.AddTagsToResourceInput) (*api.AddTagsToResourceOutput, error) {
	return &api.AddTagsToResourceOutput{}, s.retag(ctx, call, in.ResourceType, in.ResourceId, func(tags []api.Tag) ([]api.Tag, error) {
		for _, t := range in.Tags {
			tags = append(without(tags, t.Key), t)
		}
		if len(tags) > maxTags {
			return nil, api.TooManyTagsError.Errorf("The number of tags for the parameter exceeds the limit of %d.", maxTags)
		}
		return tags, nil
	})
}

// RemoveTagsFromResource takes tags from a parameter.
func (s *Service) RemoveTagsFromResource(ctx context.Context, call *aws.Call, in *api.RemoveTagsFromResourceInput) (*api.RemoveTagsFromResourceOutput, error) {
	return &api.RemoveTagsFromResourceOutput{}, s.retag(ctx, call, in.ResourceType, in.ResourceId, func(tags []api.Tag) ([]api.Tag, error) {
		return without(tags, in.TagKeys...), nil
	})
}

func without(tags []api.Tag, keys ...string) []api.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t api.Tag) bool { return slices.Contains(keys, t.Key) })
}

func (s *Service) retag(ctx context.Context, call *aws.Call, kind, id string, change func([]api.Tag) ([]api.Tag, error)) error {
	if err := checkKind(kind); err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		k, row, err := findTagged(tx, call, id)
		if err != nil {
			return err
		}
		if row.Tags, err = change(row.Tags); err != nil {
			return err
		}
		return parameters.Put(tx, k, row)
	})
}

// ListTagsForResource returns the tags of a parameter.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	if err := checkKind(in.ResourceType); err != nil {
		return nil, err
	}
	out := &api.ListTagsForResourceOutput{TagList: []api.Tag{}}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findTagged(tx, call, in.ResourceId)
		if row.Tags != nil {
			out.TagList = row.Tags
		}
		return err
	})
}

func checkKind(kind string) error {
	if kind == api.ResourceTypeForTaggingParameter {
		return nil
	}
	return aws.NotImplemented.Errorf("Aloft does not have tags of %s in Systems Manager yet.", kind)
}

func findTagged(tx *store.Tx, call *aws.Call, id string) (key, parameter, error) {
	k, _, err := resolve(tx, call, id)
	if err != nil {
		return k, parameter{}, err
	}
	there, err := parameters.Has(tx, k)
	if err != nil {
		return k, parameter{}, err
	}
	if !there {
		return k, parameter{}, api.InvalidResourceId.Errorf("The resource ID %q is not valid. Verify the resource ID and try again.", id)
	}
	row, err := find(tx, k)
	return k, row, err
}
