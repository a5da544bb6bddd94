package resource

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/s3"
)

// S3 has the types of S3.
func S3() []*Type {
	return []*Type{bucket(), bucketPolicy(), bucketNotification(), accessPoint(), lens(), lensPolicy()}
}

func bucket() *Type {
	return &Type{
		Name: "AWS::S3::Bucket",
		Properties: Props(`AbacStatus- AccelerateConfiguration AccessControl AnalyticsConfigurations BucketEncryption BucketName@ BucketNamePrefix-
			BucketNamespace- CorsConfiguration IntelligentTieringConfigurations InventoryConfigurations LifecycleConfiguration
			LoggingConfiguration MetadataConfiguration- MetadataTableConfiguration- MetricsConfigurations NotificationConfiguration
			ObjectLockConfiguration ObjectLockEnabled OwnershipControls PublicAccessBlockConfiguration ReplicationConfiguration Tags
			VersioningConfiguration WebsiteConfiguration`),
		Attributes: []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
		Naming:     Naming{Property: "BucketName", Max: 63, Lower: true},
		Needs: Needs{
			"LifecycleConfiguration": "s3.PutBucketLifecycleConfiguration", "NotificationConfiguration": "s3.PutBucketNotificationConfiguration",
			"WebsiteConfiguration": "s3.PutBucketWebsite", "AccessControl": "s3.PutBucketAcl",
			"ObjectLockEnabled": "s3.PutObjectLockConfiguration", "ObjectLockConfiguration": "s3.PutObjectLockConfiguration",
		},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("BucketName")
			in := &s3.CreateBucketInput{Bucket: name}
			if truth(op.New["ObjectLockEnabled"]) {
				in.ObjectLockEnabledForBucket = new(true)
			}
			if op.Call.Region != "us-east-1" {
				in.CreateBucketConfiguration = &s3.CreateBucketConfiguration{LocationConstraint: &op.Call.Region}
			}
			if _, err := Do(op, s3.CreateBucket, in); err != nil {
				return nil, err
			}
			return madeBucket(op, name), configure(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			return madeBucket(op, op.PhysicalID), configure(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, s3.DeleteBucket, &s3.DeleteBucketInput{Bucket: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("BucketName")
			if _, err := Do(op, s3.HeadBucket, &s3.HeadBucketInput{Bucket: name}); err != nil {
				return nil, err
			}
			return madeBucket(op, name), configure(op, name)
		},
	}
}

func madeBucket(op *Op, name string) *Made {
	region := op.Call.Region
	return &Made{PhysicalID: name, Attributes: map[string]any{
		"Arn":                 "arn:aws:s3:::" + name,
		"DomainName":          name + ".s3.amazonaws.com",
		"DualStackDomainName": name + ".s3.dualstack." + region + ".amazonaws.com",
		"RegionalDomainName":  name + ".s3." + region + ".amazonaws.com",
		"WebsiteURL":          "http://" + name + ".s3-website-" + region + ".amazonaws.com",
	}}
}

// configure makes the settings of a bucket those of op.New.
func configure(op *Op, name string) error {
	for _, s := range slices.Concat(accessSettings(), contentSettings(), watchSettings()) {
		if !op.Changed(s.property) {
			continue
		}
		if err := s.set(op, name, op.New[s.property]); err != nil {
			return err
		}
	}
	return nil
}

// A bucketSetting is a property of a bucket with operations of its own. Without
// a value, set makes it what it is for buckets of which nothing is said.
type bucketSetting struct {
	property string
	set      func(op *Op, bucket string, v any) error
}

// accessSettings say who may use a bucket, in the order in which one may depend
// on the other.
func accessSettings() []bucketSetting {
	return []bucketSetting{
		{"OwnershipControls", func(op *Op, bucket string, v any) error {
			in := &s3.PutBucketOwnershipControlsInput{Bucket: bucket, OwnershipControls: &s3.OwnershipControls{
				Rules: []s3.OwnershipControlsRule{{ObjectOwnership: "BucketOwnerEnforced"}},
			}}
			return put(op, s3.PutBucketOwnershipControls, in, in.OwnershipControls, v)
		}},
		{"PublicAccessBlockConfiguration", func(op *Op, bucket string, v any) error {
			block := &s3.PublicAccessBlockConfiguration{}
			if v == nil {
				*block = s3.PublicAccessBlockConfiguration{
					BlockPublicAcls: new(true), IgnorePublicAcls: new(true), BlockPublicPolicy: new(true), RestrictPublicBuckets: new(true),
				}
			}
			in := &s3.PutPublicAccessBlockInput{Bucket: bucket, PublicAccessBlockConfiguration: block}
			return put(op, s3.PutPublicAccessBlock, in, block, v)
		}},
		{"AccessControl", func(op *Op, bucket string, v any) error {
			acl := "private"
			if s := text(v); s != "" {
				acl = cannedACL(s)
			}
			_, err := Do(op, s3.PutBucketAcl, &s3.PutBucketAclInput{Bucket: bucket, ACL: &acl})
			return err
		}},
	}
}

// contentSettings say what becomes of what is in a bucket.
func contentSettings() []bucketSetting {
	return []bucketSetting{
		{"VersioningConfiguration", func(op *Op, bucket string, v any) error {
			in := &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3.VersioningConfiguration{Status: new("Suspended")}}
			return put(op, s3.PutBucketVersioning, in, in.VersioningConfiguration, v)
		}},
		{"ObjectLockEnabled", func(op *Op, bucket string, v any) error {
			if op.Old == nil {
				return nil // it is made so, or not
			}
			return putObjectLock(op, bucket, truth(v))
		}},
		{"ObjectLockConfiguration", func(op *Op, bucket string, v any) error { return putObjectLock(op, bucket, true) }},
		{"BucketEncryption", func(op *Op, bucket string, v any) error {
			if v == nil {
				_, err := Do(op, s3.DeleteBucketEncryption, &s3.DeleteBucketEncryptionInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &s3.ServerSideEncryptionConfiguration{}}
			return put(op, s3.PutBucketEncryption, in, in.ServerSideEncryptionConfiguration, encryptionRules(v))
		}},
		{"CorsConfiguration", func(op *Op, bucket string, v any) error {
			if v == nil {
				_, err := Do(op, s3.DeleteBucketCors, &s3.DeleteBucketCorsInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketCorsInput{Bucket: bucket, CORSConfiguration: &s3.CORSConfiguration{}}
			return put(op, s3.PutBucketCors, in, in.CORSConfiguration, corsRules(v))
		}},
		{"LifecycleConfiguration", func(op *Op, bucket string, v any) error {
			if v == nil {
				_, err := Do(op, s3.DeleteBucketLifecycle, &s3.DeleteBucketLifecycleInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketLifecycleConfigurationInput{Bucket: bucket, LifecycleConfiguration: &s3.BucketLifecycleConfiguration{}}
			return put(op, s3.PutBucketLifecycleConfiguration, in, in.LifecycleConfiguration, lifecycle(v))
		}},
		{"WebsiteConfiguration", func(op *Op, bucket string, v any) error {
			if v == nil {
				_, err := Do(op, s3.DeleteBucketWebsite, &s3.DeleteBucketWebsiteInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketWebsiteInput{Bucket: bucket, WebsiteConfiguration: &s3.WebsiteConfiguration{}}
			return put(op, s3.PutBucketWebsite, in, in.WebsiteConfiguration, website(v))
		}},
		{"Tags", func(op *Op, bucket string, v any) error {
			if len(list(v)) == 0 {
				_, err := Do(op, s3.DeleteBucketTagging, &s3.DeleteBucketTaggingInput{Bucket: bucket})
				return err
			}
			in := &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: &s3.Tagging{}}
			return put(op, s3.PutBucketTagging, in, in.Tagging, map[string]any{"TagSet": v})
		}},
		{"NotificationConfiguration", func(op *Op, bucket string, v any) error {
			in := &s3.PutBucketNotificationConfigurationInput{Bucket: bucket, NotificationConfiguration: &s3.NotificationConfiguration{}}
			return put(op, s3.PutBucketNotificationConfiguration, in, in.NotificationConfiguration, notification(v))
		}},
	}
}

// putObjectLock lets objects be locked, as op.New has it. S3 refuses to end it.
func putObjectLock(op *Op, bucket string, enabled bool) error {
	c := new(s3.ObjectLockConfiguration)
	if enabled {
		c.ObjectLockEnabled = new(s3.ObjectLockEnabledEnabled)
	}
	in := &s3.PutObjectLockConfigurationInput{Bucket: bucket, ObjectLockConfiguration: c}
	return put(op, s3.PutObjectLockConfiguration, in, c, op.New["ObjectLockConfiguration"])
}

// bucketPolicy is a policy of a bucket, which has one or none.
func bucketPolicy() *Type {
	set := func(op *Op) (*Made, error) {
		name := op.Text("Bucket")
		in := &s3.PutBucketPolicyInput{Bucket: name, Policy: document(op.New["PolicyDocument"])}
		if _, err := Do(op, s3.PutBucketPolicy, in); err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name}, nil
	}
	return &Type{
		Name:       "AWS::S3::BucketPolicy",
		Properties: Props("Bucket!@ PolicyDocument!"),
		Create: func(op *Op) (*Made, error) {
			out, err := Do(op, s3.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: op.Text("Bucket")})
			if err == nil && out.Policy != nil {
				return nil, alreadyExists("The bucket policy already exists on bucket %s.", op.Text("Bucket"))
			}
			if err := ignoreGone(err); err != nil {
				return nil, err
			}
			return set(op)
		},
		Update: set,
		Delete: func(op *Op) error {
			_, err := Do(op, s3.DeleteBucketPolicy, &s3.DeleteBucketPolicyInput{Bucket: op.PhysicalID})
			return err
		},
		// What a creation that was cut short left is ours: it looked before.
		Find: set,
	}
}
