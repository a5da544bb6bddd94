package elasticfilesystem

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// resourceARN names what has tags: a file system or an access point.
func resourceARN(call *aws.Call, given string) aws.ARN {
	if strings.HasPrefix(given, "fsap-") {
		return accessPointARN(call, given)
	}
	return fileSystemARN(call, given)
}

// changeTags changes the tags of a resource; change returns what they become.
func changeTags(tx *store.Tx, arn aws.ARN, change func([]api.Tag) []api.Tag) error {
	if strings.HasPrefix(arn.Resource, "access-point/") {
		ap, err := findAccessPoint(tx, arn)
		if err != nil {
			return err
		}
		ap.Tags = change(ap.Tags)
		ap.Name = tagName(ap.Tags)
		return accessPoints.Put(tx, arn, ap)
	}
	fs, err := findFileSystem(tx, arn)
	if err != nil {
		return err
	}
	fs.Is.Tags = change(fs.Is.Tags)
	return fileSystems.Put(tx, arn, fs)
}

// without are those of tags that have none of the keys.
func without(tags []api.Tag, keys ...string) []api.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(t api.Tag) bool { return slices.Contains(keys, t.Key) })
}

// TagResource adds tags.
func (s *Service) TagResource(ctx context.Context, call *aws.Call, in *api.TagResourceInput) (*api.TagResourceOutput, error) {
	return &api.TagResourceOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		return changeTags(tx, resourceARN(call, in.ResourceId), func(tags []api.Tag) []api.Tag {
			for _, t := range in.Tags {
				tags = append(without(tags, t.Key), t)
			}
			return tags
		})
	})
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, call *aws.Call, in *api.UntagResourceInput) (*api.UntagResourceOutput, error) {
	return &api.UntagResourceOutput{}, s.DB.Update(ctx, func(tx *store.Tx) error {
		return changeTags(tx, resourceARN(call, in.ResourceId), func(tags []api.Tag) []api.Tag { return without(tags, in.TagKeys...) })
	})
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, call *aws.Call, in *api.ListTagsForResourceInput) (*api.ListTagsForResourceOutput, error) {
	out := &api.ListTagsForResourceOutput{}
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		arn := resourceARN(call, in.ResourceId)
		if strings.HasPrefix(arn.Resource, "access-point/") {
			ap, err := findAccessPoint(tx, arn)
			out.Tags = append([]api.Tag{}, ap.Tags...)
			return err
		}
		fs, err := findFileSystem(tx, arn)
		out.Tags = append([]api.Tag{}, fs.Is.Tags...)
		return err
	})
	return out, err
}
