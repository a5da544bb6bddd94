package s3

import (
	"context"
	"errors"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// loggings say where the log of a bucket goes.
var loggings = store.NewTable[aws.ARN, api.LoggingEnabled]("s3.logging")

// Refusals that the model does not have.
var (
	faultTarget   = aws.Fault{Code: "InvalidTargetBucketForLogging", Status: 400}
	faultLocation = aws.Fault{Code: "CrossLocationLoggingProhibitted", Status: 403} // as AWS spells it
)

type targetDetail struct {
	TargetBucket string `aws:"TargetBucket"`
}

type locationDetail struct {
	TargetBucketLocation string `aws:"TargetBucketLocation"`
}

// PutBucketLogging says where requests to a bucket are logged, if anywhere.
func (s *Service) PutBucketLogging(ctx context.Context, call *aws.Call, in *api.PutBucketLoggingInput) (*api.PutBucketLoggingOutput, error) {
	if in.BucketLoggingStatus == nil {
		return nil, errMalformed()
	}
	c := in.BucketLoggingStatus.LoggingEnabled
	return &api.PutBucketLoggingOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		tx.AfterCommit(s.log.forget)
		if c == nil {
			return loggings.Delete(tx, b)
		}
		if err := checkLogTarget(tx, row, c); err != nil {
			return err
		}
		return loggings.Put(tx, b, *c)
	})
}

func checkLogTarget(tx *store.Tx, of bucket, c *api.LoggingEnabled) error {
	to, err := buckets.Get(tx, bucketARN(c.TargetBucket))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return faultTarget.With(&targetDetail{c.TargetBucket}, "The target bucket for logging does not exist")
	case err != nil:
		return err
	case to.Owner != of.Owner:
		return faultTarget.With(&targetDetail{c.TargetBucket}, "The owner for the bucket to be logged and the target bucket must be the same.")
	case to.Region != of.Region:
		return faultLocation.With(&locationDetail{to.Region}, "Cross S3 location logging not allowed. ")
	}
	if f := c.TargetObjectKeyFormat; f != nil && (f.SimplePrefix == nil) == (f.PartitionedPrefix == nil) {
		return errMalformed()
	}
	return nil
}

// GetBucketLogging returns what PutBucketLogging said.
func (s *Service) GetBucketLogging(ctx context.Context, call *aws.Call, in *api.GetBucketLoggingInput) (*api.GetBucketLoggingOutput, error) {
	out := &api.GetBucketLoggingOutput{}
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		c, err := loggings.Get(tx, b)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		out.LoggingEnabled = &c
		return err
	})
}

// usualNames are what logs call operations whose names do not follow from how
// they are asked for.
var usualNames = map[string]string{
	"CopyObject": "REST.COPY.OBJECT", "DeleteObjects": "REST.POST.MULTI_OBJECT_DELETE", "ListObjects": "REST.GET.BUCKET", "ListObjectsV2": "REST.GET.BUCKET",
	"ListObjectVersions": "REST.GET.BUCKETVERSIONS", "UploadPart": "REST.PUT.PART", "UploadPartCopy": "REST.COPY.PART", "CompleteMultipartUpload": "REST.POST.UPLOAD",
	"AbortMultipartUpload": "REST.DELETE.UPLOAD", "ListParts": "REST.GET.UPLOAD", "GetBucketLogging": "REST.GET.LOGGING_STATUS", "PutBucketLogging": "REST.PUT.LOGGING_STATUS",
	"GetBucketPolicy": "REST.GET.BUCKETPOLICY", "PutBucketPolicy": "REST.PUT.BUCKETPOLICY", "DeleteBucketPolicy": "REST.DELETE.BUCKETPOLICY",
	"GetObjectTagging": "REST.GET.OBJECT_TAGGING", "PutObjectTagging": "REST.PUT.OBJECT_TAGGING", "DeleteObjectTagging": "REST.DELETE.OBJECT_TAGGING",
	"PostObject": "REST.POST.BUCKET",
}

// A logged is what a log says of an operation: "REST.GET.OBJECT", and how it is
// asked for.
type logged struct{ name, method, query string }

// loggedAs returns that of an operation of the API.
func loggedAs(operation string) logged {
	l := logged{name: usualNames[operation], method: "POST"}
	for i := range api.API.Operations {
		info := &api.API.Operations[i]
		if info.Name != operation {
			continue
		}
		path, query, _ := strings.Cut(info.URI, "?")
		l.method = info.Method
		resource, _, _ := strings.Cut(query, "&")
		if strings.Contains(resource, "=") {
			resource = ""
		}
		l.query = resource
		switch {
		case l.name != "":
		case resource != "":
			l.name = "REST." + l.method + "." + snake(resource)
		case strings.Contains(path, "{Key"):
			l.name = "REST." + l.method + ".OBJECT"
		default:
			l.name = "REST." + l.method + ".BUCKET"
		}
	}
	return l
}

// snake is "publicAccessBlock" as "PUBLIC_ACCESS_BLOCK".
func snake(name string) string {
	var b strings.Builder
	for _, c := range name {
		if c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToUpper(b.String())
}
