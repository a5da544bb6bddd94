package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Encryption is by a key of KMS: the one that AWS manages for the account, or
// one that is named. That is looked up when it is chosen, and whenever items are
// read or written: without it nobody gets at them. What is on the disk is
// encrypted as the disk is; docs/decisions has why.
type encryption struct {
	Since   time.Time
	Key     string // its ARN
	Managed bool   `json:",omitempty"` // by AWS, so that it is always there
}

// managedKey is the key that AWS manages for the tables of an account and region.
const managedKey = "alias/aws/dynamodb"

// named is the key that e names, or "".
func (e *encryption) named() string {
	if e == nil || e.Managed {
		return ""
	}
	return e.Key
}

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
	return s.findKey(ctx, call, arn, spec.KMSMasterKeyId)
}

// findKey returns encryption by the key that a caller names, who must be allowed
// to see it, or by the managed one.
func (s *Service) findKey(ctx context.Context, call *aws.Call, table aws.ARN, id *string) (*encryption, error) {
	if id == nil {
		id, call = new(managedKey), asAccount(table)
	}
	out, err := dispatch.CallChecked(ctx, s.table, call, kms.DescribeKey, &kms.DescribeKeyInput{KeyId: *id})
	if err != nil {
		return nil, errKMS(err, errKeyInvalid)
	}
	key := out.KeyMetadata
	switch arn := aws.Value(key.Arn); {
	case aws.Value(key.KeyState) == kms.KeyStateDisabled:
		return nil, errKMS(kms.DisabledException.Errorf("%s is disabled.", arn), errKeyInvalid)
	case aws.Value(key.KeyState) != kms.KeyStateEnabled:
		return nil, errKMS(kms.KMSInvalidStateException.Errorf("%s is pending deletion.", arn), errKeyInvalid)
	case aws.Value(key.KeySpec) != kms.KeySpecSymmetricDefault || aws.Value(key.KeyUsage) != kms.KeyUsageTypeEncryptDecrypt:
		return nil, refuse("KMS validation error: " + arn + " is not a symmetric key that encrypts and decrypts")
	}
	return &encryption{Since: time.Now(), Key: aws.Value(key.Arn), Managed: aws.Value(key.KeyManager) == kms.KeyManagerTypeAws}, nil
}

func errKeyInvalid(message string) error { return refuse("KMS validation error: " + message) }

func errKeyDenied(message string) error {
	return aws.AccessDenied.With(nil, "KMS key access denied error: "+message)
}

// errKMS tells in a refusal of this service that KMS has refused something.
func errKMS(err error, refuse func(string) error) error {
	r := aws.Refusal(err)
	if r.Status >= 500 {
		return err
	}
	exception := r.Code
	if errors.Is(err, aws.AccessDenied) {
		exception, refuse = "AWSKMSException", errKeyDenied
	}
	return refuse(fmt.Sprintf("com.amazonaws.services.kms.model.%s: %s (Service: AWSKMS; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)",
		exception, r.Message, r.Code, aws.NewRequestID()))
}

// lost returns why KMS refuses a key that is named, and since when, or nil.
func (s *Service) lost(tx *store.Tx, key string) (since time.Time, why, err error) {
	if key == "" || s.config.Keys == nil {
		return since, nil, nil
	}
	arn, err := aws.ParseARN(key)
	if err != nil {
		return since, nil, err
	}
	since, err = s.config.Keys.CheckKey(tx, arn)
	if err != nil && aws.Refusal(err).Status < 500 {
		return since, err, nil
	}
	return since, nil, err
}

// checkKey refuses to read and write the items of t without the key that they
// are encrypted with.
func (s *Service) checkKey(tx *store.Tx, t *table) error {
	_, why, err := s.lost(tx, t.Encryption.named())
	if err != nil || why == nil {
		return err
	}
	return errKMS(why, errKeyDenied)
}

// checkUse checks for leave to use the key of the table that f is about.
func (s *Service) checkUse(call *aws.Call, f *facts, check func(service.Access) error) error {
	if s.config.Keys == nil || s.assumeTable(f.table) != nil {
		return nil // that is never one with a key
	}
	t := f.find()
	if t == nil || t.Encryption.named() == "" {
		return nil
	}
	key, err := aws.ParseARN(t.Encryption.Key)
	if err != nil {
		return err
	}
	about := map[string]string{"aws:dynamodb:tableName": t.name(), "aws:dynamodb:subscriberId": t.arn.Account}
	err = s.config.Keys.MayDecrypt(call.Through("dynamodb"), key, about, check)
	if err != nil {
		return errKMS(err, errKeyDenied)
	}
	return nil
}

// replicaKeys returns the keys that updates name for replicas, by region, if
// they can be used there.
func (s *Service) replicaKeys(ctx context.Context, call *aws.Call, table aws.ARN, updates []api.ReplicationGroupUpdate) (map[string]string, error) {
	keys := make(map[string]string)
	for _, u := range updates {
		region, id := "", (*string)(nil)
		switch {
		case u.Create != nil:
			region, id = u.Create.RegionName, u.Create.KMSMasterKeyId
		case u.Update != nil:
			region, id = u.Update.RegionName, u.Update.KMSMasterKeyId
		}
		if id == nil {
			continue
		}
		there := *call
		there.Region, table.Region = region, region
		e, err := s.findKey(ctx, &there, table, id)
		if err != nil {
			return nil, err
		}
		keys[region] = e.Key
	}
	return keys, nil
}

// encrypt has t be encrypted so, and its replicas with keys, by region.
func (s *Service) encrypt(t *table, e *encryption, keys map[string]string) {
	t.Encryption = e
	for i := range t.Replicas {
		r := &t.Replicas[i]
		if r.Region == t.arn.Region {
			r.Key = e.named()
		} else if key, ok := keys[r.Region]; ok {
			r.Key = key
		}
		if r.Key != "" {
			s.part(t.in(r.Region), t.ID) // its key is asked for from now on
		}
	}
	if e.named() != "" {
		s.part(t.arn, t.ID)
	}
}

// encryptionIn is how the replica of t in another region is encrypted. Each
// region has a key of its own.
func (t *table) encryptionIn(region string, was *encryption) *encryption {
	key := t.Replicas[t.findReplica(region)].Key
	switch {
	case key != "" && was.named() != key:
		return &encryption{Since: time.Now(), Key: key}
	case key != "":
		return was
	case t.Encryption == nil:
		return nil
	case was != nil && was.Managed:
		return was
	}
	return &encryption{Since: t.Encryption.Since, Managed: true}
}

// tellKeys has d, which describes t, say which keys cannot be used.
func (s *Service) tellKeys(ctx context.Context, t *table, d *api.TableDescription) error {
	return s.db.View(ctx, func(tx *store.Tx) error {
		since, why, err := s.lost(tx, t.Encryption.named())
		if err != nil {
			return err
		}
		if why != nil && *d.TableStatus == api.TableStatusActive {
			d.TableStatus = new(api.TableStatusInaccessibleEncryptionCredentials)
			d.SSEDescription.InaccessibleEncryptionDateTime = timeOrNil(since)
		}
		for i := range d.Replicas {
			r := &d.Replicas[i]
			if since, why, err = s.lost(tx, aws.Value(r.KMSMasterKeyId)); err != nil {
				return err
			}
			if why != nil {
				r.ReplicaStatus, r.ReplicaInaccessibleDateTime = new(api.ReplicaStatusInaccessibleEncryptionCredentials), timeOrNil(since)
			}
		}
		return nil
	})
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
