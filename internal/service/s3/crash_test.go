package s3_test

import (
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// keptIn has a platform keep everything in dir.
func keptIn(dir string) func(*platform.Config) {
	return func(c *platform.Config) { c.Memory, c.Data = false, dir }
}

// killed starts a platform on what kill -9 would leave now of one that keeps
// everything in dir, and goes on.
func killed(t *testing.T, dir string) *platform.Platform {
	t.Helper()
	left := t.TempDir()
	if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return platformtest.Start(t, keptIn(left))
}

// content returns the objects of a bucket whose keys have part in them, joined.
func content(t *testing.T, p *platform.Platform, bucket, part string) (text string, keys []string) {
	t.Helper()
	list, _ := run(t, p, "s3", "ListObjectsV2", `{"Bucket":"`+bucket+`"}`)["Contents"].([]any)
	for _, o := range list {
		key := o.(map[string]any)["Key"].(string)
		if !strings.Contains(key, part) {
			continue
		}
		body, err := base64.StdEncoding.DecodeString(run(t, p, "s3", "GetObject", fmt.Sprintf(`{"Bucket":%q,"Key":%q}`, bucket, key))["Body"].(string))
		if err != nil {
			t.Fatal(err)
		}
		text += string(body)
		keys = append(keys, key)
	}
	return text, keys
}

// The log of a bucket has each request that was answered before Aloft was killed,
// once.
func TestLogSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := platformtest.Start(t, keptIn(dir))
		run(t, p, "s3", "CreateBucket", `{"Bucket":"site"}`)
		run(t, p, "s3", "CreateBucket", `{"Bucket":"logs"}`)
		run(t, p, "s3", "PutBucketPolicy", `{"Bucket":"logs","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"logging.s3.amazonaws.com\"},\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::logs/*\"}}"}`)
		run(t, p, "s3", "PutBucketLogging", `{"Bucket":"site","BucketLoggingStatus":{"LoggingEnabled":{"TargetBucket":"logs","TargetPrefix":""}}}`)
		for i := range 50 {
			run(t, p, "s3", "PutObject", fmt.Sprintf(`{"Bucket":"site","Key":"k%d"}`, i))
		}
		again := killed(t, dir)
		time.Sleep(6 * time.Minute)
		for _, p := range []*platform.Platform{again, p} {
			text, _ := content(t, p, "logs", "")
			for i := range 50 {
				if n := strings.Count(text, fmt.Sprintf(" k%d ", i)); n != 1 {
					t.Errorf("k%d was put once, and is in %d lines of the log", i, n)
				}
			}
		}
	})
}

// A report that was due while Aloft was killed, or was being written, is there.
func TestInventorySurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		p := platformtest.Start(t, keptIn(dir))
		run(t, p, "s3", "CreateBucket", `{"Bucket":"data"}`)
		run(t, p, "s3", "CreateBucket", `{"Bucket":"reports"}`)
		run(t, p, "s3", "PutBucketPolicy", `{"Bucket":"reports","Policy":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"s3:PutObject\",\"Resource\":\"arn:aws:s3:::reports/*\"}}"}`)
		for i := range 50 {
			run(t, p, "s3", "PutObject", fmt.Sprintf(`{"Bucket":"data","Key":"k%d"}`, i))
		}
		run(t, p, "s3", "PutBucketInventoryConfiguration", `{"Bucket":"data","Id":"all","InventoryConfiguration":{"Id":"all","IsEnabled":true,"IncludedObjectVersions":"Current",
			"Destination":{"S3BucketDestination":{"Bucket":"arn:aws:s3:::reports","Format":"CSV"}},"Schedule":{"Frequency":"Daily"}}}`)
		again := killed(t, dir)
		time.Sleep(25 * time.Hour)
		zipped, keys := content(t, again, "reports", "/data/")
		if _, manifests := content(t, again, "reports", "manifest.json"); len(manifests) == 0 {
			t.Fatalf("no manifest, but %v", keys)
		}
		z, err := gzip.NewReader(strings.NewReader(zipped))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			if !strings.Contains(string(text), fmt.Sprintf(`"data","k%d"`, i)) {
				t.Errorf("k%d is in no report", i)
			}
		}
	})
}
