package s3

import (
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// versionID is the version of o as answers name it, which they do once the
// bucket's versioning was set.
func (o object) versionID() *string {
	if o.Version == "" {
		return nil
	}
	return &o.Version
}

// namedVersion is versionID, but for one that is called null.
func (o object) namedVersion() *string {
	if o.Version == nullVersion {
		return nil
	}
	return o.versionID()
}

// latest returns the latest version of a key, which may be a delete marker, and
// whether there is any.
func latest(tx *store.Tx, b aws.ARN, key string) (object, bool, error) {
	o, err := objects.Get(tx, objectKey{b, key})
	if errors.Is(err, store.ErrNotFound) {
		return object{}, false, nil
	}
	return o, err == nil, err
}

// findObject returns an object that can be read: the latest version of key, or
// the one that is named. Its Version is empty in buckets that name none.
func findObject(tx *store.Tx, b aws.ARN, row bucket, key string, version *string, method string) (object, error) {
	o, found, err := findVersion(tx, b, key, version)
	switch {
	case err != nil:
		return object{}, err
	case !found && version != nil:
		return object{}, errNoVersion(key, *version)
	case !found:
		return object{}, errNoKey(key)
	case o.Marker && version != nil:
		return object{}, errMarker(method, o)
	case o.Marker:
		return object{}, errDeleted(key, o)
	}
	if !row.versioned() {
		o.Version = ""
	}
	return o, nil
}

// findVersion returns a version of key, the latest if version is nil, and
// whether it is there.
func findVersion(tx *store.Tx, b aws.ARN, key string, version *string) (object, bool, error) {
	o, found, err := latest(tx, b, key)
	if err != nil || version == nil || found && o.Version == *version {
		return o, found, err
	}
	if *version == nullVersion {
		for _, o := range older.Scan(tx, versionKey{Bucket: b, Key: key}) {
			if o.Version == nullVersion {
				return o, true, nil
			}
		}
		return object{}, false, nil
	}
	seq, ok := parseVersionID(*version)
	if !ok {
		return object{}, false, errArgument("versionId", *version, "Invalid version id specified")
	}
	o, err = older.Get(tx, versionKey{b, key, seq})
	if errors.Is(err, store.ErrNotFound) {
		return object{}, false, nil
	}
	return o, err == nil && o.Version == *version, err
}

// putVersion makes o the latest version of key, as the bucket's versioning has
// it, and returns it with its version. What it replaces is dropped.
func (s *Service) putVersion(tx *store.Tx, b aws.ARN, row bucket, key string, o object) (object, error) {
	old, found, err := latest(tx, b, key)
	if err != nil {
		return o, err
	}
	o.Seq, o.Version = old.Seq+1, nullVersion
	if row.Versioning == api.BucketVersioningStatusEnabled {
		o.Version = newVersionID(o.Seq)
	}
	if err := firstError(protect(tx, b, row, &o), s.replicate(tx, b, row, key, &o)); err != nil {
		return o, err
	}
	switch {
	case !found:
	case o.Version == nullVersion && old.Version == nullVersion:
		err = s.drop(tx, b, old)
	default:
		err = older.Put(tx, versionKey{b, key, old.Seq}, old)
	}
	if err == nil && found && o.Version == nullVersion && old.Version != nullVersion {
		err = s.dropOlderNull(tx, b, key)
	}
	if err != nil {
		return o, err
	}
	if err := objects.Put(tx, objectKey{b, key}, o); err != nil {
		return o, err
	}
	if !row.versioned() {
		o.Version = ""
	}
	return o, nil
}

// dropOlderNull drops the version without a name: there is one at most.
func (s *Service) dropOlderNull(tx *store.Tx, b aws.ARN, key string) error {
	for k, o := range older.Scan(tx, versionKey{Bucket: b, Key: key}) {
		if o.Version != nullVersion {
			continue
		}
		if err := s.drop(tx, b, o); err != nil {
			return err
		}
		return older.Delete(tx, k)
	}
	return nil
}

// change keeps o, a version of key that is there already, as it is now.
func (s *Service) change(tx *store.Tx, b aws.ARN, key string, o object) error {
	now, _, err := latest(tx, b, key)
	if err != nil {
		return err
	}
	if now.Seq == o.Seq {
		return objects.Put(tx, objectKey{b, key}, o)
	}
	return older.Put(tx, versionKey{b, key, o.Seq}, o)
}

// removeVersion removes one version of key for good. Was it the latest, the one
// before it is now.
func (s *Service) removeVersion(tx *store.Tx, b aws.ARN, key string, o object) error {
	if err := s.drop(tx, b, o); err != nil {
		return err
	}
	now, _, err := latest(tx, b, key)
	if err != nil {
		return err
	}
	if now.Seq != o.Seq {
		return older.Delete(tx, versionKey{b, key, o.Seq})
	}
	for k, before := range older.ScanReverse(tx, versionKey{Bucket: b, Key: key}) {
		if err := older.Delete(tx, k); err != nil {
			return err
		}
		return objects.Put(tx, objectKey{b, key}, before)
	}
	return objects.Delete(tx, objectKey{b, key})
}

// drop removes the content of o.
func (s *Service) drop(tx *store.Tx, b aws.ARN, o object) error {
	if o.Upload != "" {
		return s.dropParts(tx, b, o.Upload)
	}
	return s.blobs.Drop(tx, o.Body)
}

// dropParts removes the parts of an upload, and their content.
func (s *Service) dropParts(tx *store.Tx, b aws.ARN, upload string) error {
	prefix := partKey{Bucket: b, Upload: upload}
	for _, p := range parts.Scan(tx, prefix) {
		if err := s.blobs.Drop(tx, p.Body); err != nil {
			return err
		}
	}
	return parts.DeletePrefix(tx, prefix)
}
