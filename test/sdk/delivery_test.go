package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	firehoseapi "github.com/aloft-cloud/aloft/internal/api/firehose"
	iamapi "github.com/aloft-cloud/aloft/internal/api/iam"
	aloftclient "github.com/aloft-cloud/aloft/internal/client"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestMailBoto3 uses delivery streams, configurations and mail with boto3.
func TestMailBoto3(t *testing.T) {
	python := client(t, "python/bin/python")
	a := start(t, t.TempDir())
	runClient(t, a, python, "python/mail.py")
}

// TestKillDelivery kills the binary while records are put into a delivery
// stream. In the end S3 has all that were acknowledged.
func TestKillDelivery(t *testing.T) {
	data, put := t.TempDir(), 0
	for round := range 3 {
		a := start(t, data)
		c := clientOf(a)
		if round == 0 {
			makeDelivery(t, a, c)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				record := &firehoseapi.Record{Data: fmt.Appendf(nil, "%d;", put)}
				if _, err := aloftclient.Do(ctx, c, firehoseapi.PutRecord, &firehoseapi.PutRecordInput{DeliveryStreamName: "kills", Record: record}); err != nil {
					return
				}
				put++
			}
		}()
		time.Sleep(time.Duration(200+100*round) * time.Millisecond)
		check(t, a.cmd.Process.Signal(syscall.SIGKILL))
		a.cmd.Wait()
		cancel()
		<-done
	}
	if put == 0 {
		t.Fatal("nothing was put")
	}
	a := start(t, data)
	missing := put
	for deadline := time.Now().Add(time.Minute); missing > 0 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		found := delivered(t, a)
		missing = 0
		for n := range put {
			if !found[fmt.Sprint(n)] {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d records that were acknowledged are not in S3", missing, put)
	}
}

// makeDelivery makes a delivery stream to a bucket.
func makeDelivery(t *testing.T, a *aloft, c *aloftclient.Client) {
	t.Helper()
	document := func(statement map[string]any) string {
		text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
		check(t, err)
		return string(text)
	}
	trust := document(map[string]any{"Effect": "Allow", "Principal": map[string]string{"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"})
	_, err := aloftclient.Do(t.Context(), c, iamapi.CreateRole, &iamapi.CreateRoleInput{RoleName: "kills", AssumeRolePolicyDocument: trust})
	check(t, err)
	allow := document(map[string]any{"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
	_, err = aloftclient.Do(t.Context(), c, iamapi.PutRolePolicy, &iamapi.PutRolePolicyInput{RoleName: "kills", PolicyName: "p", PolicyDocument: allow})
	check(t, err)
	_, err = bucketsOf(a).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: new("kills")})
	check(t, err)
	_, err = aloftclient.Do(t.Context(), c, firehoseapi.CreateDeliveryStream, &firehoseapi.CreateDeliveryStreamInput{
		DeliveryStreamName: "kills",
		ExtendedS3DestinationConfiguration: &firehoseapi.ExtendedS3DestinationConfiguration{
			RoleARN: "arn:aws:iam::000000000000:role/kills", BucketARN: "arn:aws:s3:::kills", BufferingHints: &firehoseapi.BufferingHints{IntervalInSeconds: new(int32(0))},
		},
	})
	check(t, err)
}

func bucketsOf(a *aloft) *s3.Client {
	return s3.NewFromConfig(config(a), func(o *s3.Options) { o.UsePathStyle = true })
}

// delivered returns the records that are in S3.
func delivered(t *testing.T, a *aloft) map[string]bool {
	t.Helper()
	found := make(map[string]bool)
	client := bucketsOf(a)
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: new("kills")}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		check(t, err)
		for _, o := range page.Contents {
			got, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: new("kills"), Key: o.Key})
			check(t, err)
			text, err := io.ReadAll(got.Body)
			check(t, err)
			for record := range strings.SplitSeq(string(text), ";") {
				found[record] = true
			}
		}
	}
	return found
}
