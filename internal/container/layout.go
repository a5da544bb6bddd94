package container

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// system are directories that a base image of Lambda has. What a Dockerfile puts
// there would not be seen: what runs functions has its own.
var system = []string{"usr", "etc", "bin", "sbin", "lib", "lib32", "lib64", "boot", "var/lang", "var/rapid", "lambda-entrypoint.sh"}

// passing are directories that are not kept: a function does not see them, or
// has its own.
var passing = []string{"root", "tmp", "run", "proc", "sys", "dev", "mnt", "media", ".aloft", "var/cache", "var/log", "var/tmp", "var/lib", "var/run", "var/spool", "var/lock"}

// within says whether a file is one of dirs, or below one.
func within(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") })
}

// checkLast refuses a stage that no function can be.
func (b *builder) checkLast(s *stage) error {
	if s.base.Empty {
		return nil
	}
	if s.base.CanBuild {
		return b.refuse(s.from, "Aloft builds without Docker on the base images of Lambda (public.ecr.aws/lambda/…), and %s is none: it can be a stage before the last. Install Docker or Podman, or push the image", strings.Fields(s.from.Args)[0])
	}
	kind, _, _ := lang.Parse(s.base.Runtime)
	own := s.config.Entrypoint
	if kind != lang.Provided && len(own) > 0 && own[0] != "/lambda-entrypoint.sh" {
		return b.refuse(s.from, "Aloft builds without Docker and runs functions on this image by its own entry point, not by %q. Install Docker or Podman, or push the image", own)
	}
	for _, one := range s.chain() {
		c, ok := one.do.(*copying)
		if !ok {
			continue
		}
		at := strings.TrimPrefix(c.dest, "/")
		if site := strings.TrimPrefix(s.base.site(), "/"); within(at, system) && (site == "" || !within(at, []string{site})) {
			return b.refuse(one.in, "Aloft builds without Docker, and lays nothing over %s of the base image. Install Docker or Podman, or push the image", c.dest)
		}
	}
	return nil
}

// keeps says whether a file of a stage is part of the image.
func (s *stage) keeps(name string) bool {
	if s.base.Empty {
		return true
	}
	site := strings.TrimPrefix(s.base.site(), "/")
	if site != "" && (within(name, []string{site}) || strings.HasPrefix(site, name+"/")) {
		return true
	}
	return !within(name, system) && !within(name, passing)
}

// A layout is what an image is made of, in the words of OCI.
type layout struct {
	SchemaVersion int                `json:"schemaVersion"`
	MediaType     string             `json:"mediaType,omitempty"`
	Config        *image.Descriptor  `json:"config,omitempty"`
	Layers        []image.Descriptor `json:"layers,omitempty"`
	Manifests     []image.Descriptor `json:"manifests,omitempty"`
}

// imageConfig is the configuration of an image, as OCI has it.
type imageConfig struct {
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

type runConfig struct {
	Env        []string          `json:",omitempty"`
	Entrypoint []string          `json:",omitempty"`
	Cmd        []string          `json:",omitempty"`
	WorkingDir string            `json:",omitempty"`
	Labels     map[string]string `json:",omitempty"`
}

// writeLayout writes the image that a stage is.
func (b *builder) writeLayout(s *stage, dir string) error {
	blobs := filepath.Join(dir, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return err
	}
	layer, err := writeBlob(blobs, image.OCILayer, func(w io.Writer) error { return s.writeLayer(w) })
	if err != nil {
		return err
	}
	c := imageConfig{Architecture: runtime.GOARCH, OS: "linux", Config: s.runConfig()}
	c.RootFS.Type, c.RootFS.DiffIDs = "layers", []string{layer.Digest}
	config, err := writeJSON(blobs, image.OCIConfig, c)
	if err != nil {
		return err
	}
	manifest, err := writeJSON(blobs, image.OCIManifest, layout{SchemaVersion: 2, MediaType: image.OCIManifest, Config: &config, Layers: []image.Descriptor{layer}})
	if err != nil {
		return err
	}
	index, err := json.Marshal(layout{SchemaVersion: 2, MediaType: image.OCIIndex, Manifests: []image.Descriptor{manifest}})
	return errors.Join(err, os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644), os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644))
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "index.json"))
	return err == nil && isKept(dir)
}

// runConfig is how the image is run. Of its variables it has those that the
// Dockerfile sets: the others are the base image's.
func (s *stage) runConfig() runConfig {
	c := runConfig{Entrypoint: s.config.Entrypoint, Cmd: s.config.Cmd, WorkingDir: s.config.Dir, Labels: make(map[string]string)}
	usual := s.base.env()
	for _, p := range s.config.Env {
		if v, ok := get(usual, p.Name); (!ok || v != p.Value) && p.Name != "HOME" {
			c.Env = append(c.Env, p.Name+"="+strings.ReplaceAll(p.Value, ownBin+":", ""))
		}
	}
	for _, p := range s.config.Labels {
		c.Labels[p.Name] = p.Value
	}
	if s.base.Runtime != "" {
		c.Labels[image.RuntimeLabel] = s.base.Runtime
	}
	return c
}

// writeLayer writes the files of s as a tar file, all of one time and one user,
// so that equal files make equal layers.
func (s *stage) writeLayer(w io.Writer) error {
	t, err := image.OpenTree(s.root)
	if err != nil {
		return err
	}
	defer t.Close()
	out := tar.NewWriter(w)
	err = each(t, ".", sieve{out: func(name string) bool { return !s.keeps(name) }}, func(h *tar.Header, r io.Reader) error {
		if h.Name == "." {
			return nil
		}
		h.ModTime, h.Format = time.Unix(315532800, 0), tar.FormatPAX
		if h.Typeflag == tar.TypeDir {
			h.Name += "/"
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(out, r)
		return err
	})
	return errors.Join(err, out.Close())
}

// writeBlob writes a part of an image, which is named by its hash.
func writeBlob(dir, mediaType string, write func(io.Writer) error) (image.Descriptor, error) {
	f, err := os.CreateTemp(dir, "part-")
	if err != nil {
		return image.Descriptor{}, err
	}
	defer f.Close()
	sum := sha256.New()
	if err := write(io.MultiWriter(f, sum)); err != nil {
		return image.Descriptor{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return image.Descriptor{}, err
	}
	name := hex.EncodeToString(sum.Sum(nil))
	return image.Descriptor{MediaType: mediaType, Digest: "sha256:" + name, Size: info.Size()}, os.Rename(f.Name(), filepath.Join(dir, name))
}

func writeJSON(dir, mediaType string, v any) (image.Descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return image.Descriptor{}, fmt.Errorf("write %s: %w", mediaType, err)
	}
	return writeBlob(dir, mediaType, func(w io.Writer) error { _, err := w.Write(text); return err })
}
