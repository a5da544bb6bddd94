package ecr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/store"
)

var tagName = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,299}$`)

// identify is a reference of docker's, which is a digest or a tag.
func identify(reference string) api.ImageIdentifier {
	if strings.Contains(reference, ":") {
		return api.ImageIdentifier{ImageDigest: &reference}
	}
	return api.ImageIdentifier{ImageTag: &reference}
}

// digestOf is the hash of a manifest, which is its name.
func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// PutImage keeps a manifest, all of whose layers are there, and gives it a tag.
func (s *Service) PutImage(ctx context.Context, call *aws.Call, in *api.PutImageInput) (*api.PutImageOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	m, err := image.ParseManifest([]byte(in.ImageManifest))
	if err != nil {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
	}
	if in.ImageTag != nil && !tagName.MatchString(*in.ImageTag) {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy regular expression '[a-zA-Z0-9-_.]+''")
	}
	key := partKey{arn, digestOf([]byte(in.ImageManifest))}
	if in.ImageDigest != nil && *in.ImageDigest != key.Digest {
		return nil, api.ImageDigestDoesNotMatchException.Errorf("The specified image digest '%s' does not match the digest '%s' of the image manifest.", *in.ImageDigest, key.Digest)
	}
	row := manifest{Manifest: []byte(in.ImageManifest), MediaType: aws.Or(in.ImageManifestMediaType, m.Type()), Pushed: time.Now()}
	if m.Config != nil {
		row.Artifact = m.Config.MediaType
	}
	for _, l := range m.Layers {
		row.Size += l.Size
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		repo, err := findRepository(tx, arn)
		if err != nil {
			return err
		}
		if err := checkParts(tx, arn, m); err != nil {
			return err
		}
		return putImage(tx, &repo, key, row, in.ImageTag)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutImageOutput{Image: describeImage(key, in.ImageTag, &row)}, nil
}

// checkParts refuses a manifest that names what is not there.
func checkParts(tx *store.Tx, repo aws.ARN, m *image.Manifest) error {
	var missing []string
	for _, d := range m.Parts() {
		there, err := false, error(nil)
		if m.IsIndex() {
			there, err = images.Has(tx, partKey{repo, d.Digest})
		} else {
			there, err = layers.Has(tx, partKey{repo, d.Digest})
		}
		if err != nil {
			return err
		}
		if !there {
			missing = append(missing, d.Digest)
		}
	}
	switch {
	case missing == nil:
		return nil
	case m.IsIndex():
		return api.ReferencedImagesNotFoundException.Errorf("Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", strings.Join(missing, ", "), name(repo), repo.Account)
	}
	return api.LayersNotFoundException.Errorf("Layers with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist", strings.Join(missing, ", "), name(repo), repo.Account)
}

// putImage keeps a manifest and gives it a tag.
func putImage(tx *store.Tx, repo *repository, key partKey, row manifest, tag *string) error {
	there, err := images.Has(tx, key)
	if err != nil {
		return err
	}
	var tagged string
	if tag != nil {
		if tagged, err = imageTags.Get(tx, tagKey{key.Repository, *tag}); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	switch {
	case there && (tag == nil || tagged == key.Digest):
		return api.ImageAlreadyExistsException.Errorf("Image with digest '%s' and tag '%s' already exists in the repository with name '%s' in registry with id '%s'", key.Digest, aws.Or(tag, "null"), name(key.Repository), key.Repository.Account)
	case tagged != "" && repo.Mutability == api.ImageTagMutabilityImmutable:
		return api.ImageTagAlreadyExistsException.Errorf("The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the repository is immutable.", *tag, name(key.Repository))
	}
	if !there {
		if err := images.Put(tx, key, row); err != nil {
			return err
		}
	}
	if tag == nil {
		return nil
	}
	return imageTags.Put(tx, tagKey{key.Repository, *tag}, key.Digest)
}

// describeImage is an image as answers show it.
func describeImage(key partKey, tag *string, row *manifest) *api.Image {
	return &api.Image{
		RegistryId:             &key.Repository.Account,
		RepositoryName:         new(name(key.Repository)),
		ImageId:                &api.ImageIdentifier{ImageDigest: &key.Digest, ImageTag: tag},
		ImageManifest:          new(string(row.Manifest)),
		ImageManifestMediaType: &row.MediaType,
	}
}

// BatchGetImage returns manifests.
func (s *Service) BatchGetImage(ctx context.Context, call *aws.Call, in *api.BatchGetImageInput) (*api.BatchGetImageOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	out := &api.BatchGetImageOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.BatchGetImageOutput{Images: []api.Image{}, Failures: []api.ImageFailure{}}
		if _, err := findRepository(tx, arn); err != nil {
			return err
		}
		for _, id := range in.ImageIds {
			row, key, err := findImage(tx, arn, id)
			switch {
			case errors.Is(err, api.ImageNotFoundException):
				out.Failures = append(out.Failures, notThere(id))
			case err != nil:
				return err
			default:
				out.Images = append(out.Images, *describeImage(key, id.ImageTag, &row))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func notThere(id api.ImageIdentifier) api.ImageFailure {
	return api.ImageFailure{ImageId: &id, FailureCode: new(api.ImageFailureCodeImageNotFound), FailureReason: new("Requested image not found")}
}
