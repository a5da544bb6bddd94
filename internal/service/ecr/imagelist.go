package ecr

import (
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// DescribeImages describes images.
func (s *Service) DescribeImages(ctx context.Context, call *aws.Call, in *api.DescribeImagesInput) (*api.DescribeImagesOutput, error) {
	n, from, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	list := []api.ImageDetail{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = []api.ImageDetail{}
		if _, err := findRepository(tx, arn); err != nil {
			return err
		}
		tags := tagsOf(tx, arn)
		for _, id := range in.ImageIds {
			row, key, err := findImage(tx, arn, id)
			if err != nil {
				return err
			}
			list = append(list, detail(key, &row, tags[key.Digest]))
		}
		if in.ImageIds != nil {
			return nil
		}
		for key, row := range images.Scan(tx, partKey{Repository: arn}) {
			if in.Filter == nil || takes(in.Filter.TagStatus, len(tags[key.Digest]) > 0) {
				list = append(list, detail(key, &row, tags[key.Digest]))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.DescribeImagesOutput{}
	out.ImageDetails, out.NextToken = page(list, n, from)
	return out, nil
}

// takes reports whether a filter takes images with tags, or without.
func takes(status *string, tagged bool) bool {
	switch aws.Value(status) {
	case api.TagStatusTagged:
		return tagged
	case api.TagStatusUntagged:
		return !tagged
	}
	return true
}

func detail(key partKey, row *manifest, tags []string) api.ImageDetail {
	d := api.ImageDetail{
		RegistryId: &key.Repository.Account, RepositoryName: new(name(key.Repository)), ImageDigest: &key.Digest, ImageTags: tags,
		ImageSizeInBytes: &row.Size, ImagePushedAt: &row.Pushed, ImageManifestMediaType: &row.MediaType, ImageStatus: new(api.ImageStatusActive),
	}
	if row.Artifact != "" {
		d.ArtifactMediaType = &row.Artifact
	}
	return d
}

// ListImages lists images: once for each tag, or once if they have none.
func (s *Service) ListImages(ctx context.Context, call *aws.Call, in *api.ListImagesInput) (*api.ListImagesOutput, error) {
	n, from, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	var filter *string
	if in.Filter != nil {
		filter = in.Filter.TagStatus
	}
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	list := []api.ImageIdentifier{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		list = []api.ImageIdentifier{}
		if _, err := findRepository(tx, arn); err != nil {
			return err
		}
		tags := tagsOf(tx, arn)
		for key := range images.Scan(tx, partKey{Repository: arn}) {
			all := tags[key.Digest]
			if !takes(filter, len(all) > 0) {
				continue
			}
			if len(all) == 0 {
				list = append(list, api.ImageIdentifier{ImageDigest: &key.Digest})
			}
			for _, tag := range all {
				list = append(list, api.ImageIdentifier{ImageDigest: &key.Digest, ImageTag: &tag})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &api.ListImagesOutput{}
	out.ImageIds, out.NextToken = page(list, n, from)
	return out, nil
}

// BatchDeleteImage takes tags from images, and removes images with their last
// tag, or by their digest.
func (s *Service) BatchDeleteImage(ctx context.Context, call *aws.Call, in *api.BatchDeleteImageInput) (*api.BatchDeleteImageOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	out := &api.BatchDeleteImageOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		*out = api.BatchDeleteImageOutput{ImageIds: []api.ImageIdentifier{}, Failures: []api.ImageFailure{}}
		if _, err := findRepository(tx, arn); err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			_, key, err := findImage(tx, arn, id)
			if errors.Is(err, api.ImageNotFoundException) {
				out.Failures = append(out.Failures, notThere(id))
				continue
			}
			if err != nil {
				return err
			}
			removed, err := deleteImage(tx, key, id.ImageTag)
			if err != nil {
				return err
			}
			out.ImageIds = append(out.ImageIds, removed...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// deleteImage takes a tag from an image, or all if tag is nil, and removes it
// when it has none left. It returns what is gone.
func deleteImage(tx *store.Tx, key partKey, tag *string) (removed []api.ImageIdentifier, err error) {
	tags := tagsOf(tx, key.Repository)[key.Digest]
	for _, t := range tags {
		if tag != nil && t != *tag {
			continue
		}
		if err := imageTags.Delete(tx, tagKey{key.Repository, t}); err != nil {
			return nil, err
		}
		removed = append(removed, api.ImageIdentifier{ImageDigest: &key.Digest, ImageTag: &t})
	}
	if len(removed) < len(tags) {
		return removed, nil
	}
	if removed == nil {
		removed = []api.ImageIdentifier{{ImageDigest: &key.Digest}}
	}
	return removed, images.Delete(tx, key)
}
