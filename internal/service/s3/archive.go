package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// archived says whether o cannot be read before it is restored.
func (o *object) archived() bool {
	return o.Class == api.StorageClassGlacier || o.Class == api.StorageClassDeepArchive
}

// checkReadable refuses to read an object that is archived and not restored.
func checkReadable(o *object) error {
	if !o.archived() || o.More.restored().After(time.Now()) {
		return nil
	}
	return api.InvalidObjectState.With(&api.InvalidObjectStateDetail{StorageClass: &o.Class},
		"The operation is not valid for the object's storage class")
}

// restored is until when an archived object can be read.
func (m *more) restored() time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.Restored
}

// restoration is what answers say of a restored object, or nil.
func (o *object) restoration() *string {
	until := o.More.restored()
	if !o.archived() || !until.After(time.Now()) {
		return nil
	}
	return new(fmt.Sprintf(`ongoing-request="false", expiry-date="%s"`, until.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")))
}

// RestoreObject makes an archived object readable for some days. Here it is
// so at once, where AWS takes hours.
func (s *Service) RestoreObject(ctx context.Context, call *aws.Call, in *api.RestoreObjectInput) (*api.RestoreObjectOutput, error) {
	req := aws.Value(in.RestoreRequest)
	switch {
	case req.Type != nil || req.SelectParameters != nil || req.OutputLocation != nil:
		return nil, errLacking("restores that select")
	case req.Days == nil || *req.Days < 1:
		return nil, errMalformed()
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, in.Key, in.VersionId, "POST")
		if err != nil {
			return err
		}
		if !o.archived() {
			return api.InvalidObjectState.With(&api.InvalidObjectStateDetail{StorageClass: new(o.class())},
				"Restore is not allowed for the object's current storage class")
		}
		d := deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectRestore:Post"}
		began := s.tell(tx, row, d, o)
		if o.Version == "" {
			o.Version = nullVersion
		}
		o.more().Restored = midnight(time.Now().Add(time.Duration(*req.Days) * 24 * time.Hour))
		d.event = "ObjectRestore:Completed"
		return errors.Join(began, s.tell(tx, row, d, o), s.change(tx, b, in.Key, o))
	})
	return &api.RestoreObjectOutput{}, err
}
