package pack_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aloft-cloud/aloft/internal/pack"
)

// bucket keeps what is uploaded.
type bucket map[string][]byte

func (b bucket) Upload(_ context.Context, name string, content func() ([]byte, error)) (string, string, error) {
	text, err := content()
	lock.Lock()
	defer lock.Unlock()
	b[name] = text
	return "artifacts", name, err
}

var lock sync.Mutex // of buckets

// files writes an application into a directory of its own.
func files(t *testing.T, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func packed(t *testing.T, dir string) (string, bucket) {
	t.Helper()
	file, err := pack.FindTemplate(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := make(bucket)
	p := pack.Packer{Uploader: b}
	out, err := p.Pack(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), b
}

func TestPack(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yaml": `
Resources:
  A: # stays
    Type: AWS::Serverless::Function
    Properties: {CodeUri: , CodeUri: src/, Handler: index.handler, Runtime: nodejs22.x}
  B:
    Type: AWS::Lambda::Function
    Properties:
      Code: src
      Role: !GetAtt Role.Arn
  C:
    Type: AWS::Lambda::Function
    Properties: {Code: {ZipFile: "x"}}
`,
		"src/index.js":         "exports.handler = async () => 1",
		"src/.git/HEAD":        "not code",
		"src/lib/deep/note.js": "1",
	})
	out, b := packed(t, dir)
	if len(b) != 1 {
		t.Fatalf("%d archives, want one that A and B share", len(b))
	}
	for name, archive := range b {
		for _, want := range []string{"Bucket: artifacts", "Key: " + name, "S3Bucket: artifacts", "S3Key: " + name, "!GetAtt Role.Arn", "ZipFile"} {
			if !strings.Contains(out, want) {
				t.Errorf("the template has no %q:\n%s", want, out)
			}
		}
		if got := names(t, archive); got != "index.js lib/deep/note.js" {
			t.Errorf("archive holds %q", got)
		}
	}
	_, again := packed(t, dir)
	for name := range again {
		if b[name] == nil {
			t.Error("the same code made another archive")
		}
	}
}

func names(t *testing.T, archive []byte) string {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range r.File {
		all = append(all, f.Name)
		c, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
	}
	return strings.Join(all, " ")
}

func TestGlobalCode(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yml": "Globals: {Function: {CodeUri: ., Runtime: python3.12}}\nResources: {F: {Type: 'AWS::Serverless::Function', Properties: {Handler: app.run}}}",
		"app.py":       "def run(event, context): pass",
	})
	out, b := packed(t, dir)
	if len(b) != 1 || !strings.Contains(out, "Key:") {
		t.Errorf("%d archives of:\n%s", len(b), out)
	}
}

func TestLinkOut(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yaml": "Resources: {F: {Type: 'AWS::Lambda::Function', Properties: {Code: src}}}",
		"src/a":         "",
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "src", "b")); err != nil {
		t.Fatal(err)
	}
	p := pack.Packer{Uploader: make(bucket)}
	_, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml"))
	if err == nil || !strings.Contains(err.Error(), "outside the code") {
		t.Errorf("Pack of a link out of the code: %v", err)
	}
}

func TestFindTemplate(t *testing.T) {
	dir := files(t, map[string]string{"serverless.yml": "", "template.yaml": "", "cdk.json": ""})
	for _, want := range []string{"serverless.yml", "template.yaml"} {
		file, err := pack.FindTemplate(dir)
		if err != nil || filepath.Base(file) != want {
			t.Errorf("FindTemplate = %s, %v, want %s", file, err, want)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pack.FindTemplate(dir); err == nil || !strings.Contains(err.Error(), "cdk.json") {
		t.Errorf("FindTemplate = %v, want a word of cdk.json", err)
	}
}

func TestNested(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yaml": `
Resources:
  Inner: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner/template.yaml}}
  Api:
    Type: AWS::Serverless::Api
    Properties: {StageName: a, DefinitionUri: api.json}
  Body:
    Type: AWS::Serverless::Api
    Properties: {StageName: a, DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: api.json}}}}
`,
		"api.json":            "{}",
		"inner/template.yaml": "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: src}}}",
		"inner/src/a.js":      "x",
	})
	out, b := packed(t, dir)
	if len(b) != 3 {
		t.Errorf("%d things were uploaded, want code, a template and a definition", len(b))
	}
	for _, want := range []string{"TemplateURL: 'https://s3.amazonaws.com/artifacts/", "Location: 's3://artifacts/", "Bucket: artifacts"} {
		if !strings.Contains(out, want) {
			t.Errorf("the template has no %q:\n%s", want, out)
		}
	}
}

func TestBundle(t *testing.T) {
	dir := files(t, map[string]string{
		"template.yaml": `
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: app.handler, Runtime: nodejs22.x}
    Metadata:
      BuildMethod: esbuild
      BuildProperties: {Minify: true, Target: es2020, EntryPoints: [app.ts], External: ["@aws-sdk/*"]}
  Bad:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: src/, Handler: app.handler, Runtime: nodejs22.x}
    Metadata: {BuildMethod: esbuild, BuildProperties: {EntryPoints: [app.ts], Nope: 1}}
`,
		"src/app.ts":     `import { two } from "./lib/two"; export const handler = async (): Promise<number> => two;`,
		"src/lib/two.ts": `export const two: number = 2;`,
	})
	p := pack.Packer{Uploader: make(bucket)}
	_, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml"))
	if err == nil || !strings.Contains(err.Error(), "template.yaml:11: Bad: Metadata.BuildProperties: Nope is not supported") {
		t.Errorf("Pack with an option there is not: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	whole, _, _ := strings.Cut(string(text), "  Bad:")
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
	_, b := packed(t, dir)
	for _, archive := range b {
		if got := names(t, archive); got != "app.js" {
			t.Errorf("the bundle holds %q", got)
		}
	}
}
