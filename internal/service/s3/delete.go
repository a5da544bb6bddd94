package s3

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A deletion is what became of one object that was to be deleted.
type deletion struct {
	version *string // that was removed, or of the delete marker that was made
	marker  bool    // a delete marker was made, or removed
}

// DeleteObject deletes an object: for good if a version is named or none is
// kept, and else by a delete marker.
func (s *Service) DeleteObject(ctx context.Context, call *aws.Call, in *api.DeleteObjectInput) (*api.DeleteObjectOutput, error) {
	if err := checkDelete(in); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var d deletion
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if err := checkBypass(row, in.BypassGovernanceRetention); err != nil {
			return err
		}
		of := deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectRemoved", reason: "DeleteObject", bypass: aws.Value(in.BypassGovernanceRetention)}
		d, err = s.remove(tx, b, row, of, in.VersionId, in.IfMatch, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &api.DeleteObjectOutput{VersionId: d.version}
	if d.marker {
		out.DeleteMarker = new(true)
	}
	return out, nil
}

// checkDelete refuses what DeleteObject takes from nobody.
func checkDelete(in *api.DeleteObjectInput) error {
	switch {
	case in.IfMatchSize != nil:
		return errHeader("x-amz-if-match-size", "")
	case in.IfMatchLastModifiedTime != nil:
		return errHeader("x-amz-if-match-last-modified-time", "")
	case in.MFA != nil:
		return errLacking("deletions with MFA")
	}
	return nil
}

// checkBypass refuses to go around object locks where there are none.
func checkBypass(row bucket, bypass *bool) error {
	if bypass == nil || row.Locks {
		return nil
	}
	return api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new("x-amz-bypass-governance-retention")},
		"x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.")
}

// remove deletes the version of a key, or the latest if version is nil, if its
// ETag is etag. What exactly d's event is follows.
func (s *Service) remove(tx *store.Tx, b aws.ARN, row bucket, d deed, version, etag *string, now time.Time) (deletion, error) {
	o, found, err := findVersion(tx, b, d.key, version)
	if err != nil {
		return deletion{}, err
	}
	// What is not there may be deleted, whatever it was to match.
	if etag != nil && found && !o.Marker && !matches(*etag, o.ETag) {
		return deletion{}, errCondition("If-Match")
	}
	switch {
	case version == nil && row.versioned():
		marker, err := s.putVersion(tx, b, row, d.key, object{Marker: true, Modified: now, replica: d.event == expired})
		if err == nil {
			d.event += ":DeleteMarkerCreated"
			err = s.tell(tx, row, d, marker)
		}
		return deletion{version: marker.versionID(), marker: true}, err
	case found:
		if err := o.locked().guards(now, d.bypass); err != nil {
			return deletion{}, err
		}
		if err = s.removeVersion(tx, b, d.key, o); err == nil {
			d.event += ":Delete"
			if !row.versioned() {
				o.Version = ""
			}
			err = s.tell(tx, row, d, o)
		}
	}
	// Removing what is not there is no error.
	if version == nil {
		return deletion{}, err
	}
	return deletion{version: version, marker: found && o.Marker}, err
}

// DeleteObjects deletes up to a thousand objects in one go, but for those that
// are refused.
func (s *Service) DeleteObjects(ctx context.Context, call *aws.Call, in *api.DeleteObjectsInput, refused []error) (*api.DeleteObjectsOutput, error) {
	if n := len(aws.Value(in.Delete).Objects); n == 0 || n > int(usualMax) {
		return nil, errMalformed()
	}
	now := time.Now().UTC().Truncate(time.Second)
	var out *api.DeleteObjectsOutput
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		out = new(api.DeleteObjectsOutput)
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if err := checkBypass(row, in.BypassGovernanceRetention); err != nil {
			return err
		}
		for i := range in.Delete.Objects {
			id := &in.Delete.Objects[i]
			d := deed{call: call, bucket: in.Bucket, key: id.Key, event: "ObjectRemoved", reason: "DeleteObject", bypass: aws.Value(in.BypassGovernanceRetention)}
			if refused[i] != nil {
				out.Errors = append(out.Errors, refusalOf(id, refused[i]))
				continue
			}
			if err := s.removeOne(tx, b, row, d, id, now, out); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if aws.Value(in.Delete.Quiet) {
		out.Deleted = nil
	}
	return out, nil
}

// removeOne deletes one of many objects, and says in out what became of it.
func (s *Service) removeOne(tx *store.Tx, b aws.ARN, row bucket, of deed, id *api.ObjectIdentifier, now time.Time, out *api.DeleteObjectsOutput) error {
	var refused error
	switch {
	case id.LastModifiedTime != nil || id.Size != nil:
		refused = errHeader("LastModifiedTime,Size", "")
	case id.VersionId != nil && *id.VersionId != nullVersion:
		if _, ok := parseVersionID(*id.VersionId); !ok {
			refused = errNoVersion(id.Key, *id.VersionId)
		}
	}
	var d deletion
	if refused == nil {
		d, refused = s.remove(tx, b, row, of, id.VersionId, id.ETag, now)
	}
	if err := tx.Err(); err != nil {
		return err
	}
	if refused != nil {
		out.Errors = append(out.Errors, refusalOf(id, refused))
		return nil
	}
	done := api.DeletedObject{Key: &id.Key, VersionId: id.VersionId}
	if d.marker {
		done.DeleteMarker, done.DeleteMarkerVersionId = new(true), d.version
	}
	out.Deleted = append(out.Deleted, done)
	return nil
}

// refusalOf says why one of many objects was not deleted.
func refusalOf(id *api.ObjectIdentifier, err error) api.Error {
	r := aws.Refusal(err)
	return api.Error{Key: &id.Key, VersionId: id.VersionId, Code: &r.Code, Message: &r.Message}
}
