package pack_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/deploy/serverless"
	"github.com/aloft-cloud/aloft/internal/pack"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

// shelf is a registry that remembers what is pushed.
type shelf map[string]string // digests by repository and tag

func (s shelf) Push(_ context.Context, archive, repository string, tag func(digest string) string) (pack.Pushed, error) {
	a, err := image.OpenArchive(archive)
	if err != nil {
		return pack.Pushed{}, err
	}
	defer a.Close()
	digest, err := a.Manifest("")
	if err != nil {
		return pack.Pushed{}, err
	}
	lock.Lock()
	defer lock.Unlock()
	s[repository+":"+tag(digest)] = digest
	return pack.Pushed{Repository: "registry.test/" + repository, Tag: tag(digest), Digest: digest}, nil
}

const imageTemplate = `Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {PackageType: Image}
Resources:
  One:
    Type: AWS::Serverless::Function
    Properties: {}
    Metadata: {DockerContext: ./app, DockerTag: "v 1", DockerBuildArgs: {WHO: me}}
  Two:
    Type: AWS::Lambda::Function
    Properties: {PackageType: Image, Code: {ImageUri: x}}
    Metadata: {DockerContext: app, Dockerfile: other.Dockerfile}
  Three:
    Type: AWS::Serverless::Function
    Properties: {ImageUri: !Ref Where}
`

// Images of functions are built where the template says of what.
func TestImages(t *testing.T) {
	t.Setenv("PATH", "/nowhere") // nor is there a Docker
	dir := files(t, map[string]string{
		"template.yaml": imageTemplate, "app/app.py": "x", "app/Dockerfile": "FROM public.ecr.aws/lambda/provided:al2\nARG WHO\nENV WHO=$WHO\nCOPY app.py .\nCMD app.x\n",
		"app/other.Dockerfile": "FROM public.ecr.aws/lambda/provided:al2\nCOPY . .\n",
	})
	s := make(shelf)
	p := pack.Packer{Uploader: make(bucket), Images: s, Cache: t.TempDir()}
	out, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var one, two string
	for name, digest := range s {
		switch {
		case strings.HasPrefix(name, "aloft-artifacts:one-"+digest[7:19]) && strings.HasSuffix(name, "-v-1"):
			one = "ImageUri: 'registry.test/" + name + "'"
		case name == "aloft-artifacts:two-"+digest[7:19]:
			two = "ImageUri: 'registry.test/" + name + "'"
		}
	}
	if len(s) != 2 || one == "" || two == "" || !strings.Contains(string(out), one) || !strings.Contains(string(out), two) || !strings.Contains(string(out), "ImageUri: !Ref Where") {
		t.Errorf("%v in\n%s", s, out)
	}
	if again, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml")); err != nil || string(again) != string(out) {
		t.Errorf("the second time it is %v\n%s", err, again)
	}
	if err := os.WriteFile(filepath.Join(dir, "app/Dockerfile"), []byte("FROM x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml")); err == nil || !strings.Contains(err.Error(), "template.yaml:8: One: "+dir+"/app/Dockerfile:1: ") {
		t.Errorf("a wrong Dockerfile: %v", err)
	}
}

// What is only looked at has an image if one would be built.
func TestAssumeImages(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	dir := files(t, map[string]string{"good/Dockerfile": "FROM public.ecr.aws/lambda/provided:al2\nCMD x\n", "bad/Dockerfile": "\nFROM nginx\n"})
	function := func(context string) map[string]any {
		return map[string]any{"Type": "AWS::Serverless::Function", "Properties": map[string]any{"PackageType": "Image"}, "Metadata": map[string]any{"DockerContext": context}}
	}
	resources := map[string]any{"Bad": function("bad"), "Good": function("good"), "None": function("none")}
	missing := pack.Assume(t.Context(), map[string]any{"Resources": resources}, dir)
	if len(missing) != 2 || !strings.Contains(missing[0].String(), "bad/Dockerfile:2: Aloft builds without Docker") || !strings.Contains(missing[1].String(), "none/Dockerfile: no such file") {
		t.Errorf("missing are %v", missing)
	}
	if uri, _ := resources["Good"].(map[string]any)["Properties"].(map[string]any)["ImageUri"].(string); uri == "" {
		t.Error("a function that would have an image has none")
	}
}

// Where there is a Docker, it builds them.
func TestDocker(t *testing.T) {
	bin := files(t, map[string]string{"docker": `#!/bin/sh
echo "$@" >>"$(dirname "$0")/said"
case "$1" in
info) ;;
build) ;;
save) cp "$(dirname "$0")/image.tar" "$3" ;;
*) exit 1 ;;
esac
`})
	if err := os.Chmod(filepath.Join(bin, "docker"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := files(t, map[string]string{"template.yaml": imageTemplate, "app/Dockerfile": "FROM anything\n", "app/other.Dockerfile": "FROM anything\n"})
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	p := pack.Packer{Uploader: make(bucket), Images: make(shelf), Cache: t.TempDir()}
	if _, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml")); err == nil || !strings.Contains(err.Error(), "/docker save: exit status") {
		t.Fatal(err)
	}
	said, err := os.ReadFile(filepath.Join(bin, "said"))
	if err != nil || !strings.Contains(string(said), "-f "+dir+"/app/Dockerfile --build-arg WHO=me "+dir+"/app\n") {
		t.Errorf("docker was told %s, %v", said, err)
	}
}

// A service of the Serverless Framework has a repository of its own.
func TestServiceImages(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	dir := files(t, map[string]string{"serverless.yml": `service: s
provider:
  name: aws
  ecr:
    images:
      app: {path: ./app, file: D, buildArgs: {A: 1}}
      unused: {path: ./none}
functions:
  one: {image: app}
  two:
    image: {name: app, command: [x.y]}
`, "app/D": "FROM public.ecr.aws/lambda/nodejs:20\nARG A\nCMD [\"app.x\"]\n"})
	s, err := pack.LoadService(t.Context(), filepath.Join(dir, "serverless.yml"), serverless.Config{Getenv: os.LookupEnv})
	if err != nil {
		t.Fatal(err)
	}
	pushed := make(shelf)
	template, err := (&pack.Packer{Uploader: make(bucket), Images: pushed}).PackService(t.Context(), dir, s)
	if err != nil && strings.Contains(err.Error(), "not installed") {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if uri := `"Code":{"ImageUri":"registry.test/serverless-s-dev@` + pushed["serverless-s-dev:app"] + `"}`; strings.Count(string(template), uri) != 2 {
		t.Errorf("%s is not twice in %s", uri, template)
	}
}
