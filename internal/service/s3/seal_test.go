package s3

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
)

// onDisk reports whether any file under dir has text.
func onDisk(t *testing.T, dir string, text []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEncrypted reads again what was encrypted, by a service that is started
// anew, and finds none of it on disk: neither of what is a row nor of files.
func TestEncrypted(t *testing.T) {
	dir := t.TempDir()
	small, large := noise(1, 5000), noise(2, 3<<20)
	config := func() Config {
		db, err := store.Open(store.Config{Dir: filepath.Join(dir, "store")})
		if err != nil {
			t.Fatal(err)
		}
		return Config{DB: db, Key: filepath.Join(dir, "keys", "s3")}
	}
	cfg := config()
	s := New(cfg)
	if _, err := s.CreateBucket(t.Context(), caller, &api.CreateBucketInput{Bucket: "bucket"}); err != nil {
		t.Fatal(err)
	}
	for key, content := range map[string][]byte{"small": small, "large": large} {
		if _, err := s.PutObject(t.Context(), caller, &api.PutObjectInput{
			Bucket: "bucket", Key: key, Body: bytes.NewReader(content), ServerSideEncryption: new(api.ServerSideEncryptionAes256),
		}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, "clear", bytes.NewReader(noise(3, 5000)))
	if err := cfg.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if !onDisk(t, dir, noise(3, 5000)[100:200]) {
		t.Error("what is not encrypted is not to be found: the test finds nothing")
	}
	if onDisk(t, dir, small[100:200]) || onDisk(t, dir, large[1<<20:1<<20+100]) {
		t.Error("what is encrypted is there to be read")
	}
	cfg = config()
	t.Cleanup(func() { cfg.DB.Close() })
	s = New(cfg)
	if got := read(t, s, &api.GetObjectInput{Key: "small"}); !bytes.Equal(got, small) {
		t.Errorf("small: got %d bytes", len(got))
	}
	if got := read(t, s, &api.GetObjectInput{Key: "large", Range: new("bytes=65535-200000")}); !bytes.Equal(got, large[65535:200001]) {
		t.Errorf("a range of large: got %d bytes", len(got))
	}
	out, err := s.GetObject(t.Context(), caller, &api.GetObjectInput{Bucket: "bucket", Key: "large"})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.(io.Closer).Close()
	var all bytes.Buffer
	if _, err := io.Copy(&all, out.Body); err != nil || !bytes.Equal(all.Bytes(), large) {
		t.Errorf("large: got %d bytes, %v", all.Len(), err)
	}
	if info, err := os.Stat(cfg.Key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
}

// A key's file that is none is not taken for one, nor replaced.
func TestMasterSpoilt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s3")
	if err := os.WriteFile(file, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := master.Open(file); err == nil {
		t.Error("it is taken")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "no key" {
		t.Errorf("it was changed: %q, %v", b, err)
	}
}
