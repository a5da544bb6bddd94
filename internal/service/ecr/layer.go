package ecr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxLayer   = 52 << 30      // bytes
	maxUploads = 1000          // in progress
	uploadLife = 2 * time.Hour // without a part
	partSize   = 20 << 20      // bytes that clients of the API are to send at once
)

// An upload is a layer on its way in. It lives as long as this process does:
// who pushes begins again.
type upload struct {
	id         string
	repository aws.ARN

	mu   sync.Mutex // taken while a part is written
	body *store.Upload
	hash hash.Hash
	size int64
	used time.Time // guarded by Service.mu
}

// begin begins an upload to a repository.
func (s *Service) begin(ctx context.Context, repo aws.ARN) (*upload, error) {
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, err := findRepository(tx, repo)
		return err
	})
	if err != nil {
		return nil, err
	}
	u := &upload{id: aws.NewRequestID(), repository: repo, hash: sha256.New(), used: time.Now()}
	u.body = s.db.Blobs().Create(context.WithoutCancel(ctx))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.uploads) >= maxUploads {
		return nil, api.LimitExceededException.Errorf("There are %d uploads in progress.", maxUploads)
	}
	s.uploads[u.id] = u
	return u, nil
}

// uploading returns an upload in progress.
func (s *Service) uploading(repo aws.ARN, id string) (*upload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[id]
	if u == nil || u.repository != repo {
		return nil, api.UploadNotFoundException.Errorf("The upload with id '%s' in the repository with name '%s' in the registry with id '%s' cannot be found", id, name(repo), repo.Account)
	}
	u.used = time.Now()
	return u, nil
}

// write adds to u.
func (u *upload) write(r io.Reader) (size int64, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n, err := io.Copy(io.MultiWriter(u.body, u.hash), io.LimitReader(r, maxLayer-u.size+1))
	u.size += n
	if err == nil && u.size > maxLayer {
		err = api.InvalidLayerException.Errorf("A layer has at most %d bytes.", int64(maxLayer))
	}
	return u.size, err
}

// drop ends an upload; what was not kept is gone.
func (s *Service) drop(u *upload) {
	s.mu.Lock()
	delete(s.uploads, u.id)
	s.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.body.Close()
}

// finish keeps the layer that was uploaded, if its hash is digest.
func (s *Service) finish(ctx context.Context, u *upload, digest string) error {
	defer s.drop(u)
	u.mu.Lock()
	defer u.mu.Unlock()
	if got := "sha256:" + hex.EncodeToString(u.hash.Sum(nil)); got != digest {
		return api.InvalidLayerException.Errorf("Layer digest '%s' does not match the digest '%s' of the layer uploaded", digest, got)
	}
	if err := u.body.Finish(); err != nil {
		return err
	}
	key := partKey{u.repository, digest}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findRepository(tx, u.repository); err != nil {
			return err
		}
		row, err := layers.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			row.Size = u.size
			row.Body, err = u.body.Keep(tx)
		}
		if err != nil {
			return err
		}
		row.Added = time.Now() // so that it is not swept before its image comes
		return layers.Put(tx, key, row)
	})
}

// InitiateLayerUpload begins to take in a layer.
func (s *Service) InitiateLayerUpload(ctx context.Context, call *aws.Call, in *api.InitiateLayerUploadInput) (*api.InitiateLayerUploadOutput, error) {
	u, err := s.begin(ctx, repositoryARN(call, in.RegistryId, in.RepositoryName))
	if err != nil {
		return nil, err
	}
	return &api.InitiateLayerUploadOutput{UploadId: &u.id, PartSize: new(int64(partSize))}, nil
}

// UploadLayerPart takes in a part of a layer.
func (s *Service) UploadLayerPart(_ context.Context, call *aws.Call, in *api.UploadLayerPartInput) (*api.UploadLayerPartOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	u, err := s.uploading(arn, in.UploadId)
	if err != nil {
		return nil, err
	}
	u.mu.Lock()
	size := u.size
	u.mu.Unlock()
	if in.PartFirstByte != size || in.PartLastByte != size+int64(len(in.LayerPartBlob))-1 {
		return nil, api.InvalidLayerPartException.Errorf("The layer part size is not valid, or the first byte specified is not consecutive to the last byte of a previous layer part upload.")
	}
	if size, err = u.write(bytes.NewReader(in.LayerPartBlob)); err != nil {
		return nil, err
	}
	return &api.UploadLayerPartOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, UploadId: &in.UploadId, LastByteReceived: new(size - 1)}, nil
}

// CompleteLayerUpload keeps a layer that has come.
func (s *Service) CompleteLayerUpload(ctx context.Context, call *aws.Call, in *api.CompleteLayerUploadInput) (*api.CompleteLayerUploadOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	u, err := s.uploading(arn, in.UploadId)
	if err != nil {
		return nil, err
	}
	if len(in.LayerDigests) != 1 || !image.IsDigest(in.LayerDigests[0]) {
		return nil, api.InvalidParameterException.Errorf("Invalid parameter at 'LayerDigests' failed to satisfy constraint: 'must be one sha256 digest'")
	}
	if err := s.finish(ctx, u, in.LayerDigests[0]); err != nil {
		return nil, err
	}
	return &api.CompleteLayerUploadOutput{RegistryId: &arn.Account, RepositoryName: &in.RepositoryName, UploadId: &in.UploadId, LayerDigest: &in.LayerDigests[0]}, nil
}

// BatchCheckLayerAvailability says which layers are there.
func (s *Service) BatchCheckLayerAvailability(ctx context.Context, call *aws.Call, in *api.BatchCheckLayerAvailabilityInput) (*api.BatchCheckLayerAvailabilityOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	out := &api.BatchCheckLayerAvailabilityOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		*out = api.BatchCheckLayerAvailabilityOutput{Layers: []api.Layer{}, Failures: []api.LayerFailure{}}
		if _, err := findRepository(tx, arn); err != nil {
			return err
		}
		for _, digest := range in.LayerDigests {
			row, err := layers.Get(tx, partKey{arn, digest})
			l := api.Layer{LayerDigest: &digest, LayerAvailability: new(api.LayerAvailabilityAvailable), LayerSize: &row.Size}
			if errors.Is(err, store.ErrNotFound) {
				l = api.Layer{LayerDigest: &digest, LayerAvailability: new(api.LayerAvailabilityUnavailable)}
			} else if err != nil {
				return err
			}
			out.Layers = append(out.Layers, l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// GetDownloadUrlForLayer says where a layer can be read.
func (s *Service) GetDownloadUrlForLayer(ctx context.Context, call *aws.Call, in *api.GetDownloadUrlForLayerInput) (*api.GetDownloadUrlForLayerOutput, error) {
	arn := repositoryARN(call, in.RegistryId, in.RepositoryName)
	r, err := s.openLayer(ctx, arn, in.LayerDigest)
	if err != nil {
		return nil, err
	}
	r.Close()
	return &api.GetDownloadUrlForLayerOutput{LayerDigest: &in.LayerDigest, DownloadUrl: new(s.cfg.Endpoint + "/v2/" + in.RepositoryName + "/blobs/" + in.LayerDigest)}, nil
}

// openLayer opens a layer to read it.
func (s *Service) openLayer(ctx context.Context, repo aws.ARN, digest string) (r *store.BodyReader, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if _, err := findRepository(tx, repo); err != nil {
			return err
		}
		row, err := layers.Get(tx, partKey{repo, digest})
		if errors.Is(err, store.ErrNotFound) {
			return api.LayersNotFoundException.Errorf("The layer with digest '%s' does not exist in the repository with name '%s' in the registry with id '%s'", digest, name(repo), repo.Account)
		}
		if err == nil {
			r, err = s.db.Blobs().Open(tx, row.Body)
		}
		return err
	})
	return r, err
}

// Layer opens a layer of an image, or its configuration: for who runs images.
func (s *Service) Layer(ctx context.Context, repository aws.ARN, digest string) (io.ReadCloser, error) {
	r, err := s.openLayer(ctx, repository, digest)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", digest, err)
	}
	return r, nil
}
