// Package image reads container images and unpacks them for functions to run
// in. Images come from strangers: nothing is written outside the directory that
// an image is unpacked to, whatever the names and links in its layers say, and
// no more than its limits.
package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Media types of what images are made of.
const (
	OCIIndex       = "application/vnd.oci.image.index.v1+json"
	OCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	OCILayer       = "application/vnd.oci.image.layer.v1.tar"
	OCIConfig      = "application/vnd.oci.image.config.v1+json"
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// RuntimeLabel is the label of images that were made without their base image: it
// names the runtime of Lambda that they are to be laid over.
const RuntimeLabel = "cloud.aloft.runtime"

// ErrFormat says that something is no image, or one that cannot be read.
var ErrFormat = errors.New("not a container image that can be read")

// A Descriptor names a part of an image by its hash.
type Descriptor struct {
	MediaType string    `json:"mediaType,omitempty"`
	Digest    string    `json:"digest"` // "sha256:" and 64 hexadecimal digits
	Size      int64     `json:"size"`
	Platform  *Platform `json:"platform,omitempty"` // of an image in an index

	Annotations map[string]string `json:"annotations,omitempty"`
}

// A Platform is what an image runs on.
type Platform struct {
	Architecture string `json:"architecture"` // "amd64" or "arm64"
	OS           string `json:"os"`
}

// A Manifest is an image, or an index of images for several platforms.
type Manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType,omitempty"`
	Config        *Descriptor  `json:"config,omitempty"`
	Layers        []Descriptor `json:"layers,omitempty"`
	Manifests     []Descriptor `json:"manifests,omitempty"` // of an index
}

// ParseManifest reads a manifest in the words of OCI or of Docker.
func ParseManifest(b []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%w: manifest: %w", ErrFormat, err)
	}
	if m.SchemaVersion != 2 || m.IsIndex() == (m.Config != nil) {
		return nil, fmt.Errorf("%w: its manifest is of no kind that is known", ErrFormat)
	}
	for _, d := range m.Parts() {
		if !IsDigest(d.Digest) {
			return nil, fmt.Errorf("%w: digest %q", ErrFormat, d.Digest)
		}
	}
	return &m, nil
}

// IsIndex reports whether m is an index of images.
func (m *Manifest) IsIndex() bool { return len(m.Manifests) > 0 }

// Parts are all that m names.
func (m *Manifest) Parts() []Descriptor {
	all := slices.Concat(m.Layers, m.Manifests)
	if m.Config != nil {
		all = append(all, *m.Config)
	}
	return all
}

// Type is the media type of m.
func (m *Manifest) Type() string {
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.IsIndex():
		return OCIIndex
	}
	return OCIManifest
}

// Choose returns the image of an index for a platform of Linux.
func (m *Manifest) Choose(architecture string) (Descriptor, bool) {
	for _, d := range m.Manifests {
		if d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == architecture {
			return d, true
		}
	}
	if len(m.Manifests) == 1 && m.Manifests[0].Platform == nil { // of who made it for himself
		return m.Manifests[0], true
	}
	return Descriptor{}, false
}

// IsDigest reports whether s is the name of a part of an image.
func IsDigest(s string) bool {
	const kind = "sha256:"
	if len(s) != len(kind)+64 || s[:len(kind)] != kind {
		return false
	}
	for _, c := range s[len(kind):] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// A Config says how an image is run.
type Config struct {
	Platform
	Config struct {
		Entrypoint, Cmd, Env []string
		WorkingDir           string
		Labels               map[string]string
	} `json:"config"`
}

// ParseConfig reads the configuration of an image.
func ParseConfig(b []byte) (*Config, error) {
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", ErrFormat, err)
	}
	return &c, nil
}
