package ecr

import (
	"crypto/rand"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

var (
	repositories = store.NewTable[aws.ARN, repository]("ecr.repository")
	images       = store.NewTable[partKey, manifest]("ecr.image")
	imageTags    = store.NewTable[tagKey, string]("ecr.tag") // digests
	layers       = store.NewTable[partKey, layer]("ecr.layer")
	secrets      = store.NewTable[aws.ARN, []byte]("ecr.secret") // one, that signs passwords
)

// A repository has images of one name.
type repository struct {
	Created    time.Time
	Mutability string
	ScanOnPush bool              `json:",omitempty"`
	Encryption string            `json:",omitempty"`
	Key        string            `json:",omitempty"` // of KMS
	Tags       map[string]string `json:",omitempty"`
	Policy     string            `json:",omitempty"` // a document
	Lifecycle  string            `json:",omitempty"` // a document
}

// A partKey names a manifest or a layer of a repository by its hash.
type partKey struct {
	Repository aws.ARN
	Digest     string
}

type tagKey struct {
	Repository aws.ARN
	Tag        string
}

// A manifest is what an image is made of.
type manifest struct {
	Manifest  []byte
	MediaType string
	Artifact  string `json:",omitempty"` // media type of the configuration
	Size      int64  // of all layers
	Pushed    time.Time
}

// A layer is a part of images; the configuration of an image is one too.
type layer struct {
	Body  store.Body
	Size  int64
	Added time.Time
}

func findRepository(tx *store.Tx, arn aws.ARN) (repository, error) {
	row, err := repositories.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		err = api.RepositoryNotFoundException.Errorf("The repository with name '%s' does not exist in the registry with id '%s'", name(arn), arn.Account)
	}
	return row, err
}

// findImage returns the image that has a digest or a tag.
func findImage(tx *store.Tx, repo aws.ARN, id api.ImageIdentifier) (manifest, partKey, error) {
	key := partKey{repo, aws.Value(id.ImageDigest)}
	if _, err := findRepository(tx, repo); err != nil {
		return manifest{}, key, err
	}
	if id.ImageTag != nil {
		digest, err := imageTags.Get(tx, tagKey{repo, *id.ImageTag})
		if errors.Is(err, store.ErrNotFound) || err == nil && key.Digest != "" && key.Digest != digest {
			return manifest{}, key, errNoImage(repo, id)
		}
		if err != nil {
			return manifest{}, key, err
		}
		key.Digest = digest
	}
	row, err := images.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoImage(repo, id)
	}
	return row, key, err
}

func errNoImage(repo aws.ARN, id api.ImageIdentifier) error {
	return api.ImageNotFoundException.Errorf("The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		aws.Or(id.ImageDigest, "null"), aws.Or(id.ImageTag, "null"), name(repo), repo.Account)
}

// tagsOf lists the tags of each image of a repository.
func tagsOf(tx *store.Tx, repo aws.ARN) map[string][]string {
	all := make(map[string][]string)
	for key, digest := range imageTags.Scan(tx, tagKey{Repository: repo}) {
		all[digest] = append(all[digest], key.Tag)
	}
	return all
}

// readSecret returns what signs passwords, made at first.
func readSecret(tx *store.Tx) ([]byte, error) {
	key := aws.ARN{Service: "ecr", Resource: "secret"}
	secret, err := secrets.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		secret = make([]byte, 32)
		rand.Read(secret)
		err = secrets.Put(tx, key, secret)
	}
	return secret, err
}
