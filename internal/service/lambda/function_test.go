package lambda

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
)

func TestLifecycle(t *testing.T) {
	f := newFixture(t)
	in := f.function("fn", "echo")
	in.Environment = &api.Environment{Variables: map[string]string{}}
	made := must(f, f.CreateFunction, in)
	equal(t, "state", *made.State+" "+*made.StateReasonCode, "Pending Creating")
	equal(t, "update", made.LastUpdateStatus, nil)
	equal(t, "ARN", *made.FunctionArn, prefix+"function:fn")
	refuse(f, f.CreateFunction, f.function("fn", "echo"), "ResourceConflictException: Function already exist: fn")

	f.activateAll(f.ctx)
	got := must(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn"})
	c := got.Configuration
	equal(t, "state", *c.State+" "+*c.LastUpdateStatus, "Active Successful")
	equal(t, "same revision", *c.RevisionId == *made.RevisionId, false)
	equal(t, "usual settings", fmt.Sprintln(*c.Timeout, *c.MemorySize, c.EphemeralStorage.Size, c.Architectures, *c.TracingConfig.Mode, *c.LoggingConfig.LogFormat, *c.LoggingConfig.LogGroup, *c.Version, c.Environment.Variables),
		"3 128 512 [x86_64] PassThrough Text /aws/lambda/fn $LATEST map[]\n")
	equal(t, "size", *c.CodeSize, int64(len(zipOf("index.js", "fn"))))

	up := must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: prefix + "function:fn", MemorySize: new(int32(256)), Description: new("d")})
	equal(t, "update", *up.LastUpdateStatus+" "+*up.LastUpdateStatusReasonCode+" "+*up.State, "InProgress Creating Active")
	code := must(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "fn", ZipFile: zipOf("a", "b")})
	equal(t, "same code", *code.CodeSha256 == *c.CodeSha256, false)
	equal(t, "memory", *code.MemorySize, 256)
	refuse(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "fn", ZipFile: zipOf("a", "b"), RevisionId: c.RevisionId},
		"PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")

	must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn"})
	const gone = "ResourceNotFoundException: Function not found: " + prefix + "function:fn"
	refuse(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn"}, gone)
	refuse(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn"}, gone)
	refuse(f, f.GetFunctionConfiguration, &api.GetFunctionConfigurationInput{FunctionName: "fn", Qualifier: new("$LATEST")}, gone+":$LATEST")
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "fn"}, gone+":$LATEST")
	f.checkCodes(0)
}

// checkCodes checks how many zip files are kept.
func (f *fixture) checkCodes(want int64) {
	f.t.Helper()
	out := must(f, f.GetAccountSettings, &api.GetAccountSettingsInput{})
	if got := *out.AccountUsage.TotalCodeSize; (got == 0) != (want == 0) {
		f.t.Errorf("%d bytes of code", got)
	}
	f.sweep(f.ctx)
	dirs, err := os.ReadDir(f.unpacked.own)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range dirs {
		os.Chtimes(f.unpacked.own+"/"+d.Name(), time.Time{}, time.Now().Add(-2*unusedFor))
	}
	f.sweep(f.ctx)
	if dirs, err = os.ReadDir(f.unpacked.own); int64(len(dirs)) != want || err != nil {
		f.t.Errorf("%d directories with code, want %d: %v", len(dirs), want, err)
	}
}

func TestNames(t *testing.T) {
	f := newFixture(t)
	f.create("fn", "echo")
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "fn"})
	for _, name := range []string{"fn", "function:fn", account + ":function:fn", account + ":fn", prefix + "function:fn"} {
		for qualifier, want := range map[string]string{"": "function:fn", "$LATEST": "function:fn:$LATEST", "1": "function:fn:1"} {
			in := &api.GetFunctionConfigurationInput{FunctionName: name}
			if qualifier != "" {
				in.FunctionName += ":" + qualifier
			}
			equal(t, in.FunctionName, *must(f, f.GetFunctionConfiguration, in).FunctionArn, prefix+want)
			if qualifier != "" {
				in = &api.GetFunctionConfigurationInput{FunctionName: name, Qualifier: &qualifier}
				equal(t, name, *must(f, f.GetFunctionConfiguration, in).FunctionArn, prefix+want)
			}
		}
	}
	refuse(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn:1", Qualifier: new("2")},
		"InvalidParameterValueException: The derived qualifier from the function name does not match the specified qualifier.")
	refuse(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "arn:aws:lambda:ap-southeast-1:000000000000:function:fn"},
		"ResourceNotFoundException: Functions from 'ap-southeast-1' are not reachable in this region ('eu-central-1')")
	refuse(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn", Qualifier: new("1221")}, "ResourceNotFoundException: Function not found: "+prefix+"function:fn:1221")
	refuse(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn", Qualifier: new("none")}, "ResourceNotFoundException: Function not found: "+prefix+"function:fn:none")
	refuse(f, f.CreateFunction, f.function(strings.Repeat("a", 65), "echo"),
		"InvalidParameterValueException: 1 validation error detected: Value '"+strings.Repeat("a", 65)+"' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64")
	refuse(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "fn:1"},
		"InvalidParameterValueException: This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"fn", prefix + "function:fn:1", "arn:::::", ":", "function:", "arn:aws:lambda:x"} {
		f.Add(s, "q")
	}
	call := &aws.Call{Account: account, Region: "eu-central-1"}
	f.Fuzz(func(t *testing.T, text, qualifier string) {
		r := guess(call, text, qualifier)
		if r.function.Service != "lambda" || !strings.HasPrefix(r.arn().Resource, functionKind) {
			t.Errorf("guess(%q, %q) = %v", text, qualifier, r)
		}
		parseName(call, text, &qualifier)
	})
}

func TestRefused(t *testing.T) {
	f := newFixture(t)
	try := func(want string, change func(*api.CreateFunctionInput)) {
		t.Helper()
		in := f.function("fn", "echo")
		change(in)
		refuse(f, f.CreateFunction, in, want)
	}
	const bad = "InvalidParameterValueException: "
	try(bad+"Runtime and Handler are mandatory parameters for functions created with deployment packages.", func(in *api.CreateFunctionInput) { in.Handler = nil })
	try(bad+"The role defined for the function cannot be assumed by Lambda.", func(in *api.CreateFunctionInput) { in.Role += "/stranger" })
	try(bad+"Could not unzip uploaded file. Please check your file, then try to upload again.", func(in *api.CreateFunctionInput) { in.Code.ZipFile = []byte("no zip") })
	try(bad+"Could not unzip uploaded file. Please check your file, then try to upload again.", func(in *api.CreateFunctionInput) { in.Code.ZipFile = zipOf("../evil", "x") })
	try(bad+"Uploaded file must be a non-empty zip", func(in *api.CreateFunctionInput) { in.Code.ZipFile = zipOf() })
	try(bad+"Please provide a source for function code.", func(in *api.CreateFunctionInput) { in.Code.ZipFile = nil })
	try(bad+"Unzipped size must be smaller than 262144000 bytes", func(in *api.CreateFunctionInput) { in.Code.ZipFile = bomb(t) })
	try("RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes", func(in *api.CreateFunctionInput) { in.Code.ZipFile = make([]byte, maxZipped+1) })
	try(bad+"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist", func(in *api.CreateFunctionInput) {
		in.Code = &api.FunctionCode{S3Bucket: new("none"), S3Key: new("k")}
	})
	try(bad+"Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.", func(in *api.CreateFunctionInput) {
		in.Code = &api.FunctionCode{S3Bucket: new("code"), S3Key: new("k")}
	})
	try(bad+`Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"V":"`+strings.Repeat("x", 4090)+`"}`,
		func(in *api.CreateFunctionInput) {
			in.Environment = &api.Environment{Variables: map[string]string{"V": strings.Repeat("x", 4090)}}
		})
	try(bad+"Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION",
		func(in *api.CreateFunctionInput) {
			in.Environment = &api.Environment{Variables: map[string]string{"AWS_REGION": "x", "OK": "y"}}
		})
	try("ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900", func(in *api.CreateFunctionInput) { in.Timeout = new(int32(901)) })
	try(bad+"Please don't provide ImageUri when creating a function with packageType Zip.", func(in *api.CreateFunctionInput) { in.Code.ImageUri = new("x") })
	try("NotImplemented: Aloft does not answer lambda:CreateFunction with the file system arn:aws:elasticfilesystem:eu-central-1:000000000000:access-point/fsap-1 yet.", func(in *api.CreateFunctionInput) {
		in.FileSystemConfigs = []api.FileSystemConfig{{Arn: "arn:aws:elasticfilesystem:eu-central-1:000000000000:access-point/fsap-1", LocalMountPath: "/mnt/x"}}
	})
	try(bad+"Layer version "+prefix+"layer:l:1 does not exist.", func(in *api.CreateFunctionInput) { in.Layers = []string{prefix + "layer:l:1"} })
	f.checkCodes(0)
}

// bomb is a small zip file that unpacks to too much.
func bomb(t *testing.T) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxUnpacked>>20 + 1 {
		f.Write(zeros)
	}
	w.Close()
	return b.Bytes()
}

// The code of a function can be downloaded, for a while.
func TestDownload(t *testing.T) {
	f := newFixture(t)
	in := f.function("fn", "echo")
	in.Code = &api.FunctionCode{S3Bucket: new("code"), S3Key: new("fn.zip")}
	must(f, f.CreateFunction, in)
	location := *must(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "fn"}).Code.Location
	get := func(url string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		f.serveCode(w, httptest.NewRequest(http.MethodGet, url, nil), nil, "code")
		return w
	}
	if !strings.HasPrefix(location, "http://code.lambda-code.localhost:4566/?") {
		t.Errorf("location %s", location)
	}
	w := get(location)
	if body, _ := io.ReadAll(w.Body); w.Code != 200 || !bytes.Equal(body, zipOf("index.js", "from s3")) {
		t.Errorf("status %d, %d bytes", w.Code, len(body))
	}
	equal(t, "other code", get(strings.Replace(location, "code%3A", "code%3AX", 1)).Code, 403)
	equal(t, "later", get(strings.Replace(location, "expires=1", "expires=2", 1)).Code, 403)
	must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "fn"})
	equal(t, "deleted", get(location).Code, 404)
}

func TestListFunctions(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"c", "a", "b"} {
		f.create(name, "echo")
	}
	must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "b"})
	list := func(all *string, limit int32) (found []string) {
		in := &api.ListFunctionsInput{FunctionVersion: all, MaxItems: &limit}
		for {
			out := must(f, f.ListFunctions, in)
			for _, c := range out.Functions {
				found = append(found, strings.TrimPrefix(*c.FunctionArn, prefix+"function:"))
			}
			if out.NextMarker == nil {
				return found
			}
			in.Marker = out.NextMarker
		}
	}
	for _, limit := range []int32{1, 2, 50} {
		equal(t, "functions", strings.Join(list(nil, limit), " "), "a b c")
		equal(t, "versions", strings.Join(list(new("ALL"), limit), " "), "a:$LATEST b:$LATEST b:1 c:$LATEST")
	}
}

// What making a function takes is asked for.
func TestPermissionsAsked(t *testing.T) {
	f := newFixture(t)
	must(f, f.PublishLayerVersion, &api.PublishLayerVersionInput{LayerName: "l", Content: &api.LayerVersionContentInput{ZipFile: zipOf("x", "y")}})
	in := f.function("fn", "echo")
	in.Layers, in.Tags = []string{prefix + "layer:l:1"}, map[string]string{"a": "b"}
	var asked []string
	check := func(a service.Access) error {
		asked = append(asked, a.Action+" "+a.Resource.String())
		return nil
	}
	if err := f.mayCreate(f.call, in, check); err != nil {
		t.Fatal(err)
	}
	want := []string{"lambda:CreateFunction " + prefix + "function:fn", "lambda:TagResource " + prefix + "function:fn", "iam:PassRole " + role, "lambda:GetLayerVersion " + prefix + "layer:l:1"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	asked = nil
	mayInvoke(f.call, &api.InvokeInput{FunctionName: "fn:prod"}, check)
	equal(t, "invoke", asked[0], "lambda:InvokeFunction "+prefix+"function:fn:prod")
}
