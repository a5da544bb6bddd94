package s3

import (
	"cmp"
	"context"
	"errors"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// configure changes the settings of a bucket.
func (s *Service) configure(ctx context.Context, name string, expectedOwner *string, change func(*settings)) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		change(&conf)
		s.changed(tx)
		return configs.Put(tx, b, conf)
	})
}

// settingsOf returns the settings of a bucket.
func (s *Service) settingsOf(ctx context.Context, name string, expectedOwner *string) (conf settings, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		conf, err = findSettings(tx, b)
		return err
	})
	return conf, err
}

// PutBucketVersioning says whether objects that are replaced or deleted are kept.
func (s *Service) PutBucketVersioning(ctx context.Context, call *aws.Call, in *api.PutBucketVersioningInput) (*api.PutBucketVersioningOutput, error) {
	c := in.VersioningConfiguration
	switch {
	case c == nil:
		return nil, errMalformed()
	case aws.Or(c.MFADelete, api.MFADeleteDisabled) != api.MFADeleteDisabled:
		return nil, errLacking("deletions with MFA")
	case c.Status == nil:
		return nil, api.IllegalVersioningConfigurationException.Errorf("The Versioning element must be specified")
	case *c.Status != api.BucketVersioningStatusEnabled && *c.Status != api.BucketVersioningStatusSuspended:
		return nil, errMalformed()
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if row.Locks && *c.Status != api.BucketVersioningStatusEnabled {
			return api.InvalidBucketState.Errorf("An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		if row.Replicates && *c.Status != api.BucketVersioningStatusEnabled {
			return api.InvalidBucketState.Errorf("A replication configuration is present on this bucket, so the versioning state cannot be changed.")
		}
		row.Versioning = *c.Status
		return buckets.Put(tx, b, row)
	})
	if err != nil {
		return nil, err
	}
	return &api.PutBucketVersioningOutput{}, nil
}

// GetBucketVersioning says what PutBucketVersioning said, or nothing.
func (s *Service) GetBucketVersioning(ctx context.Context, call *aws.Call, in *api.GetBucketVersioningInput) (*api.GetBucketVersioningOutput, error) {
	out := new(api.GetBucketVersioningOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if row.versioned() {
			out.Status = &row.Versioning
		}
		return err
	})
}

// PutBucketTagging sets the tags of a bucket.
func (s *Service) PutBucketTagging(ctx context.Context, call *aws.Call, in *api.PutBucketTaggingInput) (*api.PutBucketTaggingOutput, error) {
	if in.Tagging == nil {
		return nil, errMalformed()
	}
	if err := checkTags(in.Tagging.TagSet, maxBucketTags); err != nil {
		return nil, err
	}
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Tags = in.Tagging.TagSet })
	return &api.PutBucketTaggingOutput{}, err
}

// GetBucketTagging returns the tags of a bucket that has any.
func (s *Service) GetBucketTagging(ctx context.Context, call *aws.Call, in *api.GetBucketTaggingInput) (*api.GetBucketTaggingOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err == nil && len(c.Tags) == 0 {
		err = api.NoSuchTagSet.With(&api.NoSuchTagSetDetail{BucketName: in.Bucket}, "The TagSet does not exist")
	}
	return &api.GetBucketTaggingOutput{TagSet: c.Tags}, err
}

// DeleteBucketTagging removes the tags of a bucket.
func (s *Service) DeleteBucketTagging(ctx context.Context, call *aws.Call, in *api.DeleteBucketTaggingInput) (*api.DeleteBucketTaggingOutput, error) {
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Tags = nil })
	return &api.DeleteBucketTaggingOutput{}, err
}

// PutBucketEncryption says how new objects are encrypted if they do not say it.
func (s *Service) PutBucketEncryption(ctx context.Context, call *aws.Call, in *api.PutBucketEncryptionInput) (*api.PutBucketEncryptionOutput, error) {
	conf := in.ServerSideEncryptionConfiguration
	if conf == nil || len(conf.Rules) != 1 || conf.Rules[0].ApplyServerSideEncryptionByDefault == nil {
		return nil, errMalformed()
	}
	switch rule := conf.Rules[0].ApplyServerSideEncryptionByDefault; {
	case rule.SSEAlgorithm == api.ServerSideEncryptionAes256 && rule.KMSMasterKeyID != nil:
		return nil, api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: new("ApplyServerSideEncryptionByDefault")},
			"a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	case rule.SSEAlgorithm == api.ServerSideEncryptionAwsKmsDsse:
		return nil, errLacking(twoLayers)
	case rule.SSEAlgorithm != api.ServerSideEncryptionAes256 && rule.SSEAlgorithm != api.ServerSideEncryptionAwsKms:
		return nil, errMalformed()
	}
	if conf.Rules[0].BucketKeyEnabled == nil {
		conf.Rules[0].BucketKeyEnabled = new(false)
	}
	return &api.PutBucketEncryptionOutput{}, s.setUsualEncryption(ctx, in.Bucket, in.ExpectedBucketOwner, conf)
}

const twoLayers = "server-side encryption in two layers"

// setUsualEncryption makes conf the usual encryption of a bucket; nil is none.
func (s *Service) setUsualEncryption(ctx context.Context, name string, expectedOwner *string, conf *api.ServerSideEncryptionConfiguration) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, name, expectedOwner)
		if err != nil {
			return err
		}
		c, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		c.Encryption, row.Encrypts = conf, conf != nil
		return errors.Join(configs.Put(tx, b, c), buckets.Put(tx, b, row))
	})
}

// GetBucketEncryption says how new objects are encrypted: there is always a way.
func (s *Service) GetBucketEncryption(ctx context.Context, call *aws.Call, in *api.GetBucketEncryptionInput) (*api.GetBucketEncryptionOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if c.Encryption == nil {
		c.Encryption = &api.ServerSideEncryptionConfiguration{Rules: []api.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &api.ServerSideEncryptionByDefault{SSEAlgorithm: api.ServerSideEncryptionAes256},
			BucketKeyEnabled:                   new(false),
		}}}
	}
	return &api.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: c.Encryption}, err
}

// DeleteBucketEncryption goes back to the usual encryption.
func (s *Service) DeleteBucketEncryption(ctx context.Context, call *aws.Call, in *api.DeleteBucketEncryptionInput) (*api.DeleteBucketEncryptionOutput, error) {
	return &api.DeleteBucketEncryptionOutput{}, s.setUsualEncryption(ctx, in.Bucket, in.ExpectedBucketOwner, nil)
}

// checkEncryption refuses encryption of objects that we cannot do.
func checkEncryption(in any) error {
	var m encryptionMembers
	copyMembers(&m, in)
	switch algorithm := aws.Value(m.ServerSideEncryption); {
	case algorithm == api.ServerSideEncryptionAwsKms:
		return nil
	case algorithm == api.ServerSideEncryptionAwsKmsDsse:
		return errLacking(twoLayers)
	case algorithm != "" && algorithm != api.ServerSideEncryptionAes256:
		return errArgument(encryptionHeader, algorithm, "The encryption method specified is not supported")
	case m.SSEKMSKeyId != nil:
		return errArgument(encryptionHeader, cmp.Or(algorithm, "null"),
			"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	}
	return nil
}

// checkClass refuses storage classes that there are none.
func checkClass(class *string) error {
	switch aws.Or(class, api.StorageClassStandard) {
	case api.StorageClassStandard, api.StorageClassReducedRedundancy, api.StorageClassStandardIa, api.StorageClassOnezoneIa,
		api.StorageClassIntelligentTiering, api.StorageClassGlacierIr, api.StorageClassGlacier, api.StorageClassDeepArchive:
		return nil
	}
	return api.InvalidStorageClass.With(&api.InvalidStorageClassDetail{StorageClassRequested: *class}, "The storage class you specified is not valid")
}

// PutBucketOwnershipControls says whose objects are that others put.
func (s *Service) PutBucketOwnershipControls(ctx context.Context, call *aws.Call, in *api.PutBucketOwnershipControlsInput) (*api.PutBucketOwnershipControlsOutput, error) {
	rules := aws.Value(in.OwnershipControls).Rules
	if len(rules) != 1 || !isOwnership(rules[0].ObjectOwnership) {
		return nil, errMalformed()
	}
	return &api.PutBucketOwnershipControlsOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		conf, err := findSettings(tx, b)
		if err != nil {
			return err
		}
		conf.Ownership = rules[0].ObjectOwnership
		if errors.Is(conf.admits(wish{grants: conf.grants(row)}, row), api.AccessControlListNotSupported) {
			return errListed()
		}
		s.changed(tx)
		return configs.Put(tx, b, conf)
	})
}

// GetBucketOwnershipControls returns what was said of ownership.
func (s *Service) GetBucketOwnershipControls(ctx context.Context, call *aws.Call, in *api.GetBucketOwnershipControlsInput) (*api.GetBucketOwnershipControlsOutput, error) {
	c, err := s.settingsOf(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err == nil && c.Ownership == "" {
		err = api.OwnershipControlsNotFoundError.With(&api.OwnershipControlsNotFoundErrorDetail{BucketName: in.Bucket},
			"The bucket ownership controls were not found")
	}
	return &api.GetBucketOwnershipControlsOutput{OwnershipControls: &api.OwnershipControls{
		Rules: []api.OwnershipControlsRule{{ObjectOwnership: c.Ownership}},
	}}, err
}

// DeleteBucketOwnershipControls leaves ownership unsaid.
func (s *Service) DeleteBucketOwnershipControls(ctx context.Context, call *aws.Call, in *api.DeleteBucketOwnershipControlsInput) (*api.DeleteBucketOwnershipControlsOutput, error) {
	err := s.configure(ctx, in.Bucket, in.ExpectedBucketOwner, func(c *settings) { c.Ownership = "" })
	return &api.DeleteBucketOwnershipControlsOutput{}, err
}

func isOwnership(s string) bool {
	return s == api.ObjectOwnershipBucketOwnerEnforced || s == api.ObjectOwnershipBucketOwnerPreferred || s == api.ObjectOwnershipObjectWriter
}

// errListed refuses lists where the bucket's owner is to own all objects.
func errListed() error {
	return api.InvalidBucketAclWithObjectOwnership.Errorf("Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
}
