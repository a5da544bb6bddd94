package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"path"
	"regexp"
	"runtime"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/ecr"
	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// Images has the parts of container images.
type Images interface {
	Manifest(ctx context.Context, repository aws.ARN, reference string) (body []byte, digest string, err error)
	Layer(ctx context.Context, repository aws.ARN, digest string) (io.ReadCloser, error)
}

// An imageOf is the container image that a version is.
type imageOf struct {
	URI        string  // as it was named
	Repository aws.ARN // of ECR
	Digest     string  // of its manifest, or index
	Name       string  // of the repository in a URI, with its host
	Runtime    string  `json:",omitempty"` // that it is laid over, if it was made without its base

	Entrypoint, Command, Env []string
	WorkingDir               string
}

// An imageConfig is what a function says in place of its image.
type imageConfig struct {
	Entrypoint, Command []string `json:",omitempty"`
	WorkingDir          string   `json:",omitempty"`
}

const imageKind = "image:"

// isImage reports whether p is a container image, which is kept by ECR.
func (p packed) isImage() bool { return strings.HasPrefix(p.Key.Resource, imageKind) }

var (
	ecrHost  = regexp.MustCompile(`^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.`)
	imageURI = regexp.MustCompile(`^(?:([^/]*[.:][^/]*|localhost)/)?([a-z0-9][a-z0-9._/-]*?)(?::([\w][\w.-]*)|@(sha256:[0-9a-f]{64}))?$`)
)

// parseImage finds out which repository of ECR a URI means, and which of its
// images. Names without a host are of the caller's own registry.
func (s *Service) parseImage(call *aws.Call, uri string) (i imageOf, reference string, err error) {
	m := imageURI.FindStringSubmatch(uri)
	if m == nil {
		return i, "", errImage(uri, "is not valid")
	}
	host, name := m[1], m[2]
	i.URI, i.Repository = uri, call.ARN("ecr", "repository/"+name)
	if e := ecrHost.FindStringSubmatch(host); e != nil {
		i.Repository.Account, i.Repository.Region = e[1], e[2]
	} else if host != "" && host != call.Host && !s.isOwnHost(host) {
		return i, "", errImage(uri, "is not valid")
	}
	i.Name = strings.TrimPrefix(path.Join(host, name), "/")
	switch {
	case m[4] != "":
		return i, m[4], nil
	case m[3] != "":
		return i, m[3], nil
	}
	return i, "latest", nil
}

// isOwnHost reports whether a host is one that this platform has.
func (s *Service) isOwnHost(host string) bool {
	if u, err := url.Parse(s.endpoint); err == nil && host == u.Host {
		return true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func errImage(uri, what string) error {
	return invalid("Source image %s %s. Provide a valid source image.", uri, what)
}

// receiveImage finds the container image that an input names, and unpacks it at
// once, so that what is wrong with it is known.
func (s *Service) receiveImage(ctx context.Context, call *aws.Call, fn aws.ARN, uri string) (packed, *imageOf, error) {
	i, reference, err := s.parseImage(call, uri)
	if err != nil {
		return packed{}, nil, err
	}
	there := *call
	there.Region = i.Repository.Region
	id := ecr.ImageIdentifier{ImageTag: &reference}
	if image.IsDigest(reference) {
		id = ecr.ImageIdentifier{ImageDigest: &reference}
	}
	out, err := dispatch.Call(ctx, s.table, &there, ecr.BatchGetImage, &ecr.BatchGetImageInput{
		RegistryId: &i.Repository.Account, RepositoryName: strings.TrimPrefix(i.Repository.Resource, "repository/"), ImageIds: []ecr.ImageIdentifier{id},
	})
	switch {
	case errors.Is(err, ecr.RepositoryNotFoundException), err == nil && len(out.Images) == 0:
		return packed{}, nil, errImage(uri, "does not exist")
	case errors.Is(err, aws.AccessDenied):
		return packed{}, nil, api.InvalidParameterValueException.Errorf("Lambda does not have permission to access the ECR image. Check the ECR permissions.")
	case err != nil:
		return packed{}, nil, err
	}
	i.Digest = aws.Value(out.Images[0].ImageId.ImageDigest)
	p := packed{Key: fn}
	p.Key.Resource = imageKind + strings.TrimPrefix(i.Digest, "sha256:")
	if err := s.readImage(ctx, &i); err != nil {
		return packed{}, nil, err
	}
	_, err = s.imageDir(ctx, p, &i)
	return p, &i, badImage(uri, err)
}

// badImage says what is wrong with an image, if that is what err is about.
func badImage(uri string, err error) error {
	if errors.Is(err, image.ErrFormat) || errors.Is(err, image.ErrTooBig) {
		return invalid("The image manifest, config or layer media type for the source image %s is not supported. %s", uri, err)
	}
	return err
}

// partsOf reads the manifest of an image for this host.
func (s *Service) partsOf(ctx context.Context, i *imageOf) (*image.Manifest, error) {
	digest := i.Digest
	for range 2 { // an index, and what it names
		body, _, err := s.images.Manifest(ctx, i.Repository, digest)
		if err != nil {
			return nil, err
		}
		m, err := image.ParseManifest(body)
		if err != nil || !m.IsIndex() {
			return m, err
		}
		d, ok := m.Choose(runtime.GOARCH)
		if !ok {
			return nil, fmt.Errorf("%w: it has no image for linux/%s, which this host is", image.ErrFormat, runtime.GOARCH)
		}
		digest = d.Digest
	}
	return nil, fmt.Errorf("%w: an index of indexes", image.ErrFormat)
}

// maxImageConfig is the most bytes of an image's configuration.
const maxImageConfig = 4 << 20

// readImage reads how an image is to be run.
func (s *Service) readImage(ctx context.Context, i *imageOf) error {
	m, err := s.partsOf(ctx, i)
	if err != nil {
		return badImage(i.URI, err)
	}
	r, err := s.images.Layer(ctx, i.Repository, m.Config.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxImageConfig))
	if err != nil {
		return err
	}
	c, err := image.ParseConfig(b)
	if err != nil {
		return badImage(i.URI, err)
	}
	if c.Architecture != "" && c.Architecture != runtime.GOARCH {
		return badImage(i.URI, fmt.Errorf("%w: it is for %s, and this host is %s", image.ErrFormat, c.Architecture, runtime.GOARCH))
	}
	i.Runtime = c.Config.Labels[image.RuntimeLabel]
	if _, _, err := lang.Parse(i.Runtime); i.Runtime != "" && err != nil {
		return badImage(i.URI, fmt.Errorf("%w: it is for an %w", image.ErrFormat, err))
	}
	i.Entrypoint, i.Command, i.Env, i.WorkingDir = c.Config.Entrypoint, c.Config.Cmd, c.Config.Env, c.Config.WorkingDir
	return nil
}

// imageDir returns the directory with an unpacked image.
func (s *Service) imageDir(ctx context.Context, p packed, i *imageOf) (string, error) {
	name, err := p.dirName()
	if err != nil {
		return "", err
	}
	return s.unpacked.get(ctx, name, func(dir string) error {
		m, err := s.partsOf(ctx, i)
		if err != nil {
			return err
		}
		u, err := image.NewUnpacker(dir, image.Limits{})
		if err != nil {
			return err
		}
		defer u.Close()
		for _, d := range m.Layers {
			if err := s.unpackLayer(ctx, u, i, d.Digest); err != nil {
				return err
			}
		}
		if err := u.Finish(); err != nil {
			return err
		}
		if i.Runtime != "" {
			return sandbox.FitBased(u.Tree)
		}
		return sandbox.FitImage(u.Tree)
	})
}

func (s *Service) unpackLayer(ctx context.Context, u *image.Unpacker, i *imageOf, digest string) error {
	r, err := s.images.Layer(ctx, i.Repository, digest)
	if err != nil {
		return err
	}
	defer r.Close()
	return u.Layer(r)
}

// runnableImage is the image of a version as the runner wants it.
func (v *version) runnableImage(dir string) *sandbox.Image {
	i := v.Image
	r := &sandbox.Image{Dir: dir, Entrypoint: i.Entrypoint, Command: i.Command, WorkingDir: i.WorkingDir, Env: i.Env}
	c := v.ImageConfig
	if c == nil {
		return r
	}
	if len(c.Entrypoint) > 0 {
		r.Entrypoint = c.Entrypoint
		r.Command = nil // which are the arguments of another
	}
	if len(c.Command) > 0 {
		r.Command = c.Command
	}
	if c.WorkingDir != "" {
		r.WorkingDir = c.WorkingDir
	}
	return r
}

// lay makes f run a version's image that was made without its base.
func (v *version) lay(f *sandbox.Function, i *sandbox.Image) error {
	f.Runtime, f.Env = v.Image.Runtime, make(map[string]string)
	for _, e := range i.Env {
		if name, value, ok := strings.Cut(e, "="); ok {
			f.Env[name] = value
		}
	}
	maps.Copy(f.Env, v.Env)
	return f.Lay(i)
}

// checkPackage refuses what does not go with how a function is packed.
func checkPackage(in *api.CreateFunctionInput) error {
	code := in.Code
	isImage := aws.Value(in.PackageType) == api.PackageTypeImage
	switch {
	case isImage && (in.Runtime != nil || in.Handler != nil || len(in.Layers) > 0):
		return invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case isImage && (code.ImageUri == nil || code.ZipFile != nil || code.S3Bucket != nil):
		return invalid("Please provide ImageUri when creating a function with packageType Image.")
	case isImage:
		return nil
	case code.ImageUri != nil:
		return invalid("Please don't provide ImageUri when creating a function with packageType Zip.")
	case in.ImageConfig != nil:
		return invalid("Please don't provide ImageConfig when the intended function PackageType is Zip.")
	case in.Runtime == nil || in.Handler == nil:
		return invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	return nil
}

// describeImageConfig is what a function says in place of its image, or nil.
func (c *imageConfig) describe() *api.ImageConfigResponse {
	if c == nil {
		return nil
	}
	out := &api.ImageConfig{EntryPoint: c.Entrypoint, Command: c.Command}
	if c.WorkingDir != "" {
		out.WorkingDirectory = &c.WorkingDir
	}
	return &api.ImageConfigResponse{ImageConfig: out}
}

// imageConfigOf reads what an input says in place of an image; nil is nothing.
func imageConfigOf(in *api.ImageConfig) *imageConfig {
	c := &imageConfig{in.EntryPoint, in.Command, aws.Value(in.WorkingDirectory)}
	if len(c.Entrypoint) == 0 && len(c.Command) == 0 && c.WorkingDir == "" {
		return nil
	}
	return c
}
