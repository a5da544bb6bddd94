package s3

import (
	"fmt"
	"strconv"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func errNoBucket(name string) error {
	return api.NoSuchBucket.With(&api.NoSuchBucketDetail{BucketName: name}, "The specified bucket does not exist")
}

func errNoKey(key string) error {
	return api.NoSuchKey.With(&api.NoSuchKeyDetail{Key: key}, "The specified key does not exist.")
}

// errDeleted is errNoKey of a key whose latest version is a delete marker.
func errDeleted(key string, marker object) error {
	return api.NoSuchKey.With(&api.NoSuchKeyDetail{Key: key, DeleteMarker: new(true), VersionId: &marker.Version},
		"The specified key does not exist.")
}

func errNoVersion(key, version string) error {
	return api.NoSuchVersion.With(&api.NoSuchVersionDetail{Key: key, VersionId: version}, "The specified version does not exist.")
}

func errMarker(method string, marker object) error {
	return api.MethodNotAllowed.With(&api.MethodNotAllowedDetail{
		Method: method, ResourceType: "DeleteMarker", Allow: new("DELETE"),
		DeleteMarker: new(true), VersionId: &marker.Version, LastModified: &marker.Modified,
	}, "The specified method is not allowed against this resource.")
}

func errNoUpload(id string) error {
	return api.NoSuchUpload.With(&api.NoSuchUploadDetail{UploadId: id},
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func errCondition(name string) error {
	return api.PreconditionFailed.With(&api.PreconditionFailedDetail{Condition: name},
		"At least one of the pre-conditions you specified did not hold")
}

func errMalformed() error {
	return api.MalformedXML.Errorf("The XML you provided was not well-formed or did not validate against our published schema")
}

func errArgument(name, value, message string) error {
	return api.InvalidArgument.With(&api.InvalidArgumentDetail{ArgumentName: &name, ArgumentValue: &value}, message)
}

func errRange(requested string, size int64) error {
	return api.InvalidRange.With(&api.InvalidRangeDetail{ActualObjectSize: strconv.FormatInt(size, 10), RangeRequested: requested},
		"The requested range is not satisfiable")
}

// errHeader refuses a header that asks for what S3 does not do, here or at AWS.
func errHeader(name, more string) error {
	d := &api.NotImplementedDetail{Header: name}
	if more != "" {
		d.AdditionalMessage = &more
	}
	return api.NotImplemented.With(d, "A header you provided implies functionality that is not implemented")
}

// errLacking refuses a feature by name that AWS has and we have not.
func errLacking(what string) error {
	return aws.NotImplemented.Errorf("Aloft does not do %s yet.", what)
}

// checkOwner refuses a bucket that is not of the account expected.
func checkOwner(b bucket, expected *string) error {
	switch {
	case expected == nil:
		return nil
	case !isAccount(*expected):
		return api.InvalidBucketOwnerAWSAccountID.Errorf("The value of the expected bucket owner parameter must be an AWS Account ID... [%s]", *expected)
	case *expected != b.Owner:
		return api.AccessDenied.Errorf("Access Denied")
	}
	return nil
}

func isAccount(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 12
}

// checkKey refuses keys that are longer than S3 takes.
func checkKey(key string) error {
	const most = 1024
	if len(key) <= most {
		return nil
	}
	return api.KeyTooLongError.With(&api.KeyTooLongErrorDetail{MaxSizeAllowed: fmt.Sprint(most), Size: fmt.Sprint(len(key))}, "Your key is too long")
}
