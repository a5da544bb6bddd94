package ecr

import (
	"context"
	"errors"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/store"
)

// unusedFor is how long a layer is kept that no image has: its image may be on
// its way.
const unusedFor = 24 * time.Hour

// sweep removes layers that no image has, and uploads that were given up.
func (s *Service) sweep(ctx context.Context) (time.Duration, error) {
	s.mu.Lock()
	var idle []*upload
	for _, u := range s.uploads {
		if time.Since(u.used) > uploadLife {
			idle = append(idle, u)
		}
	}
	s.mu.Unlock()
	for _, u := range idle {
		s.drop(u)
	}
	var all []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn := range repositories.Scan(tx, aws.ARN{}) {
			all = append(all, arn)
		}
		return nil
	})
	for _, arn := range all {
		err = errors.Join(err, s.sweepLayers(ctx, arn))
	}
	return uploadLife, err
}

func (s *Service) sweepLayers(ctx context.Context, repo aws.ARN) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		used := make(map[string]bool)
		for _, row := range images.Scan(tx, partKey{Repository: repo}) {
			m, err := image.ParseManifest(row.Manifest)
			if err != nil {
				return err
			}
			for _, d := range m.Parts() {
				used[d.Digest] = true
			}
		}
		for key, l := range layers.Scan(tx, partKey{Repository: repo}) {
			if used[key.Digest] || time.Since(l.Added) < unusedFor {
				continue
			}
			if err := errors.Join(layers.Delete(tx, key), s.db.Blobs().Drop(tx, l.Body)); err != nil {
				return err
			}
		}
		return nil
	})
}
