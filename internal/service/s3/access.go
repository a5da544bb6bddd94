package s3

import (
	"context"
	"maps"
	"math"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Actions of S3 are not named as its operations are: a bucket is headed by who
// may list it, and a version is got by who may get versions.

type check = func(service.Access) error

// objectARN names an object.
func objectARN(bucket, key string) aws.ARN {
	return aws.ARN{Service: "s3", Resource: bucket + "/" + key}
}

// onBucket is the row of an operation that needs one action on its bucket.
func onBucket[In, Out any, P interface {
	*In
	GetBucket() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), action string) service.Operation {
	return service.OpEach(op, handle, func(_ *aws.Call, in *In, check check) error {
		return check(accessBucket(action, P(in).GetBucket()))
	})
}

// accessBucket is one action on a bucket.
func accessBucket(action, bucket string) service.Access {
	return service.Access{Action: "s3:" + action, Resource: bucketARN(bucket)}
}

// onObject is the row of an operation that needs one action on its object.
func onObject[In, Out any, P interface {
	*In
	GetBucket() string
	GetKey() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), action string) service.Operation {
	return service.OpEach(op, handle, func(_ *aws.Call, in *In, check check) error {
		return check(service.Access{Action: "s3:" + action, Resource: objectARN(P(in).GetBucket(), P(in).GetKey())})
	})
}

// onVersion is the row of an operation that needs one action on its object, and
// another if the input names a version.
func onVersion[In, Out any, P interface {
	*In
	GetBucket() string
	GetKey() string
	GetVersionId() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), latest, versions string) service.Operation {
	return service.OpEach(op, handle, func(_ *aws.Call, in *In, check check) error {
		p := P(in)
		return check(versionAccess(p.GetBucket(), p.GetKey(), p.GetVersionId(), latest, versions))
	})
}

func versionAccess(bucket, key, version, latest, versions string) service.Access {
	a := service.Access{Action: "s3:" + latest, Resource: objectARN(bucket, key)}
	if version != "" {
		a.Action, a.Keys = "s3:"+versions, service.Keys{"s3:VersionId": {version}}
	}
	return a
}

// keys are the condition keys whose values are given.
func keys(pairs map[string]*string) service.Keys {
	k := make(service.Keys)
	for name, value := range pairs {
		if value != nil {
			k[name] = []string{*value}
		}
	}
	return k
}

// grantKeys are the condition keys of the access control list that the members
// of in ask for.
func grantKeys(in any) service.Keys {
	var m grantMembers
	copyMembers(&m, in)
	return keys(map[string]*string{
		"s3:x-amz-acl": m.ACL, "s3:x-amz-grant-full-control": m.GrantFullControl, "s3:x-amz-grant-read": m.GrantRead,
		"s3:x-amz-grant-read-acp": m.GrantReadACP, "s3:x-amz-grant-write": m.GrantWrite, "s3:x-amz-grant-write-acp": m.GrantWriteACP,
	})
}

// puts reports whether a is of the list of an object that is being put.
func puts(a *service.Access) bool {
	for name := range a.Keys {
		if strings.HasPrefix(name, "s3:x-amz-") {
			return true
		}
	}
	return false
}

func mayCreate(_ *aws.Call, in *api.CreateBucketInput, check check) error {
	pairs := map[string]*string{"s3:x-amz-acl": in.ACL, "s3:x-amz-object-ownership": in.ObjectOwnership}
	if c := in.CreateBucketConfiguration; c != nil {
		pairs["s3:LocationConstraint"] = c.LocationConstraint
	}
	a := service.Access{Action: "s3:CreateBucket", Resource: bucketARN(in.Bucket), Keys: keys(pairs)}
	if err := check(a); err != nil || !aws.Value(in.ObjectLockEnabledForBucket) {
		return err
	}
	for _, action := range []string{"s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"} {
		a.Action = action
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

func mayListBuckets(_ *aws.Call, _ *api.ListBucketsInput, check check) error {
	return check(service.Access{Action: "s3:ListAllMyBuckets", Resource: aws.AnyResource})
}

func mayPut(_ *aws.Call, in *api.PutObjectInput, check check) error {
	return write(in, in.Bucket, in.Key, in.Tagging, check, map[string]*string{
		"s3:x-amz-storage-class":                             in.StorageClass,
		"s3:x-amz-server-side-encryption":                    in.ServerSideEncryption,
		"s3:x-amz-server-side-encryption-customer-algorithm": in.SSECustomerAlgorithm,
	})
}

func mayBegin(_ *aws.Call, in *api.CreateMultipartUploadInput, check check) error {
	return write(in, in.Bucket, in.Key, in.Tagging, check, map[string]*string{
		"s3:x-amz-storage-class": in.StorageClass, "s3:x-amz-server-side-encryption": in.ServerSideEncryption,
		"s3:x-amz-server-side-encryption-customer-algorithm": in.SSECustomerAlgorithm,
	})
}

// write is what who puts an object must be allowed; tags and locks, which the
// members of in say, need more.
func write(in any, bucket, key string, tagging *string, check check, pairs map[string]*string) error {
	a := service.Access{Action: "s3:PutObject", Resource: objectARN(bucket, key), Keys: keys(pairs)}
	actions := []string{a.Action}
	if lists := grantKeys(in); len(lists) > 0 {
		maps.Copy(a.Keys, lists)
		actions = append(actions, "s3:PutObjectAcl")
	}
	l := lockMembersOf(in)
	lockKeys(&a, l.ObjectLockMode, l.ObjectLockRetainUntilDate, l.ObjectLockLegalHoldStatus)
	if l.ObjectLockMode != nil || l.ObjectLockRetainUntilDate != nil {
		actions = append(actions, "s3:PutObjectRetention")
	}
	if l.ObjectLockLegalHoldStatus != nil {
		actions = append(actions, "s3:PutObjectLegalHold")
	}
	if tagging != nil {
		tags, err := parseTagging(*tagging)
		if err != nil {
			return err
		}
		for _, t := range tags {
			a.Keys["s3:RequestObjectTag/"+t.Key] = []string{t.Value}
			a.Keys["s3:RequestObjectTagKeys"] = append(a.Keys["s3:RequestObjectTagKeys"], t.Key)
		}
		actions = append(actions, "s3:PutObjectTagging")
	}
	for _, action := range actions {
		a.Action = action
		if err := check(a); err != nil {
			return err
		}
	}
	return nil
}

func mayCopy(_ *aws.Call, in *api.CopyObjectInput, check check) error {
	from, err := readSource(in.CopySource, check)
	if err != nil {
		return err
	}
	source := from.bucket + "/" + from.key
	return write(in, in.Bucket, in.Key, in.Tagging, check, map[string]*string{
		"s3:x-amz-copy-source": &source, "s3:x-amz-metadata-directive": in.MetadataDirective,
		"s3:x-amz-storage-class": in.StorageClass, "s3:x-amz-server-side-encryption": in.ServerSideEncryption,
		"s3:x-amz-server-side-encryption-customer-algorithm": in.SSECustomerAlgorithm,
	})
}

func mayCopyPart(_ *aws.Call, in *api.UploadPartCopyInput, check check) error {
	from, err := readSource(in.CopySource, check)
	if err != nil {
		return err
	}
	source := from.bucket + "/" + from.key
	return write(in, in.Bucket, in.Key, nil, check, map[string]*string{"s3:x-amz-copy-source": &source})
}

// readSource returns the source of a copy that may be read.
func readSource(header string, check check) (copySource, error) {
	from, err := parseCopySource(header)
	if err != nil {
		return from, err
	}
	return from, check(versionAccess(from.bucket, from.key, aws.Value(from.version), "GetObject", "GetObjectVersion"))
}

func mayDelete(_ *aws.Call, in *api.DeleteObjectInput, check check) error {
	return deleteAccess(in.Bucket, in.Key, in.VersionId, in.BypassGovernanceRetention, check)
}

// mayDeleteEach returns why objects may not be deleted, one by one.
func mayDeleteEach(_ *aws.Call, in *api.DeleteObjectsInput, check check) []error {
	objects := aws.Value(in.Delete).Objects
	refused := make([]error, len(objects))
	for i, o := range objects {
		refused[i] = deleteAccess(in.Bucket, o.Key, o.VersionId, in.BypassGovernanceRetention, check)
	}
	return refused
}

func deleteAccess(bucket, key string, version *string, bypass *bool, check check) error {
	a := versionAccess(bucket, key, aws.Value(version), "DeleteObject", "DeleteObjectVersion")
	return firstError(check(a), bypassAccess(a, bypass, check))
}

// bypassAccess is what who goes around GOVERNANCE must be allowed besides a.
func bypassAccess(a service.Access, bypass *bool, check check) error {
	if !aws.Value(bypass) {
		return nil
	}
	a.Action = "s3:BypassGovernanceRetention"
	return check(a)
}

func mayRetain(_ *aws.Call, in *api.PutObjectRetentionInput, check check) error {
	a := versionAccess(in.Bucket, in.Key, aws.Value(in.VersionId), "PutObjectRetention", "PutObjectRetention")
	if r := in.Retention; r != nil {
		lockKeys(&a, r.Mode, r.RetainUntilDate, nil)
	}
	return firstError(check(a), bypassAccess(a, in.BypassGovernanceRetention, check))
}

// lockKeys adds to a the condition keys of a lock.
func lockKeys(a *service.Access, mode *string, until *time.Time, hold *string) {
	pairs := map[string]*string{"s3:object-lock-mode": mode, "s3:object-lock-legal-hold": hold}
	if until != nil {
		pairs["s3:object-lock-retain-until-date"] = new(until.UTC().Format(time.RFC3339))
		pairs["s3:object-lock-remaining-retention-days"] = new(itoa(int64(math.Ceil(time.Until(*until).Hours() / 24))))
	}
	if a.Keys == nil {
		a.Keys = make(service.Keys)
	}
	maps.Copy(a.Keys, keys(pairs))
}

func mayList(_ *aws.Call, in *api.ListObjectsInput, check check) error {
	return listAccess("ListBucket", in.Bucket, in.Prefix, in.Delimiter, in.MaxKeys, check)
}

func mayListV2(_ *aws.Call, in *api.ListObjectsV2Input, check check) error {
	return listAccess("ListBucket", in.Bucket, in.Prefix, in.Delimiter, in.MaxKeys, check)
}

func mayListVersions(_ *aws.Call, in *api.ListObjectVersionsInput, check check) error {
	return listAccess("ListBucketVersions", in.Bucket, in.Prefix, in.Delimiter, in.MaxKeys, check)
}

func mayListUploads(_ *aws.Call, in *api.ListMultipartUploadsInput, check check) error {
	return listAccess("ListBucketMultipartUploads", in.Bucket, in.Prefix, in.Delimiter, in.MaxUploads, check)
}

func listAccess(action, bucket string, prefix, delimiter *string, most *int32, check check) error {
	pairs := map[string]*string{"s3:prefix": prefix, "s3:delimiter": delimiter}
	if most != nil {
		pairs["s3:max-keys"] = new(itoa(*most))
	}
	return check(service.Access{Action: "s3:" + action, Resource: bucketARN(bucket), Keys: keys(pairs)})
}
