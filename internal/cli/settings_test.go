package cli

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run runs a command line and returns what it printed.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func clearEnv(t *testing.T) {
	for _, s := range allSettings {
		for _, env := range s.env {
			t.Setenv(env, "")
		}
	}
	t.Chdir(t.TempDir())
}

func TestSettings(t *testing.T) {
	clearEnv(t)
	want := func(line string, args ...string) {
		t.Helper()
		out, err := run(t, append([]string{"config"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		out = strings.Join(strings.Fields(out), " ")
		if !strings.Contains(out, line) {
			t.Errorf("config %q has no %q:\n%s", args, line, out)
		}
	}
	want("listen 127.0.0.1:4566 default")
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:1\nregion: eu-west-1\nunfenced: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("listen 127.0.0.1:1 file", "--config", file)
	want("unfenced true file", "--config", file)
	t.Setenv("ALOFT_LISTEN", "127.0.0.1:2")
	want("listen 127.0.0.1:2 ALOFT_LISTEN", "--config", file)
	want("listen 127.0.0.1:3 --listen", "--config", file, "--listen", "127.0.0.1:3")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hidden")
	want("secret-access-key (set) AWS_SECRET_ACCESS_KEY")
}

// Commands beside the data of an Aloft talk to where it was last reached.
func TestEndpointOfTheData(t *testing.T) {
	clearEnv(t)
	data := t.TempDir()
	for listens, want := range map[string]string{"0.0.0.0:5000": "http://127.0.0.1:5000", "[::1]:5001": "http://[::1]:5001"} {
		addr, err := net.ResolveTCPAddr("tcp", listens)
		if err != nil {
			t.Fatal(err)
		}
		if err := served(data, addr); err != nil {
			t.Fatal(err)
		}
		out, err := run(t, "config", "--data", data)
		if err != nil || !strings.Contains(out, want+" ") {
			t.Errorf("config prints no %s, and %v:\n%s", want, err, out)
		}
		out, err = run(t, "config", "--data", data, "--endpoint", "http://127.0.0.1:6000")
		if err != nil || !strings.Contains(out, "http://127.0.0.1:6000 ") {
			t.Errorf("--endpoint does not count, and %v:\n%s", err, out)
		}
	}
}

func TestSettingsRefused(t *testing.T) {
	clearEnv(t)
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("lisen: 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "config", "--config", file); err == nil || !strings.Contains(err.Error(), `no setting "lisen"`) {
		t.Errorf("a misspelt setting: %v", err)
	}
	if _, err := run(t, "config", "--config", "none.yaml"); err == nil {
		t.Error("a file that is asked for and not there is no error")
	}
	if _, err := run(t, "dev", "--listen", "0.0.0.0:4566"); err == nil || !strings.Contains(err.Error(), "this machine alone") {
		t.Errorf("dev for other machines: %v", err)
	}
	if _, err := run(t, "serve", "--log", "loud"); err == nil || !strings.Contains(err.Error(), "--log loud") {
		t.Errorf("a log level that is none: %v", err)
	}
}

func TestNoAloft(t *testing.T) {
	clearEnv(t)
	_, err := run(t, "invoke", "f", "--endpoint", "http://127.0.0.1:1")
	if err == nil || !strings.Contains(explain(err), "aloft dev") {
		t.Errorf("no Aloft: %v, want what to do", err)
	}
}

func TestIgnored(t *testing.T) {
	for name, want := range map[string]bool{"main.go": false, ".git": true, "index.js~": true, "node_modules": true, ".env": true, ".": false} {
		if got := ignored(name); got != want {
			t.Errorf("ignored(%q) = %t", name, got)
		}
	}
}

func TestOperations(t *testing.T) {
	clearEnv(t)
	out, err := run(t, "operations", "logs")
	if err != nil || !strings.Contains(out, "PutLogEvents") {
		t.Errorf("operations logs: %v\n%s", err, out)
	}
	out, err = run(t, "operations", "logs", "--missing")
	if err != nil || strings.Contains(out, "PutLogEvents") || !strings.Contains(out, "CreateExportTask") {
		t.Errorf("operations logs --missing: %v\n%s", err, out)
	}
}
