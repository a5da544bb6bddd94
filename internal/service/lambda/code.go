package lambda

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/sandbox/unzip"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Limits of a function's code.
const (
	maxZipped   = 52428800  // bytes of a zip file in a request
	maxUnpacked = 262144000 // bytes of a function with its layers, and of a zip file in S3
)

const codeKind = "code:"

// codeKey names the code of that hash among those of the owner's account and region.
func codeKey(owner aws.ARN, sha256 string) aws.ARN {
	owner.Resource = codeKind + sha256
	return owner
}

// sha256 is the hash of the zip file in base64, or of an image in hexadecimal.
func (p packed) sha256() string {
	_, sum, _ := strings.Cut(p.Key.Resource, ":")
	return sum
}

// A source is where an input says that code is.
type source struct {
	operation            string
	zip                  []byte
	bucket, key, version *string
	image                *string // a URI
}

// An arrival is code that has come, was found to be good, and is not in a row
// yet. It must be closed.
type arrival struct {
	packed
	image  *imageOf      // it is one; or nil
	upload *store.Upload // nil for an image
}

// Close removes what no transaction has kept.
func (a *arrival) Close() error {
	if a.upload == nil {
		return nil
	}
	return a.upload.Close()
}

// keep counts one more use of the code, and keeps the code if it is the first.
func (a *arrival) keep(tx *store.Tx) error {
	if a.isImage() {
		return nil
	}
	row, err := codes.Get(tx, a.Key)
	if errors.Is(err, store.ErrNotFound) {
		row.Body, err = a.upload.Keep(tx)
	}
	if err != nil {
		return err
	}
	row.Uses++
	return codes.Put(tx, a.Key, row)
}

// use counts one more use of code that a row has.
func (p packed) use(tx *store.Tx) error {
	if p.isImage() {
		return nil
	}
	row, err := codes.Get(tx, p.Key)
	if err != nil {
		return fmt.Errorf("code %s: %w", p.Key, err)
	}
	row.Uses++
	return codes.Put(tx, p.Key, row)
}

// drop counts one use less, and removes the code if it was the last.
func (s *Service) drop(tx *store.Tx, p packed) error {
	if p.isImage() {
		return nil
	}
	row, err := codes.Get(tx, p.Key)
	if err != nil {
		return fmt.Errorf("code %s: %w", p.Key, err)
	}
	if row.Uses--; row.Uses > 0 {
		return codes.Put(tx, p.Key, row)
	}
	return errors.Join(codes.Delete(tx, p.Key), s.db.Blobs().Drop(tx, row.Body))
}

// dropVersion drops the code of a version and of its layers.
func (s *Service) dropVersion(tx *store.Tx, v *version) error {
	err := s.drop(tx, v.Code)
	for i := range v.Layers {
		err = errors.Join(err, s.drop(tx, v.Layers[i].Code))
	}
	return err
}

// receive takes in the zip file that an input gives or names, for the account
// and region of owner. It is unpacked at once, so that what is wrong with it is known.
func (s *Service) receive(ctx context.Context, call *aws.Call, owner aws.ARN, src source) (*arrival, error) {
	switch {
	case src.image != nil:
		p, i, err := s.receiveImage(ctx, call, owner, *src.image)
		return &arrival{packed: p, image: i}, err
	case len(src.zip) > maxZipped:
		return nil, aws.RequestEntityTooLarge.Errorf("Zipped size must be smaller than %d bytes", maxZipped)
	case src.zip != nil && (src.bucket != nil || src.key != nil):
		return nil, invalid("Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case src.zip != nil:
		return s.takeIn(ctx, owner, bytes.NewReader(src.zip), int64(len(src.zip)))
	case src.bucket == nil || src.key == nil:
		return nil, invalid("Please provide a source for function code.")
	}
	out, err := dispatch.Call(ctx, s.table, call, s3.GetObject, &s3.GetObjectInput{Bucket: *src.bucket, Key: *src.key, VersionId: src.version})
	if err != nil {
		return nil, errObject(err, *src.bucket, *src.key)
	}
	if c, ok := out.Body.(io.Closer); ok {
		defer c.Close()
	}
	dir, err := s.unpacked.dir()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "zip-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(out.Body, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("copy s3://%s/%s: %w", *src.bucket, *src.key, err)
	}
	return s.takeIn(ctx, owner, f, n)
}

// errObject says why an object could not be read, as Lambda does.
func errObject(err error, bucket, key string) error {
	refusal, ok := errors.AsType[*aws.Error](err)
	switch {
	case !ok:
		return err
	case refusal.Status == 403 || errors.Is(err, aws.AccessDenied):
		return aws.AccessDenied.Errorf("Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s. S3 Error Code: AccessDenied. S3 Error Message: %s", bucket, key, refusal.Message)
	}
	return invalid("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", refusal.Code, refusal.Message)
}

// takeIn takes in a zip file of size bytes.
func (s *Service) takeIn(ctx context.Context, owner aws.ARN, r io.ReaderAt, size int64) (*arrival, error) {
	if size > maxUnpacked {
		return nil, invalid("Unzipped size must be smaller than %d bytes", maxUnpacked)
	}
	h := sha256.New()
	up := s.db.Blobs().Create(ctx)
	if _, err := io.Copy(io.MultiWriter(h, up), io.NewSectionReader(r, 0, size)); err != nil {
		up.Close()
		return nil, err
	}
	sum := base64.StdEncoding.EncodeToString(h.Sum(nil))
	unpacked, err := s.unpack(ctx, packed{Key: codeKey(owner, sum)}, r, size)
	if err == nil {
		err = up.Finish()
	}
	if err != nil {
		up.Close()
		return nil, err
	}
	return &arrival{packed: packed{Key: codeKey(owner, sum), Size: size, Unpacked: unpacked}, upload: up}, nil
}

// unpack unpacks a zip file, and returns what it holds in bytes.
func (s *Service) unpack(ctx context.Context, p packed, r io.ReaderAt, size int64) (int64, error) {
	name, err := p.dirName()
	if err != nil {
		return 0, err
	}
	_, err = s.unpacked.get(ctx, name, func(dir string) error {
		return unzip.Extract(r, size, dir, unzip.Limits{Bytes: maxUnpacked})
	})
	switch {
	case errors.Is(err, unzip.ErrTooBig):
		return 0, invalid("Unzipped size must be smaller than %d bytes", maxUnpacked)
	case errors.Is(err, unzip.ErrFormat):
		return 0, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	case err != nil:
		return 0, fmt.Errorf("unpack code: %w", err)
	}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return 0, fmt.Errorf("unpack code: %w", err)
	}
	if len(z.File) == 0 {
		return 0, invalid("Uploaded file must be a non-empty zip")
	}
	var total uint64
	for _, f := range z.File {
		total += f.UncompressedSize64
	}
	return int64(total), nil
}

// checkSize refuses code that is too large together with its layers.
func checkSize(v *version) error {
	total := v.Code.Unpacked
	for i := range v.Layers {
		total += v.Layers[i].Code.Unpacked
	}
	if total > maxUnpacked {
		return invalid("Function code combined with layers exceeds the maximum allowed size of %d bytes. The actual size is %d bytes.", maxUnpacked, total)
	}
	return nil
}

// codeOf returns the directory with the unpacked code of a version.
func (s *Service) codeOf(ctx context.Context, v *version) (string, error) {
	if v.Image == nil {
		return s.codeDir(ctx, v.Code)
	}
	dir, err := s.imageDir(ctx, v.Code, v.Image)
	if _, gone := errors.AsType[*aws.Error](err); gone {
		return "", conflict("The operation cannot be performed at this time. The function is currently in the following state: Failed. Its image %s was deleted.", v.Image.URI)
	}
	return dir, err
}

// codeDir returns the directory with an unpacked zip file.
func (s *Service) codeDir(ctx context.Context, p packed) (string, error) {
	name, err := p.dirName()
	if err != nil {
		return "", err
	}
	return s.unpacked.get(ctx, name, func(dir string) error {
		r, err := s.openCode(ctx, p.Key)
		if err != nil {
			return err
		}
		defer r.Close()
		return unzip.Extract(r, r.Size(), dir, unzip.Limits{Bytes: maxUnpacked})
	})
}

// openCode opens the zip file of that key.
func (s *Service) openCode(ctx context.Context, key aws.ARN) (r *store.BodyReader, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		row, err := codes.Get(tx, key)
		if err == nil {
			r, err = s.db.Blobs().Open(tx, row.Body)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open code %s: %w", key, err)
	}
	return r, nil
}

// sourceOfCreate is where the code of a new function is.
func sourceOfCreate(c *api.FunctionCode) source {
	return source{api.CreateFunction.Name, c.ZipFile, c.S3Bucket, c.S3Key, c.S3ObjectVersion, c.ImageUri}
}
