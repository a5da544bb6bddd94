package dynamodb

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
)

// Encryption is by a key of KMS: the one that AWS manages for the account, or
// one that is named. It is looked up when it is chosen. What is on the disk is
// encrypted as the disk is.
type encryption struct {
	Since time.Time
	Key   string // its ARN
}

// managedKey is the key that AWS manages for the tables of an account and region.
const managedKey = "alias/aws/dynamodb"

// encryptionBy returns the encryption that spec asks for, for the table that
// arn names; nil is AWS's own, of which nobody knows more.
func (s *Service) encryptionBy(ctx context.Context, call *aws.Call, arn aws.ARN, spec *api.SSESpecification) (*encryption, error) {
	switch {
	case spec == nil || !aws.Value(spec.Enabled) && spec.SSEType == nil && spec.KMSMasterKeyId == nil:
		return nil, nil
	case aws.Value(spec.SSEType) == "AES256":
		return nil, refuse(invalid + "SSEType AES256 is not supported")
	case !aws.Or(spec.Enabled, true):
		return nil, refuse(invalid + "SSEType or KMSMasterKeyId can be set only if SSE is enabled")
	}
	key, err := s.findKey(ctx, call, arn, spec.KMSMasterKeyId)
	if err != nil {
		return nil, err
	}
	return &encryption{time.Now(), key}, nil
}

// findKey returns the ARN of the key that a caller names, who must be allowed
// to see it, or of the managed one.
func (s *Service) findKey(ctx context.Context, call *aws.Call, table aws.ARN, id *string) (string, error) {
	if id == nil {
		id, call = new(managedKey), asAccount(table)
	}
	out, err := dispatch.CallChecked(ctx, s.table, call, kms.DescribeKey, &kms.DescribeKeyInput{KeyId: *id})
	if err != nil {
		if r := aws.Refusal(err); r.Status < 500 {
			return "", refuse("KMS key cannot be used: " + r.Message)
		}
		return "", err
	}
	switch key := out.KeyMetadata; {
	case aws.Value(key.KeyState) != kms.KeyStateEnabled:
		return "", refuse("KMS key cannot be used: " + aws.Value(key.Arn) + " is not enabled")
	case aws.Value(key.KeySpec) != kms.KeySpecSymmetricDefault || aws.Value(key.KeyUsage) != kms.KeyUsageTypeEncryptDecrypt:
		return "", refuse("KMS key cannot be used: " + aws.Value(key.Arn) + " is not a symmetric key that encrypts and decrypts")
	}
	return aws.Value(out.KeyMetadata.Arn), nil
}

// checkReplicaKeys refuses keys of replicas that cannot be used in their regions.
func (s *Service) checkReplicaKeys(ctx context.Context, call *aws.Call, table aws.ARN, updates []api.ReplicationGroupUpdate) error {
	check := func(region string, id *string) error {
		if id == nil {
			return nil
		}
		there := *call
		there.Region, table.Region = region, region
		_, err := s.findKey(ctx, &there, table, id)
		return err
	}
	for _, u := range updates {
		var err error
		switch {
		case u.Create != nil:
			err = check(u.Create.RegionName, u.Create.KMSMasterKeyId)
		case u.Update != nil:
			err = check(u.Update.RegionName, u.Update.KMSMasterKeyId)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// describe tells of the encryption, if there is any but AWS's own.
func (e *encryption) describe() *api.SSEDescription {
	if e == nil {
		return nil
	}
	d := &api.SSEDescription{Status: new("ENABLED"), SSEType: new("KMS")}
	if e.Key != "" { // it was not kept once
		d.KMSMasterKeyArn = &e.Key
	}
	return d
}

// describeUpdated tells of encryption that changes: as it will be, or if that is
// AWS's own as it was.
func describeUpdated(was, is *encryption) *api.SSEDescription {
	d := is.describe()
	if d == nil {
		d = was.describe()
	}
	if d != nil {
		d.Status = new("UPDATING")
	}
	return d
}
