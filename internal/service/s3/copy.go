package s3

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A copySource is what x-amz-copy-source names.
type copySource struct {
	bucket, key string
	version     *string
}

// parseCopySource reads "bucket/key?versionId=…", which is encoded as a URL,
// with or without a slash before it.
func parseCopySource(header string) (copySource, error) {
	path, query, _ := strings.Cut(header, "?versionId=")
	path, err := url.QueryUnescape(path) // a plus is a space, as in AWS
	bucket, key, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case err != nil, !found, bucket == "", key == "":
		return copySource{}, errArgument("x-amz-copy-source", "x-amz-copy-source", "Invalid copy source object key")
	case strings.HasPrefix(path, "arn:"):
		return copySource{}, errLacking("copies from access points")
	}
	c := copySource{bucket: bucket, key: key}
	if query != "" {
		c.version = &query
	}
	return c, nil
}

// A source is an object that is being copied. It must be closed.
type source struct {
	object  object
	version *string // that was copied, if it has a name of its own
	io.ReadCloser
}

// openSource opens a span of an object: all of it, if at returns no other.
func (s *Service) openSource(ctx context.Context, call *aws.Call, from copySource, expectedOwner *string, key *contentKey, c condition, at func(size int64) (span, error)) (*source, error) {
	src := new(source)
	var content *reader
	err := s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, from.bucket, expectedOwner)
		if err != nil {
			return err
		}
		if src.object, err = findObject(tx, b, row, from.key, from.version, "GET"); err != nil {
			return err
		}
		src.version = src.object.namedVersion()
		if err := firstError(src.object.checkOpen(tx, b, row, call, api.PermissionRead), key.opens(src.object.seal()), c.check(src.object), checkReadable(&src.object)); err != nil {
			return err
		}
		all, err := at(src.object.Size)
		if err != nil {
			return err
		}
		content, err = s.open(ctx, tx, b, src.object, all)
		return err
	})
	if err != nil {
		return nil, err
	}
	src.ReadCloser = content
	if content.key, err = s.keyOf(ctx, call, src.object.seal(), key); err != nil {
		return nil, errors.Join(err, src.Close())
	}
	return src, nil
}

// CopyObject makes an object of the content of another, or of its own.
func (s *Service) CopyObject(ctx context.Context, call *aws.Call, in *api.CopyObjectInput) (*api.CopyObjectOutput, error) {
	g := guard{in.IfMatch, in.IfNoneMatch}
	from, err := parseCopySource(in.CopySource)
	if err := firstError(err, checkKey(in.Key), g.check(), checkCopy(in)); err != nil {
		return nil, err
	}
	_, keyErr := customerKeyOf(in)
	sourceKey, sourceErr := sourceKeyOf(in)
	o, err := newObject(in, decodeMetadata(in.Metadata), in.Tagging)
	if err := firstError(keyErr, sourceErr, err); err != nil {
		return nil, err
	}
	row, err := s.checkBucket(ctx, call, in.Bucket, in.ExpectedBucketOwner, o)
	if err != nil {
		return nil, err
	}
	c := condition{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch,
		modified: in.CopySourceIfModifiedSince, unmodified: in.CopySourceIfUnmodifiedSince, prefix: "x-amz-copy-source-",
	}
	src, err := s.openSource(ctx, call, from, in.ExpectedSourceBucketOwner, sourceKey, c, func(size int64) (span, error) {
		if size > maxContent {
			return span{}, api.InvalidRequest.Errorf("The specified copy source is larger than the maximum allowable size for a copy source: %d", maxContent)
		}
		return span{0, size}, nil
	})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	o, cl, err := copied(in, from, src.object, o)
	if err != nil {
		return nil, err
	}
	if cl.key, err = s.keyFor(ctx, call, row, in, in.Bucket, in.Key); err != nil {
		return nil, err
	}
	r, err := s.receive(ctx, src, cl)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if o, err = s.keep(ctx, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectCreated:Copy", reason: "CopyObject"}, o, r, g); err != nil {
		return nil, err
	}
	result := &api.CopyObjectResult{ETag: new(quoted(o.ETag)), LastModified: &o.Modified}
	setSum(result, o.Sum)
	out := &api.CopyObjectOutput{CopyObjectResult: result, VersionId: o.versionID(), Expiration: o.expires, CopySourceVersionId: src.version}
	setEncryption(out, o.seal(), cl.key)
	return out, nil
}

// checkCopy refuses what CopyObject takes but we do not.
func checkCopy(in *api.CopyObjectInput) error {
	return firstError(
		checkDirective("x-amz-metadata-directive", "Unknown metadata directive.", in.MetadataDirective),
		checkDirective("x-amz-tagging-directive", "Unknown tagging directive.", in.TaggingDirective),
		checkEncryption(in), checkClass(in.StorageClass))
}

func checkDirective(name, message string, d *string) error {
	if d == nil || *d == api.MetadataDirectiveCopy || *d == api.MetadataDirectiveReplace {
		return nil
	}
	return errArgument(name, *d, message)
}

// copied returns the object that a copy of src makes of o, which in describes,
// and how to sum it.
func copied(in *api.CopyObjectInput, from copySource, src, o object) (object, claim, error) {
	c := claim{sum: sum{Algorithm: src.Sum.Algorithm, Type: checksum.FullObject}}
	if c.sum.Algorithm == "" {
		c.sum.Algorithm = checksum.CRC64NVME
	}
	if in.ChecksumAlgorithm != nil {
		var ok bool
		if c.sum.Algorithm, ok = checksum.Find(*in.ChecksumAlgorithm); !ok {
			return object{}, c, errLacking("checksums with " + *in.ChecksumAlgorithm)
		}
	}
	replace := aws.Value(in.MetadataDirective) == api.MetadataDirectiveReplace
	if !replace {
		redirect := o.Headers.WebsiteRedirectLocation // is not copied
		o.Headers, o.Metadata = src.Headers, src.Metadata
		o.Headers.WebsiteRedirectLocation = redirect
	}
	if aws.Value(in.TaggingDirective) != api.TaggingDirectiveReplace {
		o.Tags = src.Tags
	}
	same := from.bucket == in.Bucket && from.key == in.Key && from.version == nil
	if same && !replace && in.StorageClass == nil && in.WebsiteRedirectLocation == nil && in.ServerSideEncryption == nil && in.ChecksumAlgorithm == nil && in.SSECustomerKey == nil && src.seal() == nil {
		return o, c, api.InvalidRequest.Errorf("This copy request is illegal because it is trying to copy an object to itself without changing" +
			" the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	return o, c, nil
}

// UploadPartCopy makes a part of an upload of an object, or a range of one.
func (s *Service) UploadPartCopy(ctx context.Context, call *aws.Call, in *api.UploadPartCopyInput) (*api.UploadPartCopyOutput, error) {
	from, err := parseCopySource(in.CopySource)
	customers, keyErr := customerKeyOf(in)
	sourceKey, sourceErr := sourceKeyOf(in)
	if err := firstError(err, keyErr, sourceErr); err != nil {
		return nil, err
	}
	at := partPlace{in.Bucket, in.Key, in.UploadId, in.PartNumber}
	u, key, err := s.beginPart(ctx, call, at, in.ExpectedBucketOwner, customers)
	if err != nil {
		return nil, err
	}
	c := condition{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch,
		modified: in.CopySourceIfModifiedSince, unmodified: in.CopySourceIfUnmodifiedSince, prefix: "x-amz-copy-source-",
	}
	src, err := s.openSource(ctx, call, from, in.ExpectedSourceBucketOwner, sourceKey, c, func(size int64) (span, error) {
		if in.CopySourceRange == nil {
			return span{0, size}, nil
		}
		return parseCopyRange(*in.CopySourceRange, size)
	})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r, err := s.receive(ctx, src, claim{sum: sum{Algorithm: u.Object.Sum.Algorithm}, key: key})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, err := s.keepPart(ctx, at, r)
	if err != nil {
		return nil, err
	}
	result := &api.CopyPartResult{ETag: new(quoted(p.ETag)), LastModified: &p.Modified}
	if u.Explicit {
		setSum(result, p.Sum)
	}
	out := &api.UploadPartCopyOutput{CopyPartResult: result, CopySourceVersionId: src.version}
	setEncryption(out, u.Object.seal(), key)
	return out, nil
}
