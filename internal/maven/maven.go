// Package maven fetches files from the repository of Java's packages. What is
// fetched is always a file that we know, by its hash, so that whoever serves the
// repository cannot have us run anything else.
package maven

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
)

// Central is where packages are.
const Central = "https://repo1.maven.org/maven2/"

// maxFile is more bytes than any file that we fetch has.
const maxFile = 256 << 20

// A File is one that we know.
type File struct{ Path, SHA256 string }

// Name is what the file is called, without the directories it is in.
func (f File) Name() string { return path.Base(f.Path) }

// Fetch puts the file into a directory. What is there by its name is whole.
func (f File) Fetch(ctx context.Context, dir string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, Central+f.Path, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	part, err := os.CreateTemp(dir, ".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(part, sum), io.LimitReader(res.Body, maxFile))
	if err := errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s%s: %s, and not the file that we know", Central, f.Path, res.Status)
	}
	return os.Rename(part.Name(), filepath.Join(dir, f.Name()))
}
