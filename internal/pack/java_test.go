package pack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/pack"
)

// Java is built by the Java that will run it, whichever the host prefers.
func TestJavaHome(t *testing.T) {
	home := t.TempDir()
	jdk := filepath.Join(home, ".sdkman/candidates/java/99.0.1")
	for name, text := range map[string]string{"bin/java": "\x7fELF", "bin/javac": "\x7fELF", "release": "JAVA_VERSION=\"99.0.1\"\n"} {
		put(t, filepath.Join(jdk, name), text)
	}
	tools, said := t.TempDir(), filepath.Join(t.TempDir(), "home")
	put(t, filepath.Join(tools, "mvn"), "#!/bin/sh\nmkdir -p target/classes && echo x > target/classes/App.class && echo $JAVA_HOME $1 > "+said+"\n")
	t.Setenv("HOME", home)
	t.Setenv("PATH", tools+string(os.PathListSeparator)+os.Getenv("PATH"))
	dir := files(t, map[string]string{
		"template.yaml": "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: f/, Runtime: java99, Handler: App}\n",
		"f/pom.xml":     "<project/>",
	})
	p := pack.Packer{Uploader: make(bucket), Cache: t.TempDir()}
	if _, err := p.Pack(t.Context(), filepath.Join(dir, "template.yaml")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(said)
	want, _ := filepath.EvalSymlinks(jdk)
	if want += " -Dmaven.compiler.proc=full"; err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("JAVA_HOME = %q, %v; want %q", got, err, want)
	}
}

// put writes an executable file.
func put(t *testing.T, name, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	if err == nil {
		err = os.WriteFile(name, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
