package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A bucket with replication has what is put in it put in other buckets too: a
// delivery to each, committed with the object, on a line of the destination.

var replications = store.NewTable[aws.ARN, api.ReplicationConfiguration]("s3.replication")

const maxReplicationRules = 1000

// mayReplicateBy lets those say who replicates who may have the role do it.
func mayReplicateBy(_ *aws.Call, in *api.PutBucketReplicationInput, check check) error {
	if err := check(accessBucket("PutReplicationConfiguration", in.Bucket)); err != nil || in.ReplicationConfiguration == nil {
		return err
	}
	return check(auth.PassRole(in.ReplicationConfiguration.Role, "s3"))
}

// PutBucketReplication says which objects are replicated, and where.
func (s *Service) PutBucketReplication(ctx context.Context, call *aws.Call, in *api.PutBucketReplicationInput) (*api.PutBucketReplicationOutput, error) {
	c := in.ReplicationConfiguration
	if c == nil || len(c.Rules) == 0 || len(c.Rules) > maxReplicationRules {
		return nil, errMalformed()
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		if err := checkReplicationRule(r); err != nil {
			return nil, err
		}
		if r.ID == nil || *r.ID == "" {
			r.ID = new(aws.NewRequestID())
		}
		if slices.ContainsFunc(c.Rules[:i], func(other api.ReplicationRule) bool { return *other.ID == *r.ID }) {
			return nil, api.InvalidArgument.Errorf("Rule Id must be unique")
		}
	}
	return &api.PutBucketReplicationOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if row.Versioning != api.BucketVersioningStatusEnabled {
			return api.InvalidRequest.Errorf("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
		}
		for i := range c.Rules {
			if err := checkDestination(tx, b, &c.Rules[i]); err != nil {
				return err
			}
		}
		row.Replicates = true
		return errors.Join(buckets.Put(tx, b, row), replications.Put(tx, b, *c))
	})
}

// checkReplicationRule refuses rules that are none, or that we cannot follow.
func checkReplicationRule(r *api.ReplicationRule) error {
	enabled := func(s string) bool { return s == api.ReplicationRuleStatusEnabled }
	switch {
	case r.Destination == nil || !enabled(r.Status) && r.Status != api.ReplicationRuleStatusDisabled, r.Filter != nil && r.Prefix != nil, r.Filter == nil && r.Prefix == nil:
		return errMalformed()
	case r.Filter != nil && r.Priority == nil:
		return api.InvalidRequest.Errorf("Priority must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.")
	case r.Filter != nil && r.DeleteMarkerReplication == nil:
		return api.InvalidRequest.Errorf("DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.")
	case r.Filter != nil && len(filterTags(r)) > 0 && aws.Value(r.DeleteMarkerReplication.Status) == api.DeleteMarkerReplicationStatusEnabled:
		return api.InvalidRequest.Errorf("Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.")
	case enabled(aws.Value(r.ExistingObjectReplication).Status):
		return errLacking("replication of objects that are there already")
	case enabled(aws.Value(aws.Value(r.SourceSelectionCriteria).ReplicaModifications).Status):
		return errLacking("replication of changes to replicas")
	}
	return checkClass(r.Destination.StorageClass)
}

// checkDestination refuses destinations that cannot take replicas.
func checkDestination(tx *store.Tx, b aws.ARN, r *api.ReplicationRule) error {
	name, ok := strings.CutPrefix(r.Destination.Bucket, "arn:aws:s3:::")
	if !ok {
		return api.InvalidArgument.Errorf("Invalid bucket ARN.")
	}
	row, err := buckets.Get(tx, bucketARN(name))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return api.InvalidRequest.Errorf("Destination bucket must exist.")
	case err != nil:
		return err
	case bucketARN(name) == b:
		return api.InvalidRequest.Errorf("Destination bucket cannot be the same as the source bucket.")
	case row.Versioning != api.BucketVersioningStatusEnabled:
		return api.InvalidRequest.Errorf("Destination bucket must have versioning enabled.")
	}
	return nil
}

// filterTags are the tags that a rule asks for.
func filterTags(r *api.ReplicationRule) []api.Tag {
	f := aws.Value(r.Filter)
	tags := aws.Value(f.And).Tags
	if f.Tag != nil {
		tags = append(tags, *f.Tag)
	}
	return tags
}

// GetBucketReplication returns what PutBucketReplication said.
func (s *Service) GetBucketReplication(ctx context.Context, call *aws.Call, in *api.GetBucketReplicationInput) (*api.GetBucketReplicationOutput, error) {
	var c api.ReplicationConfiguration
	return &api.GetBucketReplicationOutput{ReplicationConfiguration: &c}, s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		c, err = replications.Get(tx, b)
		if errors.Is(err, store.ErrNotFound) {
			err = api.ReplicationConfigurationNotFoundError.With(
				&api.ReplicationConfigurationNotFoundErrorDetail{BucketName: in.Bucket}, "The replication configuration was not found")
		}
		return err
	})
}

// DeleteBucketReplication ends replication.
func (s *Service) DeleteBucketReplication(ctx context.Context, call *aws.Call, in *api.DeleteBucketReplicationInput) (*api.DeleteBucketReplicationOutput, error) {
	return &api.DeleteBucketReplicationOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		row.Replicates = false
		return errors.Join(buckets.Put(tx, b, row), replications.Delete(tx, b))
	})
}

// replicates reports whether r is about o, a version of key.
func replicates(r *api.ReplicationRule, key string, o *object) bool {
	f := aws.Value(r.Filter)
	if r.Status != api.ReplicationRuleStatusEnabled || o.Marker && r.Filter != nil && aws.Value(r.DeleteMarkerReplication.Status) != api.DeleteMarkerReplicationStatusEnabled {
		return false
	}
	for _, prefix := range []*string{r.Prefix, f.Prefix, aws.Value(f.And).Prefix} {
		if !strings.HasPrefix(key, aws.Value(prefix)) {
			return false
		}
	}
	for _, want := range filterTags(r) {
		if !slices.ContainsFunc(o.Tags, func(t api.Tag) bool { return t.Key == want.Key && t.Value == want.Value }) {
			return false
		}
	}
	if at := o.seal(); at != nil {
		kms := aws.Value(aws.Value(r.SourceSelectionCriteria).SseKmsEncryptedObjects).Status == api.SseKmsEncryptedObjectsStatusEnabled
		return at.By != "" && (at.KMSKey == "" || kms) // what a customer's key hides, nobody else can read
	}
	return true
}

// replicate sends o, which is the latest version of key from now on, where the
// bucket's rules have it go, and notes in it what it waits for.
func (s *Service) replicate(tx *store.Tx, b aws.ARN, row bucket, key string, o *object) error {
	if !row.Replicates || o.replica {
		return nil
	}
	c, err := replications.Get(tx, b)
	if err != nil {
		return err
	}
	chosen := make(map[string]*api.ReplicationRule) // by destination
	for i := range c.Rules {
		r := &c.Rules[i]
		other := chosen[r.Destination.Bucket]
		if replicates(r, key, o) && (other == nil || aws.Value(r.Priority) > aws.Value(other.Priority)) {
			chosen[r.Destination.Bucket] = r
		}
	}
	for to, r := range chosen {
		target, err := aws.ParseARN(to)
		if err != nil {
			return err
		}
		body, err := json.Marshal(replicateInput{Bucket: b.Resource, Key: key, Version: o.Version, Role: c.Role, To: r.Destination})
		if err != nil {
			return err
		}
		o.more().Replication.waitFor(target.Resource)
		if err := s.events.Send(tx, event.Delivery{Source: b, Account: row.Owner, Region: row.Region, Target: target, Body: body}); err != nil {
			return err
		}
	}
	return nil
}
