package s3

import (
	"context"
	"errors"
	"iter"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxParts = 10_000

// CreateMultipartUpload begins an upload in parts.
func (s *Service) CreateMultipartUpload(ctx context.Context, call *aws.Call, in *api.CreateMultipartUploadInput) (*api.CreateMultipartUploadOutput, error) {
	if err := firstError(checkKey(in.Key), checkEncryption(in), checkClass(in.StorageClass)); err != nil {
		return nil, err
	}
	o, err := newObject(in, decodeMetadata(in.Metadata), in.Tagging)
	if err != nil {
		return nil, err
	}
	row, err := s.checkBucket(ctx, call, in.Bucket, in.ExpectedBucketOwner, o)
	if err != nil {
		return nil, err
	}
	key, err := s.keyFor(ctx, call, row, in, in.Bucket, in.Key)
	if err != nil {
		return nil, err
	}
	proof, err := key.newSeal()
	if err != nil {
		return nil, err
	}
	o.setSeal(proof)
	u := upload{Initiated: time.Now().UTC(), Initiator: call.Principal.ARN, Object: o}
	if u.Object.Sum, u.Explicit, err = chosenSum(in.ChecksumAlgorithm, in.ChecksumType); err != nil {
		return nil, err
	}
	id := newUploadID(u.Initiated)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		u := u
		if err := firstError(u.Object.place(tx, b, row, call), row.admits(o.locked())); err != nil {
			return err
		}
		old, _, err := latest(tx, b, in.Key)
		if err != nil {
			return err
		}
		u.Found = old.Seq
		return uploads.Put(tx, uploadKey{b, in.Key, id}, u)
	})
	if err != nil {
		return nil, err
	}
	out := &api.CreateMultipartUploadOutput{Bucket: &in.Bucket, Key: &in.Key, UploadId: &id}
	setEncryption(out, proof, key)
	if u.Explicit {
		out.ChecksumAlgorithm, out.ChecksumType = new(string(u.Object.Sum.Algorithm)), new(string(u.Object.Sum.Type))
	}
	return out, nil
}

// chosenSum returns how an upload in parts will be summed, and whether the
// client chose it.
func chosenSum(algorithm, kind *string) (sum, bool, error) {
	if algorithm == nil {
		if kind != nil {
			return sum{}, false, api.InvalidRequest.Errorf("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return sum{Algorithm: checksum.CRC64NVME, Type: checksum.FullObject}, false, nil
	}
	a, ok := checksum.Find(*algorithm)
	if !ok {
		return sum{}, false, api.InvalidRequest.Errorf("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
	}
	types := a.Types()
	if kind == nil {
		return sum{Algorithm: a, Type: types[0]}, true, nil
	}
	for _, t := range types {
		if string(t) == *kind {
			return sum{Algorithm: a, Type: t}, true, nil
		}
	}
	return sum{}, false, api.InvalidRequest.Errorf("The %s checksum type cannot be used with the %s checksum algorithm.", *kind, a.Lower())
}

// findUpload returns an upload that is under way.
func findUpload(tx *store.Tx, b aws.ARN, key, id string) (upload, error) {
	u, err := uploads.Get(tx, uploadKey{b, key, id})
	if errors.Is(err, store.ErrNotFound) {
		return upload{}, errNoUpload(id)
	}
	return u, err
}

func errPartNumber(n int32) error {
	return errArgument("partNumber", itoa(n), "Part number must be an integer between 1 and 10000, inclusive")
}

// UploadPart takes one part of an upload. A part of the same number is replaced.
func (s *Service) UploadPart(ctx context.Context, call *aws.Call, in *api.UploadPartInput) (*api.UploadPartOutput, error) {
	customers, err := customerKeyOf(in)
	if err != nil {
		return nil, err
	}
	at := partPlace{in.Bucket, in.Key, in.UploadId, in.PartNumber}
	c, err := claimOf(in, in.ContentMD5, in.Body)
	if err != nil {
		return nil, err
	}
	u, key, err := s.beginPart(ctx, call, at, in.ExpectedBucketOwner, customers)
	if err != nil {
		return nil, err
	}
	if c, err = c.forPart(u); err != nil {
		return nil, err
	}
	c.key = key
	r, err := s.receive(ctx, in.Body, c)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if _, err := s.keepPart(ctx, at, r); err != nil {
		return nil, err
	}
	out := &api.UploadPartOutput{ETag: new(quoted(r.etag))}
	setEncryption(out, u.Object.seal(), key)
	if c.explicit || u.Explicit {
		setSum(out, r.sum)
	}
	return out, nil
}

// forPart makes the claim of a part one that its upload can use: in the end it
// needs a checksum of its own algorithm, whatever the client sends.
func (c claim) forPart(u upload) (claim, error) {
	want := u.Object.Sum.Algorithm
	switch {
	case !c.explicit:
		c.sum.Algorithm = want
	case c.sum.Algorithm != want && u.Explicit:
		return c, api.InvalidRequest.Errorf("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			want.Lower(), c.sum.Algorithm.Lower())
	case c.sum.Algorithm != want:
		c.also = want
	}
	return c, nil
}

// A partPlace says where a part goes.
type partPlace struct {
	bucket, key, upload string
	number              int32
}

// beginPart refuses early what would be refused after the content has come, and
// returns the upload and its key. customers is that of the request.
func (s *Service) beginPart(ctx context.Context, call *aws.Call, at partPlace, expectedOwner *string, customers *contentKey) (u upload, key *contentKey, err error) {
	if at.number < 1 || at.number > maxParts {
		return u, nil, errPartNumber(at.number)
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, at.bucket, expectedOwner)
		if err != nil {
			return err
		}
		if u, err = findUpload(tx, b, at.key, at.upload); err != nil {
			return err
		}
		return customers.continues(u.Object.seal())
	})
	if err != nil {
		return u, nil, err
	}
	key, err = s.keyOf(ctx, call, u.Object.seal(), customers)
	return u, key, err
}

// keepPart makes r a part, in place of the one there may be.
func (s *Service) keepPart(ctx context.Context, at partPlace, r *received) (part, error) {
	p := part{
		Modified: time.Now().UTC().Truncate(time.Second),
		Size:     r.size, ETag: r.etag, Sum: r.sum,
	}
	if r.seal != nil {
		p.Seal = &seal{Salt: r.seal.Salt} // the upload has the rest
	}
	if r.also.Algorithm != "" {
		p.Sum = r.also
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b := bucketARN(at.bucket)
		if _, err := findUpload(tx, b, at.key, at.upload); err != nil {
			return err
		}
		k := partKey{b, at.upload, at.number}
		old, err := parts.Get(tx, k)
		if err == nil {
			err = s.blobs.Drop(tx, old.Body)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if p.Body, err = r.Keep(tx); err != nil {
			return err
		}
		return parts.Put(tx, k, p)
	})
	return p, err
}

// AbortMultipartUpload gives up an upload and what has come of it.
func (s *Service) AbortMultipartUpload(ctx context.Context, call *aws.Call, in *api.AbortMultipartUploadInput) (*api.AbortMultipartUploadOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, _, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if _, err := findUpload(tx, b, in.Key, in.UploadId); err != nil {
			return err
		}
		if err := s.dropParts(tx, b, in.UploadId); err != nil {
			return err
		}
		return uploads.Delete(tx, uploadKey{b, in.Key, in.UploadId})
	})
	if err != nil {
		return nil, err
	}
	return &api.AbortMultipartUploadOutput{}, nil
}

// ListParts lists the parts of an upload that have come.
func (s *Service) ListParts(ctx context.Context, call *aws.Call, in *api.ListPartsInput) (*api.ListPartsOutput, error) {
	most, err := maxOf("max-parts", in.MaxParts)
	if err != nil {
		return nil, err
	}
	after := aws.Value(in.PartNumberMarker)
	out := &api.ListPartsOutput{
		Bucket: &in.Bucket, Key: &in.Key, UploadId: &in.UploadId, IsTruncated: new(false),
		MaxParts: new(int32(most)), PartNumberMarker: &after, NextPartNumberMarker: new(int32(0)),
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		u, err := findUpload(tx, b, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		out.Owner, out.Initiator, out.StorageClass = ownerOf(row), u.initiator(row), new(u.Object.class())
		if u.Explicit {
			out.ChecksumAlgorithm, out.ChecksumType = new(string(u.Object.Sum.Algorithm)), new(string(u.Object.Sum.Type))
		}
		for k, p := range parts.ScanAfter(tx, partKey{Bucket: b, Upload: in.UploadId}, partKey{b, in.UploadId, after}) {
			if len(out.Parts) == most {
				out.IsTruncated = new(true)
				break
			}
			entry := api.Part{PartNumber: &k.Number, ETag: new(quoted(p.ETag)), Size: &p.Size, LastModified: &p.Modified}
			if u.Explicit {
				setSum(&entry, p.Sum)
			}
			out.Parts = append(out.Parts, entry)
			out.NextPartNumberMarker = &k.Number
		}
		return nil
	})
	return out, err
}

// initiator is who began u. The root of the account is its owner.
func (u upload) initiator(row bucket) *api.Initiator {
	if u.Initiator == "arn:aws:iam::"+row.Owner+":root" {
		return &api.Initiator{ID: new(canonicalID(row.Owner))}
	}
	return &api.Initiator{ID: &u.Initiator}
}

// ListMultipartUploads lists the uploads under way, by key and then by time.
func (s *Service) ListMultipartUploads(ctx context.Context, call *aws.Call, in *api.ListMultipartUploadsInput) (*api.ListMultipartUploadsOutput, error) {
	l, err := newListing(in.Prefix, in.Delimiter, in.KeyMarker, in.MaxUploads, in.EncodingType)
	if err != nil {
		return nil, err
	}
	marker := aws.Value(in.UploadIdMarker)
	if l.after == "" {
		marker = "" // means nothing without a key
	}
	l.from = marker != ""
	out := &api.ListMultipartUploadsOutput{
		Bucket: &in.Bucket, KeyMarker: new(l.encode(l.after)), UploadIdMarker: &marker, MaxUploads: new(int32(l.max)),
		EncodingType: in.EncodingType, NextKeyMarker: new(""), NextUploadIdMarker: new(""),
	}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if marker != "" {
			if _, err := uploads.Get(tx, uploadKey{b, l.after, marker}); err != nil {
				return errArgument("upload-id-marker", marker, "Invalid uploadId marker")
			}
		}
		walk(l, uploadsFrom(tx, b), func(key string, u begun) bool {
			if key == l.after && u.id <= marker {
				return true
			}
			if !l.add(key) {
				return false
			}
			out.Uploads = append(out.Uploads, u.entry(l.encode(key), row))
			out.NextKeyMarker, out.NextUploadIdMarker = new(l.encode(key)), &u.id
			return true
		})
		return tx.Err()
	})
	out.IsTruncated, out.CommonPrefixes = &l.truncated, l.prefixes
	if l.prefix != "" {
		out.Prefix = new(l.encode(l.prefix))
	}
	if l.delimiter != "" {
		out.Delimiter = new(l.encode(l.delimiter))
	}
	return out, err
}

// A begun is an upload in a listing.
type begun struct {
	id string
	upload
}

func (u begun) entry(key string, row bucket) api.MultipartUpload {
	entry := api.MultipartUpload{
		Key: &key, UploadId: &u.id, Initiated: &u.Initiated,
		Owner: ownerOf(row), Initiator: u.initiator(row), StorageClass: new(u.Object.class()),
	}
	if u.Explicit {
		entry.ChecksumAlgorithm, entry.ChecksumType = new(string(u.Object.Sum.Algorithm)), new(string(u.Object.Sum.Type))
	}
	return entry
}

func uploadsFrom(tx *store.Tx, b aws.ARN) func(from string) iter.Seq2[string, begun] {
	return func(from string) iter.Seq2[string, begun] {
		return func(yield func(string, begun) bool) {
			for k, u := range uploads.Range(tx, uploadKey{Bucket: b, Key: from}, uploadKey{Bucket: past(b)}) {
				if !yield(k.Key, begun{k.ID, u}) {
					return
				}
			}
		}
	}
}
