package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

// PutObject makes an object, or a new version of one.
func (s *Service) PutObject(ctx context.Context, call *aws.Call, in *api.PutObjectInput) (*api.PutObjectOutput, error) {
	return s.put(ctx, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectCreated:Put", reason: "PutObject"}, in)
}

// put does d, which is to make an object of in.
func (s *Service) put(ctx context.Context, d deed, in *api.PutObjectInput) (*api.PutObjectOutput, error) {
	g := guard{in.IfMatch, in.IfNoneMatch}
	if err := firstError(checkKey(in.Key), g.check(), checkPut(in)); err != nil {
		return nil, err
	}
	metadata := in.Metadata
	if d.event != posted { // forms are not encoded
		metadata = decodeMetadata(metadata)
	}
	o, err := newObject(in, metadata, in.Tagging)
	if err != nil {
		return nil, err
	}
	c, err := claimOf(in, in.ContentMD5, in.Body)
	if err != nil {
		return nil, err
	}
	if _, err := customerKeyOf(in); err != nil {
		return nil, err
	}
	if o.locked() != (lock{}) && c.md5 == nil && !c.explicit {
		return nil, api.InvalidRequest.Errorf("Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
	}
	row, err := s.checkBucket(ctx, d.call, in.Bucket, in.ExpectedBucketOwner, o)
	if err != nil {
		return nil, err
	}
	if c.key, err = s.keyFor(ctx, d.call, row, in, in.Bucket, in.Key); err != nil {
		return nil, err
	}
	r, err := s.receive(ctx, in.Body, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if o, err = s.keep(ctx, d, o, r, g); err != nil {
		return nil, err
	}
	out := &api.PutObjectOutput{ETag: new(quoted(o.ETag)), VersionId: o.namedVersion(), Expiration: o.expires}
	setEncryption(out, o.seal(), c.key)
	setSum(out, o.Sum)
	return out, nil
}

// checkPut refuses what PutObject takes but we do not.
func checkPut(in *api.PutObjectInput) error {
	switch {
	case in.WriteOffsetBytes != nil:
		return errHeader("x-amz-write-offset-bytes", "")
	}
	return firstError(checkEncryption(in), checkClass(in.StorageClass))
}

// checkBucket refuses early what would be refused after all content has come.
func (s *Service) checkBucket(ctx context.Context, call *aws.Call, name string, expectedOwner *string, o object) (row bucket, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		var b aws.ARN
		if b, row, err = findBucket(tx, name, expectedOwner); err != nil {
			return err
		}
		return firstError(o.place(tx, b, row, call), row.admits(o.locked()))
	})
	return row, err
}

// place makes o, which call writes, its owner's, if its list may be what it
// wishes for.
func (o *object) place(tx *store.Tx, b aws.ARN, row bucket, call *aws.Call) error {
	writer := call.Principal.Account
	if call.Principal.Kind == aws.Service {
		writer = call.Account
	}
	if o.wish.canned == "" && len(o.wish.grants) == 0 && writer == row.Owner {
		return nil
	}
	c, err := findSettings(tx, b)
	if err != nil {
		return err
	}
	if err := c.admits(o.wish, row); err != nil {
		return err
	}
	c.own(o, o.wish, row, writer)
	return nil
}

// newObject returns an object of what the members of in say of it.
func newObject(in any, metadata map[string]string, tagging *string) (object, error) {
	tags, err := parseTagging(aws.Value(tagging))
	if err != nil {
		return object{}, err
	}
	if err := checkMetadata(metadata); err != nil {
		return object{}, err
	}
	o := object{Metadata: metadata, Tags: tags}
	copyMembers(&o.Headers, in)
	var more struct{ StorageClass *string }
	copyMembers(&more, in)
	if class := aws.Value(more.StorageClass); class != api.StorageClassStandard {
		o.Class = class
	}
	if o.wish, err = wishOf(in); err != nil {
		return o, err
	}
	l, err := lockOf(in)
	o.setLock(l)
	return o, err
}

// keep does d: it makes r the content of o, and o the latest version of the key.
func (s *Service) keep(ctx context.Context, d deed, o object, r *received, g guard) (object, error) {
	o.Modified = time.Now().UTC().Truncate(time.Second)
	o.Size, o.ETag, o.Sum = r.size, r.etag, r.sum
	o.setSeal(r.seal)
	var kept object
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, d.bucket, nil)
		if err != nil {
			return err
		}
		old, found, err := latest(tx, b, d.key)
		if err != nil {
			return err
		}
		if err := g.allows(d.key, old, found); err != nil {
			return err
		}
		o := o
		if err := o.place(tx, b, row, d.call); err != nil {
			return err
		}
		if o.Body, err = r.Keep(tx); err != nil {
			return err
		}
		if kept, err = s.putVersion(tx, b, row, d.key, o); err != nil {
			return err
		}
		if kept.expires, err = expires(tx, b, row, d.key, &kept); err != nil {
			return err
		}
		return s.tell(tx, row, d, kept)
	})
	return kept, err
}

// GetObject returns an object's content, or a range or a part of it.
func (s *Service) GetObject(ctx context.Context, call *aws.Call, in *api.GetObjectInput) (*api.GetObjectOutput, error) {
	return s.get(ctx, call, in, http.MethodGet)
}

// HeadObject says what GetObject would, without the content.
func (s *Service) HeadObject(ctx context.Context, call *aws.Call, in *api.HeadObjectInput) (*api.HeadObjectOutput, error) {
	got, err := s.get(ctx, call, (*api.GetObjectInput)(in), http.MethodHead)
	if err != nil {
		return nil, err
	}
	out := &api.HeadObjectOutput{Metadata: encodeMetadata(got.Metadata)}
	copyMembers(out, got)
	return out, nil
}

func (s *Service) get(ctx context.Context, call *aws.Call, in *api.GetObjectInput, method string) (*api.GetObjectOutput, error) {
	key, err := readingKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	if err != nil {
		return nil, err
	}
	c := condition{match: in.IfMatch, noneMatch: in.IfNoneMatch, modified: in.IfModifiedSince, unmodified: in.IfUnmodifiedSince}
	out := new(api.GetObjectOutput)
	var content *reader
	var at *seal
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, in.Key, in.VersionId, method)
		if err != nil {
			return err
		}
		if err := firstError(o.checkOpen(tx, b, row, call, api.PermissionRead), key.opens(o.seal()), c.check(o)); err != nil {
			return err
		}
		describe(out, o)
		at = o.seal()
		setEncryption(out, at, key)
		if in.VersionId == nil {
			if out.Expiration, err = expires(tx, b, row, in.Key, &o); err != nil {
				return err
			}
		}
		part, err := s.chosen(tx, b, o, in, out)
		if err != nil || method == http.MethodHead {
			return err
		}
		if err := checkReadable(&o); err != nil {
			return err
		}
		content, err = s.open(ctx, tx, b, o, part)
		return err
	})
	if err != nil {
		return nil, err
	}
	if content != nil {
		if content.key, err = s.keyOf(ctx, call, at, key); err != nil {
			return nil, errors.Join(err, content.Close())
		}
		out.Body = content
	}
	overrideHeaders(out, in)
	return out, nil
}

// describe sets the members of out that are the same whatever is asked for.
func describe(out *api.GetObjectOutput, o object) {
	copyMembers(out, &o.Headers)
	out.Metadata = encodeMetadata(o.Metadata)
	out.AcceptRanges = new("bytes")
	out.ETag = new(quoted(o.ETag))
	out.LastModified = &o.Modified
	out.VersionId = o.versionID()
	out.Restore = o.restoration()
	if o.More != nil && o.More.Replication.Status != "" {
		out.ReplicationStatus = &o.More.Replication.Status
	}
	if l := o.locked(); l.Mode != "" {
		out.ObjectLockMode, out.ObjectLockRetainUntilDate = &l.Mode, &l.Until
	}
	if l := o.locked(); l.Hold != "" {
		out.ObjectLockLegalHoldStatus = &l.Hold
	}
	if out.ContentType == nil {
		out.ContentType = new("binary/octet-stream")
	}
	if o.Class != "" {
		out.StorageClass = &o.Class
	}
	if len(o.Tags) > 0 {
		out.TagCount = new(int32(len(o.Tags)))
	}
}

// chosen returns the span of o that in asks for, and sets the members of out
// that depend on it.
func (s *Service) chosen(tx *store.Tx, b aws.ARN, o object, in *api.GetObjectInput, out *api.GetObjectOutput) (span, error) {
	all := span{0, o.Size}
	at, partial, said := all, false, o.Sum
	var err error
	switch {
	case in.PartNumber != nil && in.Range != nil:
		err = api.InvalidRequest.Errorf("Cannot specify both Range header and partNumber query parameter")
	case in.PartNumber != nil:
		partial = true
		at, said, err = findPart(tx, b, o, *in.PartNumber)
		if o.Parts > 0 {
			out.PartsCount = &o.Parts
		}
	case in.Range != nil:
		at, partial, err = parseRange(*in.Range, o.Size)
		if at != all {
			said = sum{}
		}
	}
	if err != nil {
		return span{}, err
	}
	out.ContentLength = &at.size
	if partial {
		out.StatusCode = new(int32(http.StatusPartialContent))
		if o.Size > 0 {
			out.ContentRange = new(fmt.Sprintf("bytes %d-%d/%d", at.from, at.from+at.size-1, o.Size))
		}
	}
	if strings.EqualFold(aws.Value(in.ChecksumMode), api.ChecksumModeEnabled) {
		setSum(out, said)
	}
	return at, nil
}

// findPart returns where part number n of o is, and its checksum. An object
// that did not come in parts is its own only part.
func findPart(tx *store.Tx, b aws.ARN, o object, n int32) (span, sum, error) {
	if n < 1 || n > maxParts {
		return span{}, sum{}, errPartNumber(n)
	}
	if o.Upload == "" {
		if n > 1 {
			return span{}, sum{}, errNoPart(1, n)
		}
		return span{0, o.Size}, o.Sum, nil
	}
	start := int64(0)
	for k, p := range parts.Scan(tx, partKey{Bucket: b, Upload: o.Upload}) {
		if k.Number == n {
			said := sum{} // what is known of the whole alone is not said of parts
			if o.Sum.Type == checksum.Composite || o.Parts == 1 {
				said = p.Sum
				said.Type = o.Sum.Type
			}
			return span{start, p.Size}, said, nil
		}
		start += p.Size
	}
	return span{}, sum{}, errNoPart(o.Parts, n)
}

func errNoPart(count, n int32) error {
	return api.InvalidPartNumber.With(&api.InvalidPartNumberDetail{ActualPartCount: fmt.Sprint(count), PartNumberRequested: fmt.Sprint(n)},
		"The requested partnumber is not satisfiable")
}

// overrideHeaders sets headers of an answer to what the request says they be.
func overrideHeaders(out *api.GetObjectOutput, in *api.GetObjectInput) {
	for _, h := range []struct{ to, from **string }{
		{&out.CacheControl, &in.ResponseCacheControl},
		{&out.ContentDisposition, &in.ResponseContentDisposition},
		{&out.ContentEncoding, &in.ResponseContentEncoding},
		{&out.ContentLanguage, &in.ResponseContentLanguage},
		{&out.ContentType, &in.ResponseContentType},
	} {
		if *h.from != nil {
			*h.to = *h.from
		}
	}
	if in.ResponseExpires != nil {
		out.Expires = new(in.ResponseExpires.UTC().Format(http.TimeFormat))
	}
}

// GetObjectAttributes says what is asked of an object.
func (s *Service) GetObjectAttributes(ctx context.Context, call *aws.Call, in *api.GetObjectAttributesInput) (*api.GetObjectAttributesOutput, error) {
	key, err := readingKey(in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5)
	if err := firstError(err, checkAttributes(in.ObjectAttributes)); err != nil {
		return nil, err
	}
	out := new(api.GetObjectAttributesOutput)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		o, err := findObject(tx, b, row, in.Key, in.VersionId, http.MethodGet)
		if err != nil {
			return err
		}
		if err := firstError(o.checkOpen(tx, b, row, call, api.PermissionRead), key.opens(o.seal())); err != nil {
			return err
		}
		out.LastModified, out.VersionId = &o.Modified, o.versionID()
		for _, a := range in.ObjectAttributes {
			if err := setAttribute(tx, b, o, strings.TrimSpace(a), in, out); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func checkAttributes(names []string) error {
	for _, n := range names {
		switch strings.TrimSpace(n) {
		case api.ObjectAttributesETag, api.ObjectAttributesChecksum, api.ObjectAttributesObjectParts,
			api.ObjectAttributesStorageClass, api.ObjectAttributesObjectSize:
		default:
			return errArgument("x-amz-object-attributes", n, "Invalid attribute name specified.")
		}
	}
	return nil
}

// setAttribute sets the member of out that is called name to what o has.
func setAttribute(tx *store.Tx, b aws.ARN, o object, name string, in *api.GetObjectAttributesInput, out *api.GetObjectAttributesOutput) error {
	switch name {
	case api.ObjectAttributesETag:
		out.ETag = &o.ETag
	case api.ObjectAttributesObjectSize:
		out.ObjectSize = &o.Size
	case api.ObjectAttributesStorageClass:
		out.StorageClass = new(o.class())
	case api.ObjectAttributesChecksum:
		if o.Sum.Algorithm == "" {
			return nil
		}
		said := o.Sum
		said.Value, _, _ = strings.Cut(said.Value, "-") // the number of parts is not said here
		out.Checksum = new(api.Checksum)
		setSum(out.Checksum, said)
	case api.ObjectAttributesObjectParts:
		if o.Upload == "" {
			return nil
		}
		out.ObjectParts = &api.GetObjectAttributesParts{TotalPartsCount: &o.Parts}
		if o.Sum.Type == checksum.Composite {
			listObjectParts(tx, b, o, in, out.ObjectParts)
		}
	}
	return nil
}

// listObjectParts lists the parts of o that in asks for.
func listObjectParts(tx *store.Tx, b aws.ARN, o object, in *api.GetObjectAttributesInput, out *api.GetObjectAttributesParts) {
	most, after := aws.Or(in.MaxParts, usualMax), aws.Value(in.PartNumberMarker)
	out.MaxParts, out.PartNumberMarker = &most, &after
	out.IsTruncated, out.NextPartNumberMarker = new(false), new(int32(0))
	prefix := partKey{Bucket: b, Upload: o.Upload}
	for k, p := range parts.ScanAfter(tx, prefix, partKey{b, o.Upload, after}) {
		if int32(len(out.Parts)) == most {
			out.IsTruncated = new(true)
			break
		}
		op := api.ObjectPart{PartNumber: new(k.Number), Size: new(p.Size)}
		setSum(&op, p.Sum)
		out.Parts = append(out.Parts, op)
		out.NextPartNumberMarker = new(k.Number)
	}
}

// class is the storage class of o.
func (o object) class() string {
	if o.Class == "" {
		return api.StorageClassStandard
	}
	return o.Class
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

var _ io.ReadCloser = (*reader)(nil)
