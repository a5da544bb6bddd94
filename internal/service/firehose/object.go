package firehose

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/firehose"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

// write makes an object of S3 of a batch.
func (s *Service) write(ctx context.Context, row *stream, b *batch) error {
	c := row.S3
	if b.key.Kind == lineBackup {
		if c = row.backup(); c == nil { // there is none any more
			return s.DB.Update(ctx, func(tx *store.Tx) error { return s.done(tx, b) })
		}
	}
	in, err := newObject(row, c, b)
	if err != nil {
		return err
	}
	call, err := s.as(ctx, b.key.Stream, c.RoleARN)
	if err == nil {
		_, err = dispatch.CallChecked(ctx, s.Table, call, s3.PutObject, in)
	}
	if err != nil {
		s.reportS3(ctx, row, b.key, err)
		return fmt.Errorf("write to %s: %w", in.Bucket, err)
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error { return s.done(tx, b) })
}

// newObject is the object of a batch. All of its name but the prefix, if that
// is changed, is that of the batch's first record: so what is written again
// after a crash replaces what was written before.
func newObject(row *stream, c *api.ExtendedS3DestinationConfiguration, b *batch) (*s3.PutObjectInput, error) {
	zone, err := time.LoadLocation(aws.Or(c.CustomTimeZone, "UTC"))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(b.key.Stream.String() + b.key.Kind + b.first.String()))
	f := &facts{at: b.records[0].At.In(zone), random: base32.StdEncoding.EncodeToString(sum[16:])[:11]}
	text := aws.Value(c.Prefix)
	switch b.key.Kind {
	case lineError:
		f.failure = b.key.Of
		text = aws.Or(c.ErrorOutputPrefix, text)
	case lineOut:
		if b.key.Of != "" {
			if err := json.Unmarshal([]byte(b.key.Of), &f.keys); err != nil {
				return nil, err
			}
		}
	}
	p, err := parsePrefix(text)
	if err != nil {
		return nil, err
	}
	format := aws.Or(c.CompressionFormat, api.CompressionFormatUncompressed)
	name := fmt.Sprintf("%s-%d-%s-%x-%x-%x-%x-%x", streamName(b.key.Stream), row.Version, f.at.Format("2006-01-02-15-04-05"), sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	data := make([]byte, 0, b.size)
	for i := range b.records {
		data = append(data, b.records[i].Data...)
	}
	if data, err = compress(format, name, data); err != nil {
		return nil, err
	}
	in := &s3.PutObjectInput{
		Bucket: c.BucketARN[strings.LastIndexByte(c.BucketARN, ':')+1:], Key: p.evaluate(f) + name + aws.Or(c.FileExtension, extensions[format]),
		Body: bytes.NewReader(data), ContentLength: new(int64(len(data))), ContentType: new("application/octet-stream"),
	}
	if e := c.EncryptionConfiguration; e != nil && e.KMSEncryptionConfig != nil {
		in.ServerSideEncryption, in.SSEKMSKeyId = new("aws:kms"), &e.KMSEncryptionConfig.AWSKMSKeyARN
	}
	return in, nil
}

// reportS3 says why an object was not written.
func (s *Service) reportS3(ctx context.Context, row *stream, key lineKey, err error) {
	refusal, refused := errors.AsType[*aws.Error](err)
	switch {
	case !refused:
	case refusal.Code == aws.AccessDenied.Code:
		s.report(ctx, row, key, "S3.AccessDenied", "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the role, and the access policy allows access to the S3 bucket.")
	case refusal.Code == "NoSuchBucket":
		s.report(ctx, row, key, "S3.NoSuchBucket", "The specified S3 bucket does not exist. Create the bucket or use a different bucket that does exist.")
	default:
		s.report(ctx, row, key, "S3."+refusal.Code, refusal.Message)
	}
}
