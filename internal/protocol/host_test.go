package protocol

import "testing"

func TestBucketOf(t *testing.T) {
	f := func(host, want string) {
		t.Helper()
		if got := BucketOf(host); got != want {
			t.Errorf("BucketOf(%q) = %q, want %q", host, got, want)
		}
	}
	f("jobs.s3.eu-central-1.amazonaws.com", "jobs")
	f("my.jobs.s3.localhost:4566", "my.jobs")
	f("jobs.s3.localhost.localstack.cloud:4566", "jobs")
	f("JOBS.S3.amazonaws.com", "jobs")
	f("jobs.s3-us-west-2.amazonaws.com", "jobs")
	f("jobs.s3-x.s3.us-west-2.amazonaws.com", "jobs.s3-x")
	f("s3.us-west-2.amazonaws.com", "")
	f("night-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", "arn:aws:s3:eu-west-1:123456789012:accesspoint/night")
	f("night-123456789012.s3-object-lambda.eu-west-1.amazonaws.com", "arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/night")
	f("night-abc--ol-s3.s3.eu-west-1.amazonaws.com", "night-abc--ol-s3")
	f("io-cell001.s3-object-lambda.eu-west-1.amazonaws.com", "")
	f("jobs.localhost:4566", "jobs")
	f("s3.localhost:4566", "")
	f("s3.us-west-2.localhost:4566", "")
	f("localhost:4566", "")
	f("127.0.0.1", "")
	f("[::1]:4566", "")
}
