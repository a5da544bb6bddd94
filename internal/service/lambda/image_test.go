package lambda

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/api/ecr"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/service"
)

// shelf is Images with one image, called app:v1.
type shelf struct {
	digest string
	parts  map[string][]byte
}

func (s *shelf) put(b []byte) (digest string) {
	sum := sha256.Sum256(b)
	digest = "sha256:" + hex.EncodeToString(sum[:])
	s.parts[digest] = b
	return digest
}

func (s *shelf) Manifest(_ context.Context, _ aws.ARN, reference string) ([]byte, string, error) {
	b, ok := s.parts[reference]
	if !ok {
		return nil, "", ecr.ImageNotFoundException.Errorf("no manifest %s", reference)
	}
	return b, reference, nil
}

func (s *shelf) Layer(_ context.Context, _ aws.ARN, digest string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.parts[digest])), nil
}

func newShelf(t *testing.T) *shelf {
	s := &shelf{parts: make(map[string][]byte)}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	w.WriteHeader(&tar.Header{Name: "app/file", Typeflag: tar.TypeReg, Size: 4, Mode: 0o644})
	io.WriteString(w, "text")
	w.Close()
	config := `{"architecture":"` + runtime.GOARCH + `","config":{"Entrypoint":["/boot"],"Cmd":["main"],"Env":["A=b"],"WorkingDir":"/app"}}`
	manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "config": map[string]any{"digest": s.put([]byte(config))}, "layers": []any{map[string]any{"digest": s.put(layer.Bytes())}}})
	if err != nil {
		t.Fatal(err)
	}
	s.digest = s.put(manifest)
	return s
}

// get stands in for ecr:BatchGetImage.
func (s *shelf) get(_ context.Context, _ *aws.Call, in *ecr.BatchGetImageInput) (*ecr.BatchGetImageOutput, error) {
	id := in.ImageIds[0]
	if in.RepositoryName != "app" || aws.Value(id.ImageTag) != "v1" && aws.Value(id.ImageDigest) != s.digest {
		return &ecr.BatchGetImageOutput{}, nil
	}
	return &ecr.BatchGetImageOutput{Images: []ecr.Image{{ImageId: &ecr.ImageIdentifier{ImageDigest: &s.digest}}}}, nil
}

// A function may be a container image.
func TestImage(t *testing.T) {
	f := newFixture(t)
	s := newShelf(t)
	f.images = s
	f.table.Add(service.Definition{API: ecr.API, Operations: []service.Operation{service.Op(ecr.BatchGetImage, s.get, service.Any)}})
	in := &api.CreateFunctionInput{FunctionName: "img", PackageType: new(api.PackageTypeImage), Role: role, Code: &api.FunctionCode{ImageUri: new("000000000000.dkr.ecr.eu-central-1.amazonaws.com/app:v1")}}
	made := must(f, f.CreateFunction, in)
	sum := strings.TrimPrefix(s.digest, "sha256:")
	equal(t, "hash", *made.CodeSha256, sum)
	equal(t, "package", *made.PackageType, api.PackageTypeImage)
	if made.Runtime != nil || made.Handler != nil || made.ImageConfigResponse != nil {
		t.Errorf("made %+v", made)
	}
	got := must(f, f.GetFunction, &api.GetFunctionInput{FunctionName: "img"})
	equal(t, "place", *got.Code.ResolvedImageUri, "000000000000.dkr.ecr.eu-central-1.amazonaws.com/app@"+s.digest)
	equal(t, "uri", *got.Code.ImageUri, *in.Code.ImageUri)

	run := func() *sandbox.Image {
		t.Helper()
		target, err := f.target(f.ctx, ref{function: mustParse(t, *made.FunctionArn)})
		if err != nil {
			t.Fatal(err)
		}
		return target.versions[0].function.Image
	}
	i := run()
	equal(t, "arguments", strings.Join(append(i.Entrypoint, i.Command...), " "), "/boot main")
	if b, err := os.ReadFile(filepath.Join(i.Dir, "app/file")); string(b) != "text" {
		t.Errorf("file: %q, %v", b, err)
	}
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "img", ImageConfig: &api.ImageConfig{EntryPoint: []string{"/other"}, WorkingDirectory: new("/")}})
	i = run()
	equal(t, "arguments", strings.Join(append(i.Entrypoint, i.Command...), " ")+" in "+i.WorkingDir, "/other in /")
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "img", ImageConfig: &api.ImageConfig{}})
	equal(t, "place", run().WorkingDir, "/app")

	published := must(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "img", CodeSha256: &sum})
	equal(t, "version", *published.Version, "1")
	refuse(f, f.PublishVersion, &api.PublishVersionInput{FunctionName: "img", CodeSha256: new("x")},
		"InvalidParameterValueException: CodeSHA256 (x) is different from current CodeSHA256 in $LATEST ("+sum+"). Please try again with the CodeSHA256 in $LATEST.")
	if _, err := f.sweep(f.ctx); err != nil {
		t.Fatal(err)
	}
	must(f, f.UpdateFunctionCode, &api.UpdateFunctionCodeInput{FunctionName: "img", ImageUri: new("app@" + s.digest)})

	// An image that was deleted runs as long as there is what was unpacked.
	clear(s.parts)
	run()
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(i.Dir), 0o755); err != nil {
		t.Fatal(err)
	}
	must(f, f.UpdateFunctionConfiguration, &api.UpdateFunctionConfigurationInput{FunctionName: "img", Description: new("x")})
	refuse(f, f.Invoke, &api.InvokeInput{FunctionName: "img"},
		"ResourceConflictException: The operation cannot be performed at this time. The function is currently in the following state: Failed. Its image app@"+s.digest+" was deleted.")
	must(f, f.DeleteFunction, &api.DeleteFunctionInput{FunctionName: "img"})

	in.Code.ImageUri = new("app:v2")
	refuse(f, f.CreateFunction, in, "InvalidParameterValueException: Source image app:v2 does not exist. Provide a valid source image.")
	in.Handler = new("x")
	refuse(f, f.CreateFunction, in, "InvalidParameterValueException: Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
}

func mustParse(t *testing.T, text string) aws.ARN {
	t.Helper()
	arn, err := aws.ParseARN(text)
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func TestParseImage(t *testing.T) {
	s := &Service{endpoint: "http://cloud.example:4566"}
	call := &aws.Call{Account: account, Region: "eu-central-1", Host: "10.0.0.1:80"}
	for uri, want := range map[string]string{
		"123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:v1": "us-east-1:123456789012:repository/a/b v1",
		"localhost:4566/a:v1":      "eu-central-1:000000000000:repository/a v1",
		"cloud.example:4566/a":     "eu-central-1:000000000000:repository/a latest",
		"10.0.0.1:80/a":            "eu-central-1:000000000000:repository/a latest",
		"127.0.0.1/a":              "eu-central-1:000000000000:repository/a latest",
		"a/b:v1":                   "eu-central-1:000000000000:repository/a/b v1",
		"docker.io/library/python": "",
		"../x":                     "",
		"A":                        "",
		"":                         "",
	} {
		i, reference, err := s.parseImage(call, uri)
		got := ""
		if err == nil {
			got = i.Repository.Region + ":" + i.Repository.Account + ":" + i.Repository.Resource + " " + reference
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", uri, got, want)
		}
	}
}
