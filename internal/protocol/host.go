package protocol

import (
	"net"
	"regexp"
	"strings"
)

var pointOfAccount = regexp.MustCompile(`^.+-\d{12}$`)

// BucketOf returns the bucket that is named in the host of a request to S3, or
// "": jobs in jobs.s3.eu-central-1.amazonaws.com, jobs.s3.localhost:4566,
// jobs.localhost:4566, or jobs.s3-eu-central-1.amazonaws.com. Of an access point,
// jobs-123456789012.s3-accesspoint.eu-central-1.amazonaws.com, it is the ARN, and so
// it is of one of Object Lambda. Functions of that answer to hosts that are no
// bucket's: io-1.s3-object-lambda.eu-central-1.amazonaws.com.
func BucketOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	if point, where, ok := strings.Cut(host, ".s3-accesspoint."); ok {
		return accessPoint("s3", point, where)
	}
	if point, where, ok := strings.Cut(host, ".s3-object-lambda."); ok {
		switch {
		case strings.HasSuffix(point, "--ol-s3"):
			return point
		case pointOfAccount.MatchString(point):
			return accessPoint("s3-object-lambda", point, where)
		}
		return ""
	}
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

// accessPoint is the ARN of the access point in name-account, in a region that
// may be left out.
func accessPoint(service, point, where string) string {
	i := strings.LastIndexByte(point, '-')
	if i < 0 {
		return point
	}
	region, ok := strings.CutSuffix(strings.TrimPrefix(where, "dualstack."), ".amazonaws.com")
	if !ok {
		region = ""
	}
	return "arn:aws:" + service + ":" + region + ":" + point[i+1:] + ":accesspoint/" + point[:i]
}
