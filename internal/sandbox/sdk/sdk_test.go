package sdk

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aloft-cloud/aloft/internal/maven"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// fakeNPM puts a program npm first in PATH that runs a script, and notes that it ran.
func fakeNPM(t *testing.T, script string) (ran func() int) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	put(t, filepath.Join(dir, "npm"), "#!/bin/sh\necho \"$@\" >> "+log+"\n"+script)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return func() int {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "\n")
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

const makeV3 = `umask 077
p=node_modules/@aws-sdk/client-dynamodb
mkdir -p $p/dist-cjs $p/dist-es $p/dist-types node_modules/@aws/store/dist-es
echo '{"main":"./dist-cjs/index.js"}' > $p/package.json
echo '{"exports":{".":{"import":"./dist-es/index.js"}}}' > node_modules/@aws/store/package.json
touch $p/dist-cjs/index.js node_modules/@aws/store/dist-es/index.js
`

func node(t *testing.T) lang.Language {
	return lang.Language{Kind: lang.Node, Version: lang.Version{Major: 20}, Prefix: t.TempDir(), Exec: "bin/node", SDK: lang.JavaScript3}
}

// It is fetched once, whoever asks and how many; what is never read is left
// out, and the rest can be read by workers.
func TestFetchedOnce(t *testing.T) {
	ran := fakeNPM(t, makeV3)
	l := node(t)
	var told []string
	dir := t.TempDir()
	s := Store{Dir: dir, Tell: func(what string) { told = append(told, what) }}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := s.Get(t.Context(), l)
			if err != nil || got != filepath.Join(dir, name(l, kits[l.SDK]), "node_modules") {
				t.Errorf("Get = %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if _, err := (&Store{Dir: dir}).Get(t.Context(), l); err != nil || ran() != 1 {
		t.Errorf("npm ran %d times, %v", ran(), err)
	}
	if len(told) != 2 || !strings.HasPrefix(told[0], "Fetching the AWS SDK for JavaScript v3") {
		t.Errorf("told %q", told)
	}
	packages := filepath.Join(dir, name(l, kits[l.SDK]), "node_modules")
	for path, want := range map[string]bool{
		"@aws-sdk/client-dynamodb/dist-cjs/index.js": true, "@aws-sdk/client-dynamodb/dist-es": false, "@aws-sdk/client-dynamodb/dist-types": false,
		"@aws/store/dist-es/index.js": true, // which ES modules are given
	} {
		st, err := os.Stat(filepath.Join(packages, path))
		if (err == nil) != want || err == nil && st.Mode()&0o444 != 0o444 {
			t.Errorf("%s: %v %v", path, st, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*-*-*-*-*-*")); len(left) > 0 {
		t.Errorf("left behind: %s", left)
	}
}

// A failure says what to do, and leaves nothing that would be taken for an SDK.
func TestFailure(t *testing.T) {
	l := node(t)
	for name, tc := range map[string]struct{ script, want string }{
		"refused": {"echo E404 no such package >&2; exit 1", "the AWS SDK for JavaScript v3 could not be fetched, and functions do without: npm: exit status 1: E404 no such package"},
		"nothing": {"true", "is not in what was fetched"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeNPM(t, tc.script)
			s := Store{Dir: t.TempDir()}
			if _, err := s.Get(t.Context(), l); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
	t.Setenv("PATH", t.TempDir())
	s := Store{Dir: t.TempDir()}
	if _, err := s.Get(t.Context(), l); err == nil || !strings.Contains(err.Error(), "npm is not installed (apt-get install npm)") {
		t.Errorf("without npm: %v", err)
	}
}

// What an Aloft fetched that knew of fewer packages is not taken for the SDK.
func TestFetchedBefore(t *testing.T) {
	ran := fakeNPM(t, makeV3)
	l := node(t)
	dir := t.TempDir()
	before := name(l, kit{is: hashed(script3[:len(script3)-1])})
	put(t, filepath.Join(dir, before, "node_modules/@aws-sdk/client-dynamodb/package.json"), "{}")
	if got, err := (&Store{Dir: dir}).Get(t.Context(), l); err != nil || ran() != 1 || strings.Contains(got, before) {
		t.Errorf("Get = %q, %v, npm ran %d times", got, err, ran())
	}
}

// What the host has is taken as it is, and without a directory nothing is fetched.
func TestHost(t *testing.T) {
	ran := fakeNPM(t, makeV3)
	l := node(t)
	if dir, err := new(Store).Get(t.Context(), l); dir != "" || err != nil {
		t.Errorf("without a directory: %q, %v", dir, err)
	}
	put(t, filepath.Join(l.Prefix, "lib/node_modules/@aws-sdk/client-dynamodb/package.json"), "{}")
	if dir, err := (&Store{Dir: t.TempDir()}).Get(t.Context(), l); dir != "" || err != nil || ran() != 0 {
		t.Errorf("with one on the host: %q, %v, npm ran %d times", dir, err, ran())
	}
	p := lang.Language{Kind: lang.Python, Version: lang.Version{Major: 3, Minor: 12}, Prefix: t.TempDir(), SDK: lang.Boto3}
	put(t, filepath.Join(p.Prefix, "lib/python3.12/site-packages/boto3/__init__.py"), "")
	if dir, err := (&Store{Dir: t.TempDir()}).Get(t.Context(), p); dir != "" || err != nil {
		t.Errorf("boto3 on the host: %q, %v", dir, err)
	}
}

// Every file from Maven is known by its hash, and one shows that all are there.
func TestMaven(t *testing.T) {
	if len(javaClient) == 0 || slices.ContainsFunc(javaClient, func(f maven.File) bool { return len(f.SHA256) != 64 }) {
		t.Error("files without a hash")
	}
	names := map[string]bool{}
	for _, f := range javaClient {
		names[f.Name()] = true
	}
	if !names[kits[lang.JavaClient].has] {
		t.Errorf("nothing shows that the client is there: %v", names)
	}
}
