package sdk_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// copyModules copies packages of Node.js, and all that they need, to a folder.
func copyModules(t *testing.T, to string, names ...string) {
	t.Helper()
	from := client(t, "node_modules")
	done := make(map[string]bool)
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		dir := filepath.Join(from, name)
		if _, err := os.Stat(dir); done[name] || errors.Is(err, fs.ErrNotExist) {
			continue // it is there already, or within the package that needs it
		}
		done[name] = true
		check(t, os.CopyFS(filepath.Join(to, name), os.DirFS(dir)))
		own, err := filepath.Glob(filepath.Join(dir, "node_modules/*/package.json"))
		check(t, err)
		for _, file := range append(own, filepath.Join(dir, "package.json")) {
			var of struct{ Dependencies map[string]string }
			text, err := os.ReadFile(file)
			check(t, err)
			check(t, json.Unmarshal(text, &of))
			for name := range of.Dependencies {
				names = append(names, name)
			}
		}
	}
}

// deploy deploys the application in a folder, as a user would, and returns its outputs.
func deploy(t *testing.T, a *aloft, dir string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), a.bin, "deploy", dir, "--json")
	cmd.Env = a.clientEnv()
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("deploy: %v\n%s%s", err, out, &log)
	}
	var done struct{ Outputs map[string]string }
	check(t, json.Unmarshal(out, &done))
	return done.Outputs
}

// An appAnswer is what the applications in the folder apps say of a request.
type appAnswer struct {
	Kind, Path, Cookie, Multi, Body string
	Q                               []string
}

// TestApps deploys applications of five frameworks with their own packages
// behind their usual adapters, and asks them by both kinds of API.
func TestApps(t *testing.T) {
	python := client(t, "python/bin/python")
	client(t, "node_modules/@fastify/aws-lambda")
	client(t, "python/bin/flask")
	dir := filepath.Join(t.TempDir(), "apps")
	check(t, os.CopyFS(dir, os.DirFS("apps")))
	copyModules(t, filepath.Join(dir, "node/node_modules"), "express", "serverless-http", "fastify", "@fastify/aws-lambda", "koa")
	a := start(t, t.TempDir())
	runClient(t, a, python, filepath.Join(dir, "python/bundle.py"), filepath.Join(dir, "python"), "flask", "apig-wsgi", "fastapi", "mangum")
	outputs := deploy(t, a, dir)
	for _, kind := range []string{"express", "fastify", "koa", "flask", "fastapi"} {
		for _, api := range []struct{ name, host, stage string }{
			{"Rest", outputs["Rest"] + ".execute-api.localhost", "/dev"},
			{"Http", outputs["Http"] + ".execute-api.localhost", ""},
		} {
			t.Run(kind+api.name, func(t *testing.T) {
				x := &appClient{t, a, api.host, api.stage + "/" + kind, kind, "one,two"}
				if api.name == "Rest" && (kind == "express" || kind == "koa") {
					x.multi = "two" // serverless-http looks at single values
				}
				x.echo("GET", "/echo/plain?q=1&q=2&q=a%20b&q=c%2Bd&q=e+f", nil, "plain", "1", "2", "a b", "c+d", "e f")
				x.echo("POST", "/echo/body", []byte(`{"text":"grün"}`), "body")
				x.echo("PUT", "/echo/bytes", []byte{0, 1, 0xfe, 0xff}, "bytes")
				x.echo("GET", "/echo/a%20b/c+d", nil, "a b/c+d")
				if kind+api.name != "flaskHttp" { // apig-wsgi does not expect paths to be decoded, as HTTP APIs have them
					x.echo("GET", "/echo/gr%C3%BCn", nil, "grün")
				}
				x.echo("GET", "/echo/a%2Fb", nil, "a/b")
				x.picture()
				x.refused("/none", http.StatusNotFound)
				x.refused("/fail", http.StatusInternalServerError)
			})
		}
	}
}

// An appClient asks one application by one API.
type appClient struct {
	*testing.T
	a          *aloft
	host, base string
	kind       string
	multi      string // what it sees of a header that came twice
}

func (x *appClient) ask(method, path string, body []byte) (*http.Response, []byte) {
	x.Helper()
	r, err := http.NewRequestWithContext(x.Context(), method, x.a.url+x.base+path, bytes.NewReader(body))
	check(x.T, err)
	r.Host = x.host
	r.Header["X-Multi"] = []string{"one", "two"}
	r.Header.Set("Cookie", "c=3; d=4")
	r.Header.Set("Accept", "*/*")
	if body != nil {
		r.Header.Set("Content-Type", "application/octet-stream")
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	check(x.T, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(x.T, err)
	return answer, text
}

// echo has the application say what it was asked, with that below /echo/ and
// these values of q.
func (x *appClient) echo(method, path string, body []byte, below string, q ...string) {
	x.Helper()
	answer, text := x.ask(method, path, body)
	var got appAnswer
	if err := json.Unmarshal(text, &got); err != nil || answer.StatusCode != http.StatusOK {
		x.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
		return
	}
	want := "/" + x.kind + "/echo/" + below
	if got.Kind != x.kind || decodedPath(got.Path) != want {
		x.Errorf("%s %s: path %s, want %s", method, path, got.Path, want)
	}
	if !slices.Equal(got.Q, q) && len(got.Q)+len(q) > 0 {
		x.Errorf("%s %s: q %q, want %q", method, path, got.Q, q)
	}
	if got.Body != hex.EncodeToString(body) {
		x.Errorf("%s %s: body %s, want %x", method, path, got.Body, body)
	}
	if strings.ReplaceAll(got.Multi, " ", "") != x.multi || strings.ReplaceAll(got.Cookie, " ", "") != "c=3;d=4" {
		x.Errorf("%s %s: X-Multi %q, cookies %q", method, path, got.Multi, got.Cookie)
	}
	if cookies := answer.Header["Set-Cookie"]; !slices.Equal(cookies, []string{"a=1; Path=/", "b=2"}) {
		x.Errorf("%s %s: sets cookies %q", method, path, cookies)
	}
}

func (x *appClient) picture() {
	x.Helper()
	answer, got := x.ask("GET", "/picture", nil)
	want := make([]byte, 256)
	for i := range want {
		want[i] = byte(i)
	}
	if !bytes.Equal(got, want) || answer.Header.Get("Content-Type") != "image/png" {
		x.Errorf("picture: %d, %s, %d bytes: %.40q", answer.StatusCode, answer.Header.Get("Content-Type"), len(got), got)
	}
}

func (x *appClient) refused(path string, want int) {
	x.Helper()
	if answer, text := x.ask("GET", path, nil); answer.StatusCode != want {
		x.Errorf("%s: %d %s, want %d", path, answer.StatusCode, text, want)
	}
}

// decodedPath is a path as it is meant, whether a framework decodes it or not.
func decodedPath(path string) string {
	if decoded, err := url.PathUnescape(path); err == nil {
		return decoded
	}
	return path
}
