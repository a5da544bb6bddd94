package cli

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An image is built, named and pushed as the CDK asks for it.
func TestDocker(t *testing.T) {
	clearEnv(t)
	t.Setenv("PATH", "/nowhere") // where no Docker is
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", "")
	var seen []string
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "))
		if string(auth) != "AWS:secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.Method {
		case http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case http.MethodPut:
			seen = append(seen, r.URL.Path)
			fallthrough
		default:
			w.WriteHeader(http.StatusCreated)
		}
	}))
	defer registry.Close()
	host := strings.TrimPrefix(registry.URL, "http://")
	dir := t.TempDir()
	for name, text := range map[string]string{"Other": "FROM public.ecr.aws/lambda/provided:al2023\nARG A\nARG B\nCOPY file-$A .\n", "file-1": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	do := func(want string, args ...string) {
		t.Helper()
		out, err := run(t, append([]string{"docker"}, args...)...)
		if err != nil {
			out += err.Error()
		}
		if !strings.Contains(out, want) {
			t.Errorf("docker %s: %q, want %q", strings.Join(args, " "), out, want)
		}
	}
	do("No such object: asset", "inspect", "asset")
	do("build", "build", "--tag", "asset", "--build-arg", "A=1", "--file", filepath.Join(dir, "Other"), "--platform", "linux/amd64", "--output=type=docker", dir)
	do("asset", "inspect", "asset:latest")
	do("", "tag", "asset", host+"/assets/app:v1")
	do("no basic auth credentials for "+host, "push", host+"/assets/app:v1")
	do("Login Succeeded", "login", "--username", "AWS", "-p", "secret", host)
	do("v1: digest: sha256:", "push", host+"/assets/app:v1")
	if len(seen) != 1 || seen[0] != "/v2/assets/app/manifests/v1" {
		t.Errorf("the registry has %v", seen)
	}
	do("Login Succeeded", "login", "--username", "AWS", "-p", "secret", "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
	do("", "tag", "asset", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1")
	do("is no registry of the Aloft at", "push", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1")
	do("", "rmi", "asset")
	do("No such object: asset", "tag", "asset", "x")
	do("does not know `docker build --secret`", "build", "--secret", "id=x", dir)
	do("does not do `docker run`", "run", "x")
	do("it needs 1 arguments", "push")
}
