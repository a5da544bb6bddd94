package s3

import (
	"context"
	"encoding/base64"
	"fmt"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// ListObjects lists objects as S3 did at first: the marker is a key.
func (s *Service) ListObjects(ctx context.Context, call *aws.Call, in *api.ListObjectsInput) (*api.ListObjectsOutput, error) {
	l, err := newListing(in.Prefix, in.Delimiter, in.Marker, in.MaxKeys, in.EncodingType)
	if err != nil {
		return nil, err
	}
	found, err := s.listObjects(ctx, in.Bucket, in.ExpectedBucketOwner, l, call.Principal.Kind != aws.Anonymous)
	if err != nil {
		return nil, err
	}
	out := &api.ListObjectsOutput{
		Name: &in.Bucket, Contents: found, CommonPrefixes: l.prefixes, IsTruncated: &l.truncated,
		Prefix: new(l.encode(l.prefix)), Marker: new(l.encode(l.after)), MaxKeys: new(int32(l.max)), EncodingType: in.EncodingType,
	}
	if l.delimiter != "" {
		out.Delimiter = new(l.encode(l.delimiter))
		if l.truncated {
			out.NextMarker = new(l.encode(l.last))
		}
	}
	return out, nil
}

// ListObjectsV2 lists objects: where to go on is in a token.
func (s *Service) ListObjectsV2(ctx context.Context, call *aws.Call, in *api.ListObjectsV2Input) (*api.ListObjectsV2Output, error) {
	after := in.StartAfter
	if in.ContinuationToken != nil {
		key, err := parseToken(*in.ContinuationToken)
		if err != nil {
			return nil, err
		}
		after = &key
	}
	l, err := newListing(in.Prefix, in.Delimiter, after, in.MaxKeys, in.EncodingType)
	if err != nil {
		return nil, err
	}
	found, err := s.listObjects(ctx, in.Bucket, in.ExpectedBucketOwner, l, aws.Value(in.FetchOwner))
	if err != nil {
		return nil, err
	}
	out := &api.ListObjectsV2Output{
		Name: &in.Bucket, Contents: found, CommonPrefixes: l.prefixes, IsTruncated: &l.truncated,
		Prefix: new(l.encode(l.prefix)), MaxKeys: new(int32(l.max)), KeyCount: new(int32(l.count)),
		ContinuationToken: in.ContinuationToken, EncodingType: in.EncodingType,
	}
	if l.delimiter != "" {
		out.Delimiter = new(l.encode(l.delimiter))
	}
	if in.StartAfter != nil && in.ContinuationToken == nil {
		out.StartAfter = new(l.encode(*in.StartAfter))
	}
	if l.truncated {
		out.NextContinuationToken = new(newToken(l.last))
	}
	return out, nil
}

// A token says which key was listed last, for nobody to build upon.
func newToken(key string) string { return "1" + base64.URLEncoding.EncodeToString([]byte(key)) }

func parseToken(token string) (string, error) {
	if token != "" && token[0] == '1' {
		if key, err := base64.URLEncoding.DecodeString(token[1:]); err == nil {
			return string(key), nil
		}
	}
	return "", api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new("continuation-token")},
		"The continuation token provided is incorrect")
}

func (s *Service) listObjects(ctx context.Context, name string, expectedOwner *string, l *listing, owners bool) ([]api.Object, error) {
	var found []api.Object
	err := s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		walk(l, latestFrom(tx, b, false), func(key string, o object) bool {
			if !l.add(key) {
				return false
			}
			entry := api.Object{
				Key: new(l.encode(key)), ETag: new(quoted(o.ETag)), Size: new(o.Size),
				LastModified: new(o.Modified), StorageClass: new(o.class()),
			}
			entry.ChecksumAlgorithm, entry.ChecksumType = o.Sum.listed()
			if owners {
				entry.Owner = o.owner(row)
			}
			found = append(found, entry)
			return true
		})
		return tx.Err()
	})
	return found, err
}

// listed is s as listings say it.
func (s sum) listed() (algorithms []string, kind *string) {
	if s.Algorithm == "" {
		return nil, nil
	}
	return []string{string(s.Algorithm)}, new(string(s.Type))
}

// ListObjectVersions lists all versions of objects, the latest of a key first.
func (s *Service) ListObjectVersions(ctx context.Context, call *aws.Call, in *api.ListObjectVersionsInput) (*api.ListObjectVersionsOutput, error) {
	marker := aws.Value(in.VersionIdMarker)
	if marker != "" && aws.Value(in.KeyMarker) == "" {
		return nil, errArgument("version-id-marker", marker, "A version-id marker cannot be specified without a key marker.")
	}
	l, err := newListing(in.Prefix, in.Delimiter, in.KeyMarker, in.MaxKeys, in.EncodingType)
	if err != nil {
		return nil, err
	}
	v := &versionList{listing: l, out: new(api.ListObjectVersionsOutput)}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		v.tx, v.bucket, v.row = tx, b, row
		if marker != "" {
			if v.before, err = seqOf(tx, b, l.after, marker); err != nil {
				return err
			}
			l.from = true
		}
		walk(l, latestFrom(tx, b, true), v.list)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := v.out
	out.Name, out.IsTruncated, out.CommonPrefixes = &in.Bucket, &l.truncated, l.prefixes
	out.KeyMarker, out.VersionIdMarker = new(l.encode(l.after)), &marker
	out.Prefix, out.MaxKeys, out.EncodingType = new(l.encode(l.prefix)), new(int32(l.max)), in.EncodingType
	if l.delimiter != "" {
		out.Delimiter = new(l.encode(l.delimiter))
	}
	if l.truncated {
		out.NextKeyMarker = new(l.encode(l.last))
		if v.last == l.last {
			out.NextVersionIdMarker = &v.version
		}
	}
	return out, nil
}

// seqOf returns the place of a version among those of its key. A version that
// is gone has its place yet.
func seqOf(tx *store.Tx, b aws.ARN, key, version string) (uint64, error) {
	if seq, ok := parseVersionID(version); ok {
		return seq, nil
	}
	o, found, err := findVersion(tx, b, key, &version)
	if err == nil && !found {
		err = errArgument("version-id-marker", version, "Invalid version id specified")
	}
	return o.Seq, err
}

// A versionList is the listing of versions.
type versionList struct {
	*listing
	tx     *store.Tx
	bucket aws.ARN
	row    bucket
	before uint64 // of the first key: list the versions before this one; 0 is all
	out    *api.ListObjectVersionsOutput

	last, version string // listed last
}

// list lists the versions of key, of which o is the latest.
func (v *versionList) list(key string, o object) bool {
	before := v.before
	if key != v.after {
		before = 0
	}
	if (before == 0 || o.Seq < before) && !v.one(key, o, true) {
		return false
	}
	for k, o := range older.ScanReverse(v.tx, versionKey{Bucket: v.bucket, Key: key}) {
		if (before == 0 || k.Seq < before) && !v.one(key, o, false) {
			return false
		}
	}
	return true
}

// one lists one version.
func (v *versionList) one(key string, o object, latest bool) bool {
	if !v.add(key) {
		return false
	}
	v.last, v.version = key, o.Version
	owner := o.owner(v.row)
	if o.Marker {
		v.out.DeleteMarkers = append(v.out.DeleteMarkers, api.DeleteMarkerEntry{
			Key: new(v.encode(key)), VersionId: &o.Version, IsLatest: &latest, LastModified: &o.Modified, Owner: owner,
		})
		return true
	}
	entry := api.ObjectVersion{
		Key: new(v.encode(key)), VersionId: &o.Version, IsLatest: &latest, LastModified: &o.Modified, Owner: owner,
		ETag: new(quoted(o.ETag)), Size: &o.Size, StorageClass: new(o.class()),
	}
	entry.ChecksumAlgorithm, entry.ChecksumType = o.Sum.listed()
	v.out.Versions = append(v.out.Versions, entry)
	return true
}

func itoa[N int | int32 | int64](n N) string { return fmt.Sprint(n) }
