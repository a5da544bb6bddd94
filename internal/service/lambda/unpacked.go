package lambda

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// unpacked are directories with unpacked code, each under the hash of its zip
// file. They are a cache: what is missing is unpacked again. They are not
// trusted after the host was started again, since it may have lost power
// before files were on disk.
type unpacked struct {
	root string

	mu     sync.Mutex
	own    string                   // the directory of this start of the host, under root
	making map[string]chan struct{} // closed when the one who unpacks has ended
}

const (
	bootPrefix = "code-of-boot-"                   // of the names of directories under root
	bootFile   = "/proc/sys/kernel/random/boot_id" // says which start of the host this is, on Linux
)

// dir is the directory that holds the others.
func (u *unpacked) dir() (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.own != "" {
		return u.own, nil
	}
	boot := bootPrefix
	id, err := os.ReadFile(bootFile)
	if err == nil {
		boot += strings.TrimSpace(string(id))
	}
	own := filepath.Join(u.root, boot)
	old, _ := os.ReadDir(u.root) // none if it is not there yet
	for _, d := range old {
		if strings.HasPrefix(d.Name(), bootPrefix) && (d.Name() != boot || err != nil) {
			if err := os.RemoveAll(filepath.Join(u.root, d.Name())); err != nil {
				return "", fmt.Errorf("remove old code: %w", err)
			}
		}
	}
	// Others may pass, since functions have users of their own, but not look around.
	if err := os.MkdirAll(own, 0o711); err != nil {
		return "", err
	}
	u.own = own
	return own, nil
}

// dirName is the name of the directory for unpacked code.
func (p packed) dirName() (string, error) {
	if p.isImage() {
		return "image-" + p.sha256(), nil
	}
	sum, err := base64.StdEncoding.DecodeString(p.sha256())
	if err != nil {
		return "", fmt.Errorf("hash %q: %w", p.sha256(), err)
	}
	return hex.EncodeToString(sum), nil
}

// get returns the directory of that name. If there is none, fill is called
// with one to unpack into, once for all who ask.
func (u *unpacked) get(ctx context.Context, name string, fill func(dir string) error) (string, error) {
	parent, err := u.dir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(parent, name)
	for {
		now := time.Now()
		if os.Chtimes(dir, now, now) == nil { // there, and not to be swept soon
			return dir, nil
		}
		u.mu.Lock()
		wait := u.making[name]
		if wait == nil {
			break
		}
		u.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	if u.making == nil {
		u.making = make(map[string]chan struct{})
	}
	done := make(chan struct{})
	u.making[name] = done
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.making, name)
		close(done)
	}()
	return dir, fillDir(parent, dir, fill)
}

// fillDir makes dir, with all that fill puts into it or not at all.
func fillDir(parent, dir string, fill func(string) error) error {
	tmp, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// unusedFor is how long a directory that no row names is kept: longer than an
// invoke that began with it may take.
const unusedFor = time.Hour

// sweep removes the directories that are not wanted and were not used lately.
func (u *unpacked) sweep(wanted map[string]bool) error {
	parent, err := u.dir()
	if err != nil {
		return err
	}
	list, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	for _, d := range list {
		info, err := d.Info()
		if wanted[d.Name()] || err != nil || time.Since(info.ModTime()) < unusedFor {
			continue
		}
		err = os.RemoveAll(filepath.Join(parent, d.Name()))
		if err != nil {
			return err
		}
	}
	return nil
}
