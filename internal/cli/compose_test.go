package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindParts(t *testing.T) {
	f := func(want string, files ...string) {
		t.Helper()
		dir := t.TempDir()
		for _, file := range files {
			name, text, _ := strings.Cut(file, "=")
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		parts, err := findParts(dir)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("findParts(%q): %v, want %s", files, err, want)
			}
			return
		}
		var got []string
		for _, p := range parts {
			rel, _ := filepath.Rel(dir, p.file)
			got = append(got, rel+" after "+strings.Join(p.dependsOn, ","))
		}
		if all := strings.Join(got, "; "); all != want {
			t.Errorf("findParts(%q) = %q, want %q", files, all, want)
		}
	}
	f("serverless.yml after ", "serverless.yml=", "below/serverless.yml=")
	f("one/serverless.yml after ; two/template.yaml after ", "two/template.yaml=", "one/serverless.yml=", "docs/x=")
	f("a/serverless.yml after b,c; b/other.yml after ", "serverless-compose.yml=services: {a: {path: a, dependsOn: b, params: {x: '${c.Url}'}}, b: {path: b, config: other.yml}}", "a/serverless.yml=", "b/other.yml=")
	f("found none of", "docs/x=")
	f("services.a", "serverless-compose.yml=services: {a: {path: none}}")
}

func TestReachable(t *testing.T) {
	f := func(endpoint, value, want string) {
		t.Helper()
		d := &deployer{client: newClient(&settings{flags: newRoot().PersistentFlags()}, endpoint)}
		if got := d.reachable(value); got != want {
			t.Errorf("reachable(%q) at %s = %q, want %q", value, endpoint, got, want)
		}
	}
	f("http://127.0.0.1:4566", "https://abc.execute-api.us-east-1.amazonaws.com/dev", "http://abc.execute-api.localhost:4566/dev")
	f("https://aloft.example.com", "wss://abc.execute-api.eu-west-1.amazonaws.com/dev", "wss://abc.execute-api.aloft.example.com/dev")
	f("http://127.0.0.1:4566", "https://main.d1abc.amplifyapp.com", "http://main.d1abc.amplifyapp.localhost:4566")
	f("http://127.0.0.1:4566", "http://web-123.us-east-1.elb.amazonaws.com/a", "http://web-123.elb.localhost:4566/a")
	f("http://127.0.0.1:4566", "http://web-123.elb.us-east-1.amazonaws.com", "http://web-123.elb.localhost:4566")
	f("http://127.0.0.1:4566", "http://web-123.us-east-1.elb.amazonaws.com:8080/a", "http://web-123.us-east-1.elb.amazonaws.com:8080/a")
	f("http://127.0.0.1:4566", "https://d1abc.cloudfront.net/a", "http://d1abc.cloudfront.localhost:4566/a")
	f("http://127.0.0.1:4566", "https://example.com/dev", "https://example.com/dev")
}
