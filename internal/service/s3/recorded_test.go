package s3_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "s3",
		Unknown: []string{"ETag", "LastModified", "Location", "UploadId", "VersionId", "ID", "Owner", "Initiator", "Bucket", "Name", "SSEKMSKeyId", "BucketName", "Role"},
		Hidden:  []string{"StatusCode"},
		As:      asTold,
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}

// asTold is an answer as SDKs tell it, which ask for keys that are escaped.
func asTold(want, got any) any {
	list, ok := got.(map[string]any)
	if !ok || list["EncodingType"] != "url" {
		return got
	}
	for _, kind := range []string{"Contents", "Versions", "DeleteMarkers"} {
		entries, _ := list[kind].([]any)
		for _, e := range entries {
			entry := e.(map[string]any)
			if key, err := url.QueryUnescape(entry["Key"].(string)); err == nil {
				entry["Key"] = key
			}
		}
	}
	return list
}
