package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// client returns AWS's own client of a platform, over TLS, where it sends
// content in chunks with the checksum behind them.
func client(t *testing.T) *sdk.Client {
	server := httptest.NewTLSServer(platformtest.Start(t).Handler)
	t.Cleanup(server.Close)
	return sdk.New(sdk.Options{
		BaseEndpoint: &server.URL,
		Region:       "us-east-1",
		UsePathStyle: true,
		HTTPClient:   server.Client(),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),

		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
}

func TestSDK(t *testing.T) {
	c, ctx := client(t), t.Context()
	bucket, key := aws.String("jobs"), aws.String("a//b ü+%2F/../c")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: bucket}))
	must(nil, sdk.NewBucketExistsWaiter(c).Wait(ctx, &sdk.HeadBucketInput{Bucket: bucket}, time.Minute))
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	put, err := c.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: bucket, Key: key, Body: bytes.NewReader(content), ContentType: aws.String("text/plain"),
		Metadata: map[string]string{"color": "red"}, Tagging: aws.String("a=1"),
	})
	must(put, err)
	if put.ChecksumCRC32 == nil {
		t.Errorf("PutObject answered no CRC32 for the one that was sent")
	}
	// A reader that cannot seek is sent as it comes.
	must(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("stream"), Body: io.MultiReader(bytes.NewReader(content)),
		ContentLength: aws.Int64(int64(len(content))), ChecksumAlgorithm: types.ChecksumAlgorithmSha256}))

	for _, k := range []*string{key, aws.String("stream")} {
		got, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: k, ChecksumMode: types.ChecksumModeEnabled})
		must(got, err)
		body, err := io.ReadAll(got.Body) // checks the checksum
		must(body, err)
		if !bytes.Equal(body, content) {
			t.Errorf("content of %s is %d bytes %x, want %d %x", *k, len(body), sha256.Sum256(body), len(content), sha256.Sum256(content))
		}
	}
	head, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: key})
	must(head, err)
	if head.Metadata["color"] != "red" || aws.ToString(head.ContentType) != "text/plain" || aws.ToString(head.ContentEncoding) != "" {
		t.Errorf("HeadObject: metadata %v, type %v, encoding %v", head.Metadata, aws.ToString(head.ContentType), aws.ToString(head.ContentEncoding))
	}
	part, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: key, Range: aws.String("bytes=16-19")})
	must(part, err)
	if b, _ := io.ReadAll(part.Body); string(b) != "0123" || aws.ToString(part.ContentRange) != "bytes 16-19/320000" {
		t.Errorf("range: %q of %s", b, aws.ToString(part.ContentRange))
	}
	where, err := c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: bucket})
	must(where, err)
	if where.LocationConstraint != "" {
		t.Errorf("location is %q", where.LocationConstraint)
	}
	checkRefusals(t, c, bucket, put.ETag)
	checkPages(t, c, bucket)
}

func checkRefusals(t *testing.T, c *sdk.Client, bucket, etag *string) {
	ctx := t.Context()
	_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
	if _, ok := errors.AsType[*types.NoSuchKey](err); !ok {
		t.Errorf("GetObject of nothing: %v", err)
	}
	_, err = c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: aws.String("none")})
	if _, ok := errors.AsType[*types.NotFound](err); !ok {
		t.Errorf("HeadObject of nothing: %v", err)
	}
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("stream"), IfNoneMatch: aws.String("*")})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "PreconditionFailed" {
		t.Errorf("PutObject of what is there: %v", err)
	}
	_, err = c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("stream"), IfNoneMatch: etag})
	if err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("GetObject of what one has: %v", err)
	}
	_, err = c.GetObjectTorrent(ctx, &sdk.GetObjectTorrentInput{Bucket: bucket, Key: aws.String("stream")})
	if err == nil || !strings.Contains(err.Error(), "s3:GetObjectTorrent") {
		t.Errorf("GetObjectTorrent: %v", err)
	}
}

func checkPages(t *testing.T, c *sdk.Client, bucket *string) {
	ctx := t.Context()
	var want []string
	for i := range 25 {
		key := fmt.Sprintf("n/%02d", i)
		if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: &key, Body: strings.NewReader(key)}); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	var got []string
	var ids []types.ObjectIdentifier
	pages := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("n/"), MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
			ids = append(ids, types.ObjectIdentifier{Key: o.Key})
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	out, err := c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: ids}})
	if err != nil || len(out.Deleted) != len(ids) || len(out.Errors) > 0 {
		t.Errorf("DeleteObjects: %v, %v", out, err)
	}
}

// A presigned URL does what it says, for who has no keys.
func TestPresigned(t *testing.T) {
	c, ctx := client(t), context.Background()
	bucket, key := aws.String("jobs"), aws.String("k")
	if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("content")}); err != nil {
		t.Fatal(err)
	}
	r, err := sdk.NewPresignClient(c).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Options().HTTPClient.(interface {
		Get(string) (*http.Response, error)
	}).Get(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || string(b) != "content" {
		t.Errorf("GET %s = %q, %v", r.URL, b, err)
	}
}
