package protocol

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

func TestRoutes(t *testing.T) {
	f := func(svc *smithy.Service, request, want string, headers ...string) {
		t.Helper()
		method, uri, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, uri, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		x, err := New(svc).Match(r, nil)
		got := ""
		if err == nil {
			got = x.Op.Name
			for _, l := range x.labels {
				got += " " + l.name + "=" + l.value
			}
		} else {
			got = err.Error()[:strings.Index(err.Error(), ":")]
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	f(s3.API, "GET /", "ListBuckets")
	f(s3.API, "GET /?x-id=ListBuckets", "ListBuckets")
	f(s3.API, "GET /b", "ListObjects Bucket=b")
	f(s3.API, "GET /b/", "ListObjects Bucket=b")
	f(s3.API, "GET /b?list-type=2&prefix=x", "ListObjectsV2 Bucket=b")
	f(s3.API, "GET /b?location", "GetBucketLocation Bucket=b")
	f(s3.API, "GET /b?analytics", "ListBucketAnalyticsConfigurations Bucket=b")
	f(s3.API, "GET /b?analytics&id=1", "GetBucketAnalyticsConfiguration Bucket=b")
	f(s3.API, "GET /b?versions&versions=", "ListObjectVersions Bucket=b")
	f(s3.API, "PUT /b/a//b%2Fc%20d+e/", "PutObject Bucket=b Key=a//b/c d+e/")
	f(s3.API, "PUT /b//", "PutObject Bucket=b Key=/")
	f(s3.API, "PUT /b/../x/./y", "PutObject Bucket=b Key=../x/./y")
	f(s3.API, "PUT /b/k", "CopyObject Bucket=b Key=k", "X-Amz-Copy-Source", "a/b")
	f(s3.API, "PUT /b/k?partNumber=1&uploadId=u", "UploadPart Bucket=b Key=k")
	f(s3.API, "PUT /b/k?partNumber=1&uploadId=u", "UploadPartCopy Bucket=b Key=k", "X-Amz-Copy-Source", "a/b")
	f(s3.API, "PUT /b/k?tagging", "PutObjectTagging Bucket=b Key=k")
	f(s3.API, "GET /b/k?uploadId=u", "ListParts Bucket=b Key=k")
	f(s3.API, "GET /b/k?acl", "GetObjectAcl Bucket=b Key=k")
	f(s3.API, "GET /b/k?attributes", "GetObjectAttributes Bucket=b Key=k")
	f(s3.API, "POST /b/k?uploads", "CreateMultipartUpload Bucket=b Key=k")
	f(s3.API, "POST /b/k?uploadId=u", "CompleteMultipartUpload Bucket=b Key=k")
	f(s3.API, "POST /b/k?select&select-type=2", "SelectObjectContent Bucket=b Key=k")
	f(s3.API, "DELETE /b/k", "DeleteObject Bucket=b Key=k")
	f(s3.API, "DELETE /b/k?uploadId=u", "AbortMultipartUpload Bucket=b Key=k")
	f(s3.API, "POST /b?delete", "DeleteObjects Bucket=b")
	f(s3.API, "POST /b", "PreconditionFailed")
	f(s3.API, "PATCH /b", "MethodNotAllowed")
	f(lambda.API, "POST /2015-03-31/functions", "CreateFunction")
	f(lambda.API, "POST /2015-03-31/functions/", "CreateFunction")
	f(lambda.API, "POST /2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:f/invocations", "Invoke FunctionName=arn:aws:lambda:eu-west-1:1:function:f")
	f(lambda.API, "GET /2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af", "ListTags Resource=arn:aws:lambda:eu-west-1:1:function:f")
	f(lambda.API, "GET /2018-10-31/layers?find=LayerVersion&Arn=a", "GetLayerVersionByArn")
	f(lambda.API, "GET /2018-10-31/layers?find=Other", "ListLayers")
	f(lambda.API, "GET /2019-09-30/functions/f/provisioned-concurrency?List=ALL", "ListProvisionedConcurrencyConfigs FunctionName=f")
	f(lambda.API, "GET /2015-03-31/functions/f/nothing", "UnknownOperationException")
	f(lambda.API, "PATCH /2015-03-31/functions/f", "MethodNotAllowed")
	f(apigatewayv2.API, "GET /v2/apis/a/routes/r", "GetRoute apiId=a routeId=r")
	f(apigatewayv2.API, "GET /v2/apis//routes", "UnknownOperationException")
}
