package amplify

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/amplify"
	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/scratch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxBytes   = 5 << 30 // of a deployment, zipped or not
	maxFiles   = 100_000
	fetchLasts = 5 * time.Minute
)

// A failure is why a deployment fails that is its maker's doing.
type failure struct{ words string }

// Error implements error.
func (f failure) Error() string { return f.words }

func failf(format string, args ...any) error { return failure{fmt.Sprintf(format, args...)} }

// A source is where the files of a deployment are.
type source struct {
	url    *url.URL // of a zip file, or nil
	bucket string
	key    string // of a zip file, or the prefix of all keys
	prefix bool
}

// parseSource reads the URL of a source.
func parseSource(text string, kind *string) (*source, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("sourceUrl %s is not valid", text)
	}
	many := aws.Value(kind) == api.SourceUrlTypeBucketPrefix
	if u.Scheme != "s3" {
		if many {
			return nil, errors.New("sourceUrl must be of the form s3://bucket/prefix/ when sourceUrlType is BUCKET_PREFIX")
		}
		return &source{url: u}, nil
	}
	src := &source{bucket: u.Host, key: strings.TrimPrefix(u.Path, "/"), prefix: many}
	if !many && src.key == "" {
		return nil, fmt.Errorf("sourceUrl %s names no zip file", text)
	}
	return src, nil
}

// A taker takes the files of a deployment one by one.
type taker func(name string, r io.Reader) error

// read gives take all files of a source.
func (s *Service) read(ctx context.Context, call *aws.Call, src *source, take taker) error {
	if src.prefix {
		return s.readPrefix(ctx, call, src, take)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchLasts)
	defer cancel()
	body, err := s.fetch(ctx, call, src)
	if err != nil {
		return err
	}
	defer body.Close()
	dir, remove, err := scratch.Dir("aloft-amplify-")
	if err != nil {
		return err
	}
	defer remove()
	f, err := os.Create(filepath.Join(dir, "source.zip"))
	if err != nil {
		return err
	}
	defer f.Close()
	n, err := io.Copy(f, io.LimitReader(body, maxBytes+1))
	if err != nil {
		return failf("The source cannot be read: %v.", err)
	}
	if n > maxBytes {
		return failf("The source is larger than %d bytes.", int64(maxBytes))
	}
	return readZip(f, n, take)
}

// fetch opens the zip file that a source is.
func (s *Service) fetch(ctx context.Context, call *aws.Call, src *source) (io.ReadCloser, error) {
	if src.url == nil {
		return s.object(ctx, call, src.bucket, src.key)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, src.url.String(), nil)
	if err != nil {
		return nil, failf("The source cannot be read: %v.", err)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, failf("The source cannot be read: %v.", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, failf("The source answers %s.", resp.Status)
	}
	return resp.Body, nil
}

// object opens an object.
func (s *Service) object(ctx context.Context, call *aws.Call, bucket, key string) (io.ReadCloser, error) {
	out, err := dispatch.Call(ctx, s.cfg.Table, call, s3.GetObject, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		return nil, refused(bucket, key, err)
	}
	if c, ok := out.Body.(io.ReadCloser); ok {
		return c, nil
	}
	return io.NopCloser(out.Body), nil
}

// refused is the failure that a refusal of S3 is.
func refused(bucket, key string, err error) error {
	if e, ok := errors.AsType[*aws.Error](err); ok {
		return failf("s3://%s/%s cannot be read: %s: %s Its bucket must let amplify.amazonaws.com read it.", bucket, key, e.Code, e.Message)
	}
	return err
}

// readPrefix gives take all objects below a prefix.
func (s *Service) readPrefix(ctx context.Context, call *aws.Call, src *source, take taker) error {
	prefix := src.key
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	in := &s3.ListObjectsV2Input{Bucket: src.bucket, Prefix: &prefix}
	for {
		out, err := dispatch.Call(ctx, s.cfg.Table, call, s3.ListObjectsV2, in)
		if err != nil {
			return refused(src.bucket, prefix, err)
		}
		for _, o := range out.Contents {
			key := aws.Value(o.Key)
			if strings.HasSuffix(key, "/") {
				continue // a folder, as consoles make them
			}
			body, err := s.object(ctx, call, src.bucket, key)
			if err != nil {
				return err
			}
			err = take(strings.TrimPrefix(key, prefix), body)
			body.Close()
			if err != nil {
				return err
			}
		}
		if in.ContinuationToken = out.NextContinuationToken; in.ContinuationToken == nil {
			return nil
		}
	}
}

// readZip gives take all files of a zip file.
func readZip(r io.ReaderAt, size int64, take taker) error {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return failf("The source is not a zip file: %v.", err)
	}
	for _, f := range z.File {
		mode := f.Mode()
		switch {
		case mode.IsDir() || strings.HasSuffix(f.Name, "/"):
			continue
		case !mode.IsRegular():
			return failf("%.100q is no file, but %s.", f.Name, kindOf(mode))
		}
		body, err := f.Open()
		if err != nil {
			return failf("%.100q cannot be unzipped: %v.", f.Name, err)
		}
		err = take(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), body)
		body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	if mode&fs.ModeSymlink != 0 {
		return "a symbolic link"
	}
	return "something else"
}

// readUploads gives take what was put for a deployment.
func (s *Service) readUploads(ctx context.Context, app aws.ARN, pass string, take taker) error {
	all := make(map[string]upload)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		clear(all)
		for key, u := range uploads.Scan(tx, fileKey{App: app, Set: pass}) {
			all[key.Path] = u
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	for name, u := range all {
		if !u.There {
			if name == "" {
				return failf("The zip file was not uploaded.")
			}
			return failf("The file %s was not uploaded.", name)
		}
		if u.Want != "" && u.Want != u.MD5 {
			return failf("The file %s is not the one that was announced: its MD5 hash is %s.", name, u.MD5)
		}
		if err := s.readUpload(ctx, name, u, take); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) readUpload(ctx context.Context, name string, u upload, take taker) error {
	var body *store.BodyReader
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		body, err = s.db.Blobs().Open(tx, u.Body)
		return err
	})
	if err != nil {
		return err
	}
	defer body.Close()
	if name == "" {
		return readZip(body, body.Size(), take)
	}
	return take(name, body)
}
