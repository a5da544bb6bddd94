package s3

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"reflect"

	"github.com/aloft-cloud/aloft/internal/api/kms"
	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/service/s3/sealed"
)

// ownKMSKey is the key that KMS keeps for S3, for who names none.
const ownKMSKey = "alias/aws/s3"

// encryptionMembers are those of inputs that say how content is to be encrypted.
type encryptionMembers struct {
	ServerSideEncryption, SSEKMSKeyId, SSEKMSEncryptionContext *string
	BucketKeyEnabled                                           *bool
}

// keyFor returns the key that an object which in puts is to be encrypted with:
// as in says it or, if it does not, as the bucket does. nil is none.
func (s *Service) keyFor(ctx context.Context, call *aws.Call, row bucket, in any, bucket, key string) (*contentKey, error) {
	customers, err := customerKeyOf(in)
	if err != nil || customers != nil {
		return customers, err
	}
	var m encryptionMembers
	copyMembers(&m, in)
	if row.Encrypts {
		conf, err := s.settingsOf(ctx, bucket, nil)
		if err != nil {
			return nil, err
		}
		m.usual(conf.Encryption)
	}
	switch aws.Value(m.ServerSideEncryption) {
	case "":
		return nil, nil
	case api.ServerSideEncryptionAes256:
		return s.newKey()
	}
	return s.newKMSKey(ctx, call, row, m, bucket, key)
}

// usual fills in what m does not say as the bucket has it.
func (m *encryptionMembers) usual(conf *api.ServerSideEncryptionConfiguration) {
	if conf == nil || len(conf.Rules) == 0 || conf.Rules[0].ApplyServerSideEncryptionByDefault == nil {
		return
	}
	rule := &conf.Rules[0]
	by := rule.ApplyServerSideEncryptionByDefault
	if m.ServerSideEncryption == nil {
		m.ServerSideEncryption, m.SSEKMSKeyId = &by.SSEAlgorithm, by.KMSMasterKeyID
	}
	if *m.ServerSideEncryption == by.SSEAlgorithm && m.BucketKeyEnabled == nil {
		m.BucketKeyEnabled = rule.BucketKeyEnabled
	}
}

// newKey makes a key, and wraps it by that of this installation.
func (s *Service) newKey() (*contentKey, error) {
	master, err := s.master()
	if err != nil {
		return nil, err
	}
	k := &contentKey{secret: make([]byte, sealed.KeySize)}
	rand.Read(k.secret)
	k.kept = seal{By: api.ServerSideEncryptionAes256, Wrapped: master.Seal(nil, nil, k.secret, nil)}
	return k, nil
}

// newKMSKey has KMS make a key, in the name of who puts the object.
func (s *Service) newKMSKey(ctx context.Context, call *aws.Call, row bucket, m encryptionMembers, bucket, key string) (*contentKey, error) {
	given, err := parseEncryptionContext(m.SSEKMSEncryptionContext)
	if err != nil {
		return nil, err
	}
	if call.Principal.Kind == aws.Anonymous {
		return nil, errUnsignedKMS()
	}
	k := &contentKey{kept: seal{By: *m.ServerSideEncryption, Bucket: aws.Value(m.BucketKeyEnabled), Context: given}}
	k.kept.Context["aws:s3:arn"] = objectARN(bucket, key).String()
	if k.kept.Bucket {
		k.kept.Context["aws:s3:arn"] = bucketARN(bucket).String()
	}
	out, err := dispatch.CallChecked(ctx, s.table, throughKMS(call, row.Region), kms.GenerateDataKey, &kms.GenerateDataKeyInput{
		KeyId: aws.Or(m.SSEKMSKeyId, ownKMSKey), KeySpec: new(kms.DataKeySpecAes256), EncryptionContext: k.kept.Context,
	})
	if err != nil {
		return nil, refusalOfKMS(err)
	}
	k.secret, k.kept.Wrapped, k.kept.KMSKey = out.Plaintext, out.CiphertextBlob, aws.Value(out.KeyId)
	return k, nil
}

// throughKMS is call as S3 makes it of KMS, in the bucket's region.
func throughKMS(call *aws.Call, region string) *aws.Call {
	through := call.Through("s3")
	through.Region = region
	return through
}

func errUnsignedKMS() error {
	return errArgument("Authorization", "null", "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.")
}

// refusalOfKMS is what S3 says of what KMS has refused.
func refusalOfKMS(err error) error {
	r := aws.Refusal(err)
	switch {
	case r.Status >= 500:
		return err
	case r.Code == aws.AccessDenied.Code:
		return api.AccessDenied.Errorf("%s", r.Message)
	}
	return aws.Fault{Code: "KMS." + r.Code, Status: 400}.Errorf("%s", r.Message)
}

// parseEncryptionContext reads x-amz-server-side-encryption-context.
func parseEncryptionContext(header *string) (map[string]string, error) {
	c := make(map[string]string)
	if header == nil {
		return c, nil
	}
	text, err := base64.StdEncoding.DecodeString(*header)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil || c == nil {
		return nil, errArgument("x-amz-server-side-encryption-context", *header, "The header 'x-amz-server-side-encryption-context' shall be"+
			" Base64-encoded UTF-8 string holding JSON which represents a string-string map")
	}
	return maps.Clone(c), nil
}

// keyOf returns the key of content that at seals. customers is the key that the
// request has, which was checked.
func (s *Service) keyOf(ctx context.Context, call *aws.Call, at *seal, customers *contentKey) (*contentKey, error) {
	switch {
	case at == nil || at.customers():
		return customers, nil
	case at.By == api.ServerSideEncryptionAes256:
		master, err := s.master()
		if err != nil {
			return nil, err
		}
		secret, err := master.Open(nil, nil, at.Wrapped, nil)
		return &contentKey{secret: secret, kept: *at}, err
	case call.Principal.Kind == aws.Anonymous:
		return nil, errUnsignedKMS()
	}
	arn, err := aws.ParseARN(at.KMSKey)
	if err != nil {
		return nil, err
	}
	out, err := dispatch.Call(ctx, s.table, throughKMS(call, arn.Region), kms.Decrypt, &kms.DecryptInput{
		CiphertextBlob: at.Wrapped, KeyId: &at.KMSKey, EncryptionContext: at.Context,
	})
	if err != nil {
		return nil, refusalOfKMS(err)
	}
	return &contentKey{secret: out.Plaintext, kept: *at}, nil
}

// setEncryption sets the members of out that say how content is encrypted which
// at seals; customers is the key that the request has.
func setEncryption(out any, at *seal, customers *contentKey) {
	v, by := reflect.ValueOf(out).Elem(), new(api.ServerSideEncryptionAes256)
	set := func(name string, value any) {
		if f := v.FieldByName(name); f.IsValid() {
			f.Set(reflect.ValueOf(value))
		}
	}
	if at.customers() {
		set("SSECustomerAlgorithm", by)
		if customers != nil {
			set("SSECustomerKeyMD5", &customers.md5)
		}
		return
	}
	if at == nil || at.KMSKey == "" {
		set("ServerSideEncryption", by)
		return
	}
	set("ServerSideEncryption", &at.By)
	set("SSEKMSKeyId", &at.KMSKey)
	if at.Bucket {
		set("BucketKeyEnabled", &at.Bucket)
	}
}
