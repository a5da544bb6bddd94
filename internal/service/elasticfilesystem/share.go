package elasticfilesystem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	emptySize  = 6144    // bytes that AWS counts for a file system without files
	maxCounted = 100_000 // files that are looked at to tell how large a file system is
)

// dir is where the files of a file system are.
func (s *Service) dir(id string) string { return filepath.Join(s.Dir, id) }

// Share is what a function mounts that names an access point, but for where.
// The error is sandbox.ErrShare if there is no such access point.
func (s *Service) Share(ctx context.Context, accessPoint aws.ARN) (*sandbox.Share, error) {
	var share sandbox.Share
	err := s.DB.View(ctx, func(tx *store.Tx) error {
		ap, err := accessPoints.Get(tx, accessPoint)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("%w: there is no access point %s", sandbox.ErrShare, accessPoint)
		}
		if err != nil {
			return err
		}
		share = sandbox.Share{Name: *ap.FileSystemId, Root: s.dir(*ap.FileSystemId), Dir: *ap.RootDirectory.Path}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &share, os.MkdirAll(share.Root, 0o755)
}

// size is how many bytes the files of a file system have.
func (s *Service) size(id string) int64 {
	size, counted := int64(emptySize), 0
	filepath.WalkDir(s.dir(id), func(_ string, d fs.DirEntry, err error) error {
		if counted++; counted > maxCounted {
			return fs.SkipAll
		}
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

// sweep removes the files of file systems that there are not.
func (s *Service) sweep(ctx context.Context) error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known := make(map[string]bool)
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		for arn := range fileSystems.Scan(tx, aws.ARN{}) {
			known[idOf(arn)] = true
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !known[entry.Name()] {
			err = errors.Join(err, os.RemoveAll(s.dir(entry.Name())))
		}
	}
	return err
}
