package unzip

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// pack makes a zip file with what f writes.
func pack(t testing.TB, f func(z *zip.Writer)) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func file(z *zip.Writer, name, content string, mode fs.FileMode) {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		panic(err)
	}
	io.WriteString(w, content)
}

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	r := pack(t, func(z *zip.Writer) {
		file(z, "index.js", "exports", 0o600)
		file(z, "bin/run", "#!", 0o700)
		file(z, "empty/", "", fs.ModeDir|0o700)
		file(z, "lib/current", "../bin", fs.ModeSymlink|0o777)
		file(z, "./a//b.txt", "b", 0o644)
	})
	if err := Extract(r, r.Size(), dir, Limits{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"index.js": 0o644, "bin/run": 0o755, "empty": fs.ModeDir | 0o755, "bin": fs.ModeDir | 0o755, "a/b.txt": 0o644, "lib/current/run": 0o755} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, st.Mode(), err, want)
		}
	}
}

func TestHostile(t *testing.T) {
	out := t.TempDir()
	victim := filepath.Join(out, "victim")
	if err := os.WriteFile(victim, []byte("safe"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		pack func(z *zip.Writer)
		want error
	}{
		"dots":      {func(z *zip.Writer) { file(z, "../victim", "evil", 0o644) }, ErrFormat},
		"deep dots": {func(z *zip.Writer) { file(z, "a/../../victim", "evil", 0o644) }, ErrFormat},
		"absolute":  {func(z *zip.Writer) { file(z, victim, "evil", 0o644) }, ErrFormat},
		"backslash": {func(z *zip.Writer) { file(z, `..\victim`, "evil", 0o644) }, ErrFormat},
		"through a link": {func(z *zip.Writer) {
			file(z, "d", out, fs.ModeSymlink|0o777)
			file(z, "d/victim", "evil", 0o644)
		}, ErrFormat},
		"over a link": {func(z *zip.Writer) {
			file(z, "v", "../victim", fs.ModeSymlink|0o777)
			file(z, "v", "evil", 0o644)
		}, ErrFormat},
		"link with link above": {func(z *zip.Writer) {
			file(z, "d", out, fs.ModeSymlink|0o777)
			file(z, "d/other", "/etc/passwd", fs.ModeSymlink|0o777)
		}, ErrFormat},
		"file as directory": {func(z *zip.Writer) {
			file(z, "a", "1", 0o644)
			file(z, "a/b", "2", 0o644)
		}, ErrFormat},
		"device": {func(z *zip.Writer) { file(z, "dev", "", fs.ModeDevice|0o644) }, ErrFormat},
		"bomb":   {func(z *zip.Writer) { file(z, "b", string(make([]byte, 8<<20)), 0o644) }, ErrTooBig},
		"many": {func(z *zip.Writer) {
			for range 200 {
				file(z, "x/y", "", 0o644)
			}
		}, ErrTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(out, "x")
			os.RemoveAll(dir)
			os.Mkdir(dir, 0o755)
			r := pack(t, tc.pack)
			if err := Extract(r, r.Size(), dir, Limits{Bytes: 1 << 20, Entries: 100}); !errors.Is(err, tc.want) {
				t.Errorf("Extract = %v, want %v", err, tc.want)
			}
			if b, _ := os.ReadFile(victim); string(b) != "safe" {
				t.Fatal("a file outside was written")
			}
			if _, err := os.Lstat(filepath.Join(out, "other")); err == nil {
				t.Fatal("a link outside was made")
			}
		})
	}
}

// FuzzExtract: whatever the bytes are, nothing but the directory is touched,
// and no more than the limit is written.
func FuzzExtract(f *testing.F) {
	seed := pack(f, func(z *zip.Writer) {
		file(z, "a/b", "hello", 0o644)
		file(z, "l", "a", fs.ModeSymlink|0o777)
	})
	b, _ := io.ReadAll(seed)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "x")
		os.Mkdir(dir, 0o755)
		Extract(bytes.NewReader(b), int64(len(b)), dir, Limits{Bytes: 4096, Entries: 10})
		if entries, _ := os.ReadDir(top); len(entries) != 1 {
			t.Fatalf("wrote beside the directory: %v", entries)
		}
		var sum int64
		filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				sum += info.Size()
			}
			return nil
		})
		if sum > 4097 {
			t.Fatalf("wrote %d bytes", sum)
		}
	})
}
