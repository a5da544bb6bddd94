package protocol

import (
	"net"
	"strings"
)

// BucketOf returns the bucket that is named in the host of a request to S3, or
// "": jobs in jobs.s3.eu-central-1.amazonaws.com, jobs.s3.localhost:4566,
// jobs.localhost:4566, or jobs.s3-eu-central-1.amazonaws.com.
func BucketOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	if i := strings.LastIndex(host, ".s3."); i > 0 {
		return host[:i]
	}
	if i := strings.LastIndex(host, ".s3-"); i > 0 && strings.HasSuffix(host, ".amazonaws.com") {
		return host[:i]
	}
	// What SDKs make of the endpoint http://localhost.
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok && bucket != "s3" && !strings.HasPrefix(bucket, "s3.") {
		return bucket
	}
	return ""
}
