package s3

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// grants are those of the bucket itself.
func (c *settings) grants(row bucket) []api.Grant {
	if c.Grants == nil {
		return ownersOnly(row.Owner)
	}
	return *c.Grants
}

// PutBucketAcl says to whom a bucket is open.
func (s *Service) PutBucketAcl(ctx context.Context, call *aws.Call, in *api.PutBucketAclInput) (*api.PutBucketAclOutput, error) {
	w, err := wishOf(in)
	if err := firstError(err, checkOneWish(w, in.AccessControlPolicy)); err != nil {
		return nil, err
	}
	return &api.PutBucketAclOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		w := w
		if in.AccessControlPolicy != nil {
			if w, err = listOf(in.AccessControlPolicy, row.Owner); err != nil {
				return err
			}
		}
		if err := conf.admits(w, row); err != nil {
			return err
		}
		conf.Grants = new(w.list(row.Owner, row.Owner))
		s.changed(tx)
		return configs.Put(tx, b, conf)
	})
}

// checkOneWish refuses a request that says no list, or more than one.
func checkOneWish(w wish, p *api.AccessControlPolicy) error {
	headers := w.canned != "" || len(w.grants) > 0
	switch {
	case headers && p != nil:
		return api.UnexpectedContent.Errorf("This request does not support content")
	case !headers && p == nil:
		return api.MissingSecurityHeader.Errorf("Your request was missing a required header")
	}
	return nil
}

// GetBucketAcl says to whom a bucket is open.
func (s *Service) GetBucketAcl(ctx context.Context, call *aws.Call, in *api.GetBucketAclInput) (*api.GetBucketAclOutput, error) {
	out := new(api.GetBucketAclOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		out.Owner, out.Grants = ownerOf(row), conf.grants(row)
		return err
	})
}

// PutObjectAcl says to whom a version of an object is open.
func (s *Service) PutObjectAcl(ctx context.Context, call *aws.Call, in *api.PutObjectAclInput) (*api.PutObjectAclOutput, error) {
	w, err := wishOf(in)
	if err := firstError(err, checkOneWish(w, in.AccessControlPolicy)); err != nil {
		return nil, err
	}
	return &api.PutObjectAclOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, found, err := findVersion(tx, b, in.Key, in.VersionId)
		if err == nil && found && o.Marker {
			err = errMarker("PUT", o)
		}
		if err == nil {
			_, err = findObject(tx, b, row, in.Key, in.VersionId, "PUT")
		}
		if err == nil {
			err = o.checkOpen(tx, b, row, call, api.PermissionWriteAcp)
		}
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		if conf.Ownership == api.ObjectOwnershipBucketOwnerEnforced {
			return errACL()
		}
		owner, w := o.list(row, &conf).Owner, w
		if in.AccessControlPolicy != nil {
			if w, err = listOf(in.AccessControlPolicy, owner); err != nil {
				return err
			}
		}
		if err := conf.admits(w, row); err != nil {
			return err
		}
		o.more().ACL = &acl{owner, w.list(owner, row.Owner)}
		if err := s.change(tx, b, in.Key, o); err != nil {
			return err
		}
		if !row.versioned() {
			o.Version = ""
		}
		return s.tell(tx, row, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectAcl:Put"}, o)
	})
}

// GetObjectAcl says to whom a version of an object is open.
func (s *Service) GetObjectAcl(ctx context.Context, call *aws.Call, in *api.GetObjectAclInput) (*api.GetObjectAclOutput, error) {
	out := new(api.GetObjectAclOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, in.Key, in.VersionId, "GET")
		if err == nil {
			err = o.checkOpen(tx, b, row, call, api.PermissionReadAcp)
		}
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		list := o.list(row, &conf)
		out.Owner, out.Grants = &api.Owner{ID: new(canonicalID(list.Owner))}, list.Grants
		return err
	})
}
