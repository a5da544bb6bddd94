package s3_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// A step is an operation, and under which name its answer was recorded; "" is
// not at all. Its input is of a bucket, unless it names one; {Upload} in it is a
// member of the last answer that had it, "{Upload:1}" of the one before.
type step struct{ name, operation, input string }

const (
	crc32   = `,"ChecksumAlgorithm":"CRC32","ChecksumCRC32":`
	noParts = `,"UploadId":"{UploadId}"`
)

var enabled = step{"", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"Enabled"}`}

func putKey(name, key, content, more string) step {
	return step{name, "PutObject", `"Key":"` + key + `","Body":"` + base64.StdEncoding.EncodeToString([]byte(content)) + `"` + more}
}

// recorded is what can be told of the recorded cases by their names and answers.
var recorded = map[string][]step{
	"test_s3.py::TestS3::test_bucket_availability": {
		{"bucket-lifecycle", "GetBucketLifecycleConfiguration", `"Bucket":"none"`},
		{"bucket-replication", "GetBucketReplication", `"Bucket":"none"`},
	},
	"test_s3.py::TestS3::test_bucket_does_not_exist":        {{"list_object", "ListObjects", `"Bucket":"none"`}},
	"test_s3.py::TestS3::test_delete_bucket_no_such_bucket": {{"expected_error", "DeleteBucket", `"Bucket":"none"`}},
	"test_s3.py::TestS3::test_bucket_constraint_aws_global[us-east-1]": {
		{"aws-global-constraint", "CreateBucket", `"Bucket":"another","CreateBucketConfiguration":{"LocationConstraint":"aws-global"}`},
	},
	"test_s3.py::TestS3::test_create_bucket_with_invalid_location_constraint[us-east-1-foo]": {
		{"us-east-1-location-constraint-foo-error", "CreateBucket", `"Bucket":"another","CreateBucketConfiguration":{"LocationConstraint":"foo"}`},
	},
	"test_s3.py::TestS3::test_get_bucket_policy_invalid_account_id[abcd]": {
		{"get-bucket-policy-invalid-bucket-owner", "GetBucketPolicy", `"ExpectedBucketOwner":"abcd"`},
	},
	"test_s3.py::TestS3::test_invalid_range_error": {
		putKey("", "my-key", "abcdefgh", ""),
		{"exc", "GetObject", `"Key":"my-key","Range":"bytes=1024-4096"`},
	},
	"test_s3.py::TestS3::test_multipart_complete_multipart_too_small": {
		{"", "CreateMultipartUpload", `"Key":"k"`},
		{"upload-part1", "UploadPart", `"Key":"k","PartNumber":1,"Body":"ZGF0YQ=="` + crc32 + `"rfPzYw=="` + noParts},
		{"complete-exc-no-parts", "CompleteMultipartUpload", `"Key":"k"` + noParts},
		{"upload-part2", "UploadPart", `"Key":"k","PartNumber":2,"Body":"ZGF0YQ=="` + crc32 + `"rfPzYw=="` + noParts},
		{"complete-exc-too-small", "CompleteMultipartUpload", `"Key":"k","MultipartUpload":{"Parts":[{"ETag":"8d777f385d3dfec8815d20f7496026dc","PartNumber":1},{"ETag":"8d777f385d3dfec8815d20f7496026dc","PartNumber":2}]}` + noParts},
	},
	"test_s3.py::TestS3::test_multipart_complete_multipart_wrong_part": {
		{"", "CreateMultipartUpload", `"Key":"k"`},
		{"", "UploadPart", `"Key":"k","PartNumber":1,"Body":"ZGF0YQ=="` + noParts},
		{"complete-exc-wrong-etag", "CompleteMultipartUpload", `"Key":"k","MultipartUpload":{"Parts":[{"ETag":"d41d8cd98f00b204e9800998ecf8427e","PartNumber":1}]}` + noParts},
		{"complete-exc-wrong-part-number", "CompleteMultipartUpload", `"Key":"k","MultipartUpload":{"Parts":[{"ETag":"8d777f385d3dfec8815d20f7496026dc","PartNumber":2}]}` + noParts},
	},
	"test_s3.py::TestS3::test_multipart_key_validation": {
		{"", "CreateMultipartUpload", `"Key":"k"`},
		{"upload-part-wrong-key-name", "UploadPart", `"Key":"other","PartNumber":1,"Body":"ZGF0YQ=="` + noParts},
		{"list-parts-wrong-key-name", "ListParts", `"Key":"other"` + noParts},
		{"complete-multipart-wrong-key-name", "CompleteMultipartUpload", `"Key":"other","MultipartUpload":{"Parts":[{"ETag":"e","PartNumber":1}]}` + noParts},
		{"abort-multipart-wrong-key-name", "AbortMultipartUpload", `"Key":"other"` + noParts},
	},
	"test_s3.py::TestS3::test_s3_copy_object_wrong_format": {
		{"copy-object-wrong-copy-source", "CopyObject", `"Key":"k","CopySource":"bucket"`},
	},
	"test_s3.py::TestS3::test_put_object_acl_on_delete_marker": {
		enabled,
		putKey("put-obj-1", "test-key-versioned", "something", crc32+`"Cdox+w=="`),
		{"delete-object", "DeleteObject", `"Key":"test-key-versioned"`},
		{"put-acl-delete-marker", "PutObjectAcl", `"Key":"test-key-versioned","ACL":"public-read"`},
		{"put-acl-delete-marker-version-id", "PutObjectAcl", `"Key":"test-key-versioned","ACL":"public-read","VersionId":"{VersionId}"`},
		{"get-acl-delete-marker", "GetObjectAcl", `"Key":"test-key-versioned"`},
		{"get-acl-delete-marker-version-id", "GetObjectAcl", `"Key":"test-key-versioned","VersionId":"{VersionId}"`},
	},
	"test_s3.py::TestS3::test_s3_bucket_acl": {
		{"", "PutBucketOwnershipControls", `"OwnershipControls":{"Rules":[{"ObjectOwnership":"ObjectWriter"}]}`},
		{"", "DeletePublicAccessBlock", ``},
		{"", "PutBucketAcl", `"ACL":"public-read"`},
		{"get-bucket-acl", "GetBucketAcl", ``},
		{"", "PutBucketAcl", `"ACL":"private"`},
		{"get-bucket-canned-acl", "GetBucketAcl", ``},
		{"", "PutBucketAcl", `"GrantRead":"uri=\"http://acs.amazonaws.com/groups/s3/LogDelivery\""`},
		{"get-bucket-grant-acl", "GetBucketAcl", ``},
	},
	"test_s3_api.py::TestS3BucketVersioning::test_bucket_versioning_crud": {
		{"get-versioning-before", "GetBucketVersioning", ``},
		{"put-versioning-suspended-before", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"Suspended"}`},
		{"put-versioning-enabled-lowercase", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"enabled"}`},
		{"put-versioning-enabled-capitalized", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"Enabled"}`},
		{"get-versioning-after-enabled", "GetBucketVersioning", ``},
		{"put-versioning-suspended-after", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"Suspended"}`},
		{"get-versioning-after-suspended", "GetBucketVersioning", ``},
		{"put-versioning-disabled", "PutBucketVersioning", `"VersioningConfiguration":{"Status":"Disabled"}`},
		{"put-versioning-empty", "PutBucketVersioning", `"VersioningConfiguration":{}`},
		{"get-versioning-no-bucket", "GetBucketVersioning", `"Bucket":"none"`},
	},
	"test_s3_api.py::TestS3PublicAccessBlock::test_crud_public_access_block": {
		{"get-default-public-access-block", "GetPublicAccessBlock", ``},
		{"put-public-access-block", "PutPublicAccessBlock", `"PublicAccessBlockConfiguration":{"BlockPublicAcls":false,"BlockPublicPolicy":false,"IgnorePublicAcls":false}`},
		{"get-public-access-block", "GetPublicAccessBlock", ``},
		{"delete-public-access-block", "DeletePublicAccessBlock", ``},
		{"get-public-access-block-after-delete", "GetPublicAccessBlock", ``},
		{"idempotent-delete-public-access-block", "DeletePublicAccessBlock", ``},
	},
	"test_s3_api.py::TestS3BucketOwnershipControls::test_crud_bucket_ownership_controls": {
		{"default-ownership", "GetBucketOwnershipControls", ``},
		{"put-ownership", "PutBucketOwnershipControls", `"OwnershipControls":{"Rules":[{"ObjectOwnership":"ObjectWriter"}]}`},
		{"get-ownership", "GetBucketOwnershipControls", ``},
		{"delete-ownership", "DeleteBucketOwnershipControls", ``},
		{"get-ownership-after-delete", "GetBucketOwnershipControls", ``},
		{"delete-ownership-after-delete", "DeleteBucketOwnershipControls", ``},
	},
	"test_s3_api.py::TestS3BucketAccelerateConfiguration::test_bucket_acceleration_configuration_crud": {
		{"get-bucket-default-accelerate-config", "GetBucketAccelerateConfiguration", ``},
		{"put-bucket-accelerate-config-enabled", "PutBucketAccelerateConfiguration", `"AccelerateConfiguration":{"Status":"Enabled"}`},
		{"get-bucket-accelerate-config-enabled", "GetBucketAccelerateConfiguration", ``},
		{"put-bucket-accelerate-config-disabled", "PutBucketAccelerateConfiguration", `"AccelerateConfiguration":{"Status":"Suspended"}`},
		{"get-bucket-accelerate-config-disabled", "GetBucketAccelerateConfiguration", ``},
	},
	"test_s3_api.py::TestS3MetricsConfiguration::test_list_bucket_metrics_configurations": {
		{"", "PutBucketMetricsConfiguration", `"Id":"a","MetricsConfiguration":{"Id":"a","Filter":{"Prefix":"logs/prefix"}}`},
		{"", "PutBucketMetricsConfiguration", `"Id":"b","MetricsConfiguration":{"Id":"b","Filter":{"Prefix":"logs/prefix"}}`},
		{"list_bucket_metrics_configurations", "ListBucketMetricsConfigurations", ``},
	},
	"test_s3_api.py::TestS3MetricsConfiguration::test_delete_metrics_configuration_twice": {
		{"", "PutBucketMetricsConfiguration", `"Id":"a","MetricsConfiguration":{"Id":"a"}`},
		{"delete_bucket_metrics_configuration_1", "DeleteBucketMetricsConfiguration", `"Id":"a"`},
		{"delete_bucket_metrics_configuration_2", "DeleteBucketMetricsConfiguration", `"Id":"a"`},
	},
	"test_s3_api.py::TestS3BucketEncryption::test_s3_bucket_encryption_sse_kms_aws_managed_key": {
		{"put-bucket-enc", "PutBucketEncryption", `"ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"},"BucketKeyEnabled":true}]}`},
		{"get-bucket-enc", "GetBucketEncryption", ``},
		putKey("put-object-encrypted", "k", "test-encrypted", crc32+`"J1mCHA=="`),
		{"head-object-encrypted", "HeadObject", `"Key":"k"`},
		{"get-object-encrypted", "GetObject", `"Key":"k","ChecksumMode":"ENABLED"`},
	},
	"test_s3_api.py::TestS3BucketEncryption::test_s3_default_bucket_encryption_exc": {
		{"get-bucket-enc-no-bucket", "GetBucketEncryption", `"Bucket":"none"`},
		{"put-bucket-encryption-no-rules", "PutBucketEncryption", `"ServerSideEncryptionConfiguration":{"Rules":[]}`},
		{"put-bucket-encryption-kms-with-aes", "PutBucketEncryption", `"ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256","KMSMasterKeyID":"k"}}]}`},
	},
	"test_s3.py::TestS3::test_s3_sse_validate_kms_key": {
		putKey("put-obj-wrong-kms-key", "k", "x", `,"ServerSideEncryption":"aws:kms","SSEKMSKeyId":"fake-key-id"`),
		{"create-multipart-wrong-kms-key", "CreateMultipartUpload", `"Key":"k","ServerSideEncryption":"aws:kms","SSEKMSKeyId":"fake-key-id"`},
		putKey("", "source", "x", ""),
		{"copy-obj-wrong-kms-key", "CopyObject", `"Key":"k","CopySource":"bucket/source","ServerSideEncryption":"aws:kms","SSEKMSKeyId":"fake-key-id"`},
	},
	"test_s3_api.py::TestS3ObjectCRUD::test_delete_object_versioned": {
		enabled,
		putKey("", "test-delete", "test-delete", crc32+`"1jy6qw=="`),
		{"get-object-with-version", "GetObject", `"Key":"test-delete","VersionId":"{VersionId}","ChecksumMode":"ENABLED"`},
		{"delete-object", "DeleteObject", `"Key":"test-delete"`},
		{"get-deleted-object", "GetObject", `"Key":"test-delete"`},
		{"get-delete-marker", "GetObject", `"Key":"test-delete","VersionId":"{VersionId}"`},
		{"delete-with-bad-version", "DeleteObject", `"Key":"test-delete","VersionId":"bad"`},
		{"delete-wrong-key", "DeleteObject", `"Key":"wrong-key"`},
	},
	"test_s3_api.py::TestS3ObjectCRUD::test_get_object_with_version_unversioned_bucket": {
		putKey("put-object", "k", "test-version", crc32+`"jSiR5g=="`),
		{"get-obj-with-version", "GetObject", `"Key":"k","VersionId":"HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"`},
		{"get-obj-with-null-version", "GetObject", `"Key":"k","VersionId":"null","ChecksumMode":"ENABLED"`},
	},
	"test_s3_api.py::TestS3ObjectCRUD::test_delete_objects": {
		putKey("put-object", "test-delete", "test-delete", crc32+`"1jy6qw=="`),
		{"delete-object-wrong-version-id", "DeleteObjects", `"Delete":{"Objects":[{"Key":"test-delete","VersionId":"HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"}]}`},
	},
	"test_s3_api.py::TestS3ObjectCRUD::test_get_object_range": {
		putKey("", "k", "0123456789", crc32+`"poTHxg=="`),
		{"get--", "GetObject", `"Key":"k","Range":"bytes=-","ChecksumMode":"ENABLED"`},
		{"get--0", "GetObject", `"Key":"k","Range":"bytes=-0"`},
		{"get--15", "GetObject", `"Key":"k","Range":"bytes=-15","ChecksumMode":"ENABLED"`},
		{"get--2", "GetObject", `"Key":"k","Range":"bytes=-2","ChecksumMode":"ENABLED"`},
		{"get-0--1", "GetObject", `"Key":"k","Range":"bytes=0--1","ChecksumMode":"ENABLED"`},
		{"get-0-8", "GetObject", `"Key":"k","Range":"bytes=0-8"`},
		{"get-1-0", "GetObject", `"Key":"k","Range":"bytes=1-0","ChecksumMode":"ENABLED"`},
	},
	"test_s3_api.py::TestS3ObjectWritePrecondition::test_put_object_if_match_validation": {
		putKey("put-obj-if-match-star-value", "test-precondition-validation", "", `,"IfMatch":"*"`),
		putKey("put-obj-if-match-bad-value", "test-precondition-validation", "", `,"IfMatch":"abcdef"`),
	},
	"test_s3_api.py::TestS3ObjectWritePrecondition::test_put_object_if_none_match_validation": {
		putKey("put-obj-if-none-match-bad-value", "test-precondition-validation", "", `,"IfNoneMatch":"abcdef"`),
	},
	"test_s3_api.py::TestS3DeletePrecondition::test_delete_object_if_match_size_non_express": {
		{"delete-obj-if-match-size", "DeleteObject", `"Key":"k","IfMatchSize":10`},
	},
	"test_s3_list_operations.py::TestS3ListParts::test_list_parts_pagination": {
		{"", "CreateMultipartUpload", `"Key":"test-list-part-pagination"`},
		{"list-parts-empty", "ListParts", `"Key":"test-list-part-pagination"` + noParts},
		{"", "UploadPart", `"Key":"test-list-part-pagination","PartNumber":1,"Body":"ZGF0YQ=="` + noParts},
		{"", "UploadPart", `"Key":"test-list-part-pagination","PartNumber":2,"Body":"ZGF0YQ=="` + noParts},
		{"list-parts-all", "ListParts", `"Key":"test-list-part-pagination"` + noParts},
		{"list-parts-1", "ListParts", `"Key":"test-list-part-pagination","MaxParts":1` + noParts},
		{"list-parts-next", "ListParts", `"Key":"test-list-part-pagination","MaxParts":1,"PartNumberMarker":1` + noParts},
	},
	"test_s3_list_operations.py::TestS3ListObjectsV2::test_list_ops_encoding_type_validation[list_objects_v2]": {
		{"list_objects_v2-error-wrong-value", "ListObjectsV2", `"EncodingType":"value"`},
	},
	"test_s3_list_operations.py::TestS3ListBuckets::test_list_buckets_region_validation": {
		{"bad-region", "ListBuckets", `"BucketRegion":"eu-east-1"`},
	},
}

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("needs ALOFT_VECTORS, the folder of recorded answers")
	}
	b, err := os.ReadFile(filepath.Join(dir, "recorded", "s3.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for name, steps := range recorded {
		t.Run(name, func(t *testing.T) {
			answers, ok := all["s3/"+name]
			if !ok {
				t.Fatal("it was not recorded")
			}
			synctest.Test(t, func(t *testing.T) { replay(t, steps, answers) })
		})
	}
}

func replay(t *testing.T, steps []step, answers map[string]any) {
	p := platformtest.Start(t)
	call(t, p, "CreateBucket", `"Bucket":"bucket"`)
	last := make(map[string]string)
	for _, s := range steps {
		for name, value := range last {
			s.input = strings.ReplaceAll(s.input, "{"+name+"}", value)
		}
		code, got := call(t, p, s.operation, s.input)
		for name, v := range got {
			if text, ok := v.(string); ok {
				last[name] = text
			}
		}
		if s.name == "" {
			if code >= 300 {
				t.Fatalf("%s: %d %v", s.operation, code, got)
			}
			continue
		}
		want, ok := answers[s.name].(map[string]any)
		if !ok {
			t.Fatalf("%s was not recorded", s.name)
		}
		if kind, refused := got["__type"]; refused {
			got = map[string]any{"Error": got}
			e := got["Error"].(map[string]any)
			e["Code"], e["Message"] = kind, e["message"]
			delete(e, "__type")
			delete(e, "message")
			for name := range e { // what is said in headers is not recorded
				if slices.Contains([]string{"DeleteMarker", "LastModified", "Allow"}, name) || name == "VersionId" && e["Code"] == "MethodNotAllowed" || name == "VersionId" && e["Code"] == "NoSuchKey" {
					delete(e, name)
				}
			}
		} else if status := want["ResponseMetadata"].(map[string]any)["HTTPStatusCode"].(float64); status >= 300 {
			t.Errorf("%s was answered, and refused when it was recorded", s.name)
		}
		delete(got, "StatusCode")
		if diff := differ(s.name, want, got); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
	}
}

// masked are members whose values nobody could know, or that say who it was.
var masked = []string{"ETag", "LastModified", "Location", "UploadId", "VersionId", "ID", "Owner", "Initiator", "Bucket", "Name", "SSEKMSKeyId", "BucketName"}

// differ says how got differs from want, as far as that is not masked.
func differ(at string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", at, got)
		}
		for k, v := range g {
			if _, has := w[k]; !has {
				return fmt.Sprintf("%s.%s is %v, and was not recorded", at, k, v)
			}
		}
		for k, v := range w {
			if k == "ResponseMetadata" || k == "Metadata" {
				continue
			}
			if slices.Contains(masked, k) && g[k] != nil {
				continue
			}
			if k == "Body" {
				v = base64.StdEncoding.EncodeToString([]byte(v.(string)))
			}
			if diff := differ(at+"."+k, v, g[k]); diff != "" {
				return diff
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %v, want %v", at, got, want)
		}
		for i := range w {
			if diff := differ(fmt.Sprintf("%s[%d]", at, i), w[i], g[i]); diff != "" {
				return diff
			}
		}
		return ""
	case string:
		if got != nil && strings.Contains(w, "<") {
			return ""
		}
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %v, want %v", at, got, want)
}

// call calls an operation on the bucket, if the members of input name no other.
func call(t *testing.T, p *platform.Platform, operation, input string) (int, map[string]any) {
	t.Helper()
	if !strings.Contains(input, `"Bucket":`) && operation != "ListBuckets" {
		input = strings.TrimSuffix(`"Bucket":"bucket",`+input, ",")
	}
	r := httptest.NewRequest("POST", "http://localhost/", strings.NewReader("{"+input+"}"))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "s3."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	p.Handler.ServeHTTP(w, r)
	got := make(map[string]any)
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil && w.Body.Len() > 0 {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Code, got
}
