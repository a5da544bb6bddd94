package s3_test

import (
	"os"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "s3",
		Unknown: []string{"ETag", "LastModified", "Location", "UploadId", "VersionId", "ID", "Owner", "Initiator", "Bucket", "Name", "SSEKMSKeyId", "BucketName"},
		Hidden:  []string{"StatusCode"},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
