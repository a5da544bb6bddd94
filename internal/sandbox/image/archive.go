package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/scratch"
)

// An Archive is images in a file or directory: an OCI layout, a tar file of
// one, or what `docker save` writes. It must be closed.
type Archive struct {
	files  func(name string) (io.ReadCloser, error)
	close  func() error
	byHash map[string]string // names of files, where they are not called by their hash
	made   map[string][]byte // manifests that are not in the archive, by their hash
}

// maxJSON is the most bytes of a manifest or a configuration.
const maxJSON = 4 << 20

// OpenArchive opens an archive.
func OpenArchive(name string) (*Archive, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	a := &Archive{byHash: make(map[string]string), made: make(map[string][]byte)}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		if err != nil {
			return nil, err
		}
		a.close = root.Close
		a.files = func(name string) (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) }
		return a, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a.close = f.Close
	if err := a.index(f); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close closes a.
func (a *Archive) Close() error { return a.close() }

// index finds the files of a tar file. One that is compressed is first written
// to a temporary file.
func (a *Archive) index(f *os.File) error {
	plain, done, err := decompress(f)
	if err != nil {
		return err
	}
	defer done()
	var head [2]byte
	if _, err := f.ReadAt(head[:], 0); err == nil && (head == [2]byte{0x1f, 0x8b} || head == [2]byte{0x28, 0xb5}) {
		dir, remove, err := scratch.Dir("aloft-image-")
		if err != nil {
			return err
		}
		compressed := a.close
		a.close = func() error { return errors.Join(compressed(), remove()) }
		out, err := os.Create(filepath.Join(dir, "plain"))
		if err != nil {
			return err
		}
		before := a.close
		a.close = func() error { return errors.Join(out.Close(), before()) }
		if n, err := io.Copy(out, io.LimitReader(plain, maxBytes+1)); err != nil || n > maxBytes {
			return errors.Join(fmt.Errorf("%w: cannot decompress %s", ErrFormat, f.Name()), err)
		}
		f = out
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	where := make(map[string][2]int64)
	whole := io.NewSectionReader(f, 0, size)
	in := tar.NewReader(whole)
	links := make(map[string]string)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		name := path.Clean("/" + h.Name)[1:]
		switch h.Typeflag {
		case tar.TypeReg:
			at, err := whole.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			where[name] = [2]int64{at, h.Size}
		case tar.TypeSymlink: // older ones have layers that several images share so
			links[name] = path.Join(path.Dir(name), h.Linkname)
		}
	}
	a.files = func(name string) (io.ReadCloser, error) {
		if target, ok := links[name]; ok {
			name = target
		}
		at, ok := where[name]
		if !ok {
			return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		return io.NopCloser(io.NewSectionReader(f, at[0], at[1])), nil
	}
	return nil
}

// Open opens a part of an image, by its hash.
func (a *Archive) Open(digest string) (io.ReadCloser, error) {
	if b, ok := a.made[digest]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	if name, ok := a.byHash[digest]; ok {
		return a.files(name)
	}
	if !IsDigest(digest) {
		return nil, fmt.Errorf("%w: digest %q", ErrFormat, digest)
	}
	return a.files("blobs/sha256/" + strings.TrimPrefix(digest, "sha256:"))
}

// Read reads a manifest or a configuration.
func (a *Archive) Read(digest string) ([]byte, error) {
	r, err := a.Open(digest)
	if err != nil {
		return nil, err
	}
	return readAll(r)
}

func readAll(r io.ReadCloser) ([]byte, error) {
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxJSON+1))
	if err == nil && len(b) > maxJSON {
		err = fmt.Errorf("%w: a manifest of more than %d bytes", ErrFormat, maxJSON)
	}
	return b, err
}

// Manifest returns the digest of the image in a that has that name, or of the
// only one: of its manifest, or its index.
func (a *Archive) Manifest(name string) (string, error) {
	if r, err := a.files("index.json"); err == nil {
		b, err := readAll(r)
		if err != nil {
			return "", err
		}
		return chooseOCI(b, name)
	}
	r, err := a.files("manifest.json")
	if err != nil {
		return "", fmt.Errorf("%w: it has neither index.json nor manifest.json", ErrFormat)
	}
	b, err := readAll(r)
	if err != nil {
		return "", err
	}
	return a.chooseDocker(b, name)
}

// Where an index says what the names of its images are.
const (
	refName   = "org.opencontainers.image.ref.name"
	imageName = "io.containerd.image.name"
)

func chooseOCI(index []byte, name string) (string, error) {
	m, err := ParseManifest(index)
	if err != nil {
		return "", err
	}
	var names []string
	for _, d := range m.Manifests {
		for _, key := range []string{imageName, refName} {
			if n := d.Annotations[key]; n != "" {
				names = append(names, n)
				if sameName(n, name) {
					return d.Digest, nil
				}
			}
		}
	}
	if len(m.Manifests) == 1 {
		return m.Manifests[0].Digest, nil
	}
	return "", fmt.Errorf("the archive has several images, and none is %q; it has %s", name, strings.Join(names, ", "))
}

// sameName reports whether what an archive calls an image is what a user does.
func sameName(has, want string) bool {
	_, tag, _ := strings.Cut(path.Base(want), ":")
	return want != "" && (has == want || strings.HasSuffix(has, "/"+want) || has == tag && tag != "")
}

// A saved image is one of what `docker save` writes.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// chooseDocker makes a manifest of what `docker save` wrote.
func (a *Archive) chooseDocker(list []byte, name string) (string, error) {
	var all []saved
	if err := json.Unmarshal(list, &all); err != nil || len(all) == 0 {
		return "", fmt.Errorf("%w: manifest.json: %w", ErrFormat, err)
	}
	i := slices.IndexFunc(all, func(s saved) bool {
		return slices.ContainsFunc(s.RepoTags, func(tag string) bool { return sameName(tag, name) })
	})
	if i < 0 && len(all) > 1 {
		return "", fmt.Errorf("the archive has several images, and none is %q", name)
	}
	image := all[max(i, 0)]
	m := Manifest{SchemaVersion: 2, MediaType: OCIManifest}
	config, err := a.describe(image.Config, OCIConfig)
	if err != nil {
		return "", err
	}
	m.Config = &config
	for _, name := range image.Layers {
		d, err := a.describe(name, OCILayer)
		if err != nil {
			return "", err
		}
		m.Layers = append(m.Layers, d)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	a.made[digest] = b
	return digest, nil
}

// describe hashes a file of the archive.
func (a *Archive) describe(name, mediaType string) (Descriptor, error) {
	name = path.Clean("/" + name)[1:]
	r, err := a.files(name)
	if err != nil {
		return Descriptor{}, err
	}
	defer r.Close()
	h := sha256.New()
	var head bytes.Buffer
	n, err := io.Copy(h, io.TeeReader(r, &limited{&head, 2}))
	if err != nil {
		return Descriptor{}, err
	}
	if bytes.Equal(head.Bytes(), []byte{0x1f, 0x8b}) {
		mediaType += "+gzip"
	}
	d := Descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(h.Sum(nil)), Size: n}
	a.byHash[d.Digest] = name
	return d, nil
}

// limited keeps the first bytes that are written to it.
type limited struct {
	w    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	l.w.Write(p[:n])
	return len(p), nil
}
