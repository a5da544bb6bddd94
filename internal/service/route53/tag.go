package route53

import (
	"context"
	"maps"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTags = 50

// retag returns had with tags, without those of the names.
func retag(had map[string]string, add []api.Tag, remove []string) (map[string]string, error) {
	out := maps.Clone(had)
	if out == nil {
		out = make(map[string]string, len(add))
	}
	for _, name := range remove {
		delete(out, name)
	}
	for _, t := range add {
		out[aws.Value(t.Key)] = aws.Value(t.Value)
	}
	if len(out) > maxTags {
		return nil, api.InvalidInput.Errorf("A resource can have at most %d tags.", maxTags)
	}
	return out, nil
}

// ChangeTagsForResource gives a zone or a health check tags, and takes some.
func (s *Service) ChangeTagsForResource(ctx context.Context, call *aws.Call, in *api.ChangeTagsForResourceInput) (*api.ChangeTagsForResourceOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if in.ResourceType == checkKind {
			arn, c, err := findCheck(tx, call, in.ResourceId)
			if err != nil {
				return err
			}
			if c.Tags, err = retag(c.Tags, in.AddTags, in.RemoveTagKeys); err != nil {
				return err
			}
			return checks.Put(tx, arn, c)
		}
		arn, z, err := findZone(tx, call, in.ResourceId)
		if err != nil {
			return err
		}
		if z.Tags, err = retag(z.Tags, in.AddTags, in.RemoveTagKeys); err != nil {
			return err
		}
		return zones.Put(tx, arn, z)
	})
	if err != nil {
		return nil, err
	}
	return &api.ChangeTagsForResourceOutput{}, nil
}

// ListTagsForResource lists the tags of a zone or a health check.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	var tags map[string]string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		if in.ResourceType == checkKind {
			_, c, err := findCheck(tx, call, in.ResourceId)
			tags = c.Tags
			return err
		}
		_, z, err := findZone(tx, call, in.ResourceId)
		tags = z.Tags
		return err
	})
	if err != nil {
		return nil, err
	}
	set := &api.ResourceTagSet{ResourceType: &in.ResourceType, ResourceId: &in.ResourceId, Tags: []api.Tag{}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set.Tags = append(set.Tags, api.Tag{Key: new(key), Value: new(tags[key])})
	}
	return &api.ListTagsForResourceOutput{ResourceTagSet: set}, nil
}
