package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

// minPart is the least size of a part that is not the last.
const minPart = 5 << 20

// CompleteMultipartUpload makes an object of the parts that are listed.
func (s *Service) CompleteMultipartUpload(ctx context.Context, call *aws.Call, in *api.CompleteMultipartUploadInput) (*api.CompleteMultipartUploadOutput, error) {
	g := guard{in.IfMatch, in.IfNoneMatch}
	if err := firstError(g.check(), checkKnownSums(in), checkPartList(in)); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	var o object
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		b, row, err := findBucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		u, err := findUpload(tx, b, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		c := completion{in: in, upload: u, object: u.Object}
		if err := c.collect(tx, b); err != nil {
			return err
		}
		if err := c.allowed(tx, b, g); err != nil {
			return err
		}
		if err := s.dropOthers(tx, b, in.UploadId, c.used); err != nil {
			return err
		}
		c.object.Modified = now
		if c.object.seal().customers() && !u.Explicit {
			c.object.Sum = sum{} // of parts with a customer's key AWS keeps none that was not asked for
		}
		if o, err = s.putVersion(tx, b, row, in.Key, c.object); err != nil {
			return err
		}
		if o.expires, err = expires(tx, b, row, in.Key, &o); err != nil {
			return err
		}
		if err := s.tell(tx, row, deed{call: call, bucket: in.Bucket, key: in.Key, event: "ObjectCreated:CompleteMultipartUpload", reason: "CompleteMultipartUpload"}, o); err != nil {
			return err
		}
		return uploads.Delete(tx, uploadKey{b, in.Key, in.UploadId})
	})
	if err != nil {
		return nil, err
	}
	out := &api.CompleteMultipartUploadOutput{
		Bucket: &in.Bucket, Key: &in.Key, ETag: new(quoted(o.ETag)), VersionId: o.versionID(),
		Expiration: o.expires,
		Location:   new(location(call, in.Bucket, in.Key)),
	}
	if !o.seal().customers() {
		setEncryption(out, o.seal(), nil)
	}
	if o.seal().tells() {
		setSum(out, o.Sum)
	}
	return out, nil
}

// location is the URL of an object, as the caller could ask for it.
func location(call *aws.Call, bucket, key string) string {
	u := url.URL{Scheme: "http", Host: call.Host, Path: "/" + bucket + "/" + key}
	if call.Secure {
		u.Scheme = "https"
	}
	if strings.HasPrefix(u.Host, bucket+".") {
		u.Path = "/" + key
	}
	return u.String()
}

// checkPartList refuses lists of parts that no upload could have.
func checkPartList(in *api.CompleteMultipartUploadInput) error {
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return api.InvalidRequest.Errorf("You must specify at least one part")
	}
	if len(in.MultipartUpload.Parts) > maxParts {
		return errMalformed()
	}
	last := int32(0)
	for _, p := range in.MultipartUpload.Parts {
		if p.PartNumber == nil || p.ETag == nil {
			return errMalformed()
		}
		if *p.PartNumber <= last {
			return api.InvalidPartOrder.With(&api.InvalidPartOrderDetail{UploadId: in.UploadId},
				"The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		last = *p.PartNumber
	}
	return nil
}

// A completion makes an object of parts.
type completion struct {
	in     *api.CompleteMultipartUploadInput
	upload upload
	object object         // that is made
	used   map[int32]bool // numbers of its parts
}

// collect finds the parts that are listed and makes the object of them.
func (c *completion) collect(tx *store.Tx, b aws.ARN) error {
	o, listed := &c.object, c.in.MultipartUpload.Parts
	c.used = make(map[int32]bool)
	var found []checksum.Part
	digests := md5.New()
	for i := range listed {
		p, err := parts.Get(tx, partKey{b, c.in.UploadId, *listed[i].PartNumber})
		if errors.Is(err, store.ErrNotFound) {
			return c.errPart(&listed[i])
		}
		if err != nil {
			return err
		}
		if err := c.checkPart(&listed[i], p, i == len(listed)-1); err != nil {
			return err
		}
		c.used[*listed[i].PartNumber] = true
		digest, err := hex.DecodeString(p.ETag)
		if err != nil {
			return err
		}
		digests.Write(digest)
		sum, _ := p.Sum.Algorithm.Decode(p.Sum.Value)
		found = append(found, checksum.Part{Sum: sum, Size: p.Size})
		o.Size += p.Size
	}
	o.Upload, o.Parts = c.in.UploadId, int32(len(listed))
	o.ETag = hex.EncodeToString(digests.Sum(nil)) + "-" + itoa(len(listed))
	o.Sum.Value = o.Sum.Algorithm.Whole(o.Sum.Type, found)
	return c.checkWhole()
}

// checkPart refuses a part that is not what the client says it is.
func (c *completion) checkPart(listed *api.CompletedPart, p part, last bool) error {
	if unquoted(*listed.ETag) != p.ETag {
		return c.errPart(listed)
	}
	said := sums(listed)
	for _, s := range said {
		if s.Algorithm != p.Sum.Algorithm || s.Value != p.Sum.Value {
			return c.errPart(listed)
		}
	}
	if len(said) == 0 && c.object.Sum.Type == checksum.Composite {
		return api.InvalidRequest.Errorf("The upload was created using a %s checksum. The complete request must include"+
			" the checksum for each part. It was missing for part %d in the request.", p.Sum.Algorithm.Lower(), *listed.PartNumber)
	}
	if !last && p.Size < minPart {
		return api.EntityTooSmall.With(&api.EntityTooSmallDetail{
			ETag: p.ETag, MinSizeAllowed: itoa(minPart), PartNumber: itoa(*listed.PartNumber), ProposedSize: itoa(p.Size),
		}, "Your proposed upload is smaller than the minimum allowed size")
	}
	return nil
}

func (c *completion) errPart(listed *api.CompletedPart) error {
	return api.InvalidPart.With(&api.InvalidPartDetail{
		ETag: unquoted(*listed.ETag), PartNumber: itoa(*listed.PartNumber), UploadId: c.in.UploadId,
	}, "One or more of the specified parts could not be found.  The part may not have been uploaded,"+
		" or the specified entity tag may not match the part's entity tag.")
}

// checkWhole refuses an object that is not what the client says it is.
func (c *completion) checkWhole() error {
	o := &c.object
	if size := c.in.MpuObjectSize; size != nil && *size != o.Size {
		return api.InvalidRequest.Errorf("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *size, o.Size)
	}
	mode := "null"
	if c.upload.Explicit {
		mode = string(o.Sum.Type)
	}
	if t := c.in.ChecksumType; t != nil && *t != mode {
		return api.InvalidRequest.Errorf("The upload was created using the %s checksum mode. The complete request must use the same checksum mode.", mode)
	}
	for _, s := range sums(c.in) {
		value, _, _ := strings.Cut(o.Sum.Value, "-")
		if s.Algorithm != o.Sum.Algorithm || s.Value != o.Sum.Value && s.Value != value {
			return errBadSum(o.Sum.Algorithm.Lower())
		}
	}
	return nil
}

// allowed refuses to replace what g does not want replaced, or what has changed
// since the upload began.
func (c *completion) allowed(tx *store.Tx, b aws.ARN, g guard) error {
	if g == (guard{}) {
		return nil
	}
	old, found, err := latest(tx, b, c.in.Key)
	if err != nil {
		return err
	}
	there := found && !old.Marker
	changed := old.Seq != c.upload.Found || there && old.Modified.After(c.upload.Initiated) // one that was deleted, and put again
	if changed && there == (g.match != nil) {
		header := "If-None-Match"
		if g.match != nil {
			header = "If-Match"
		}
		return api.ConditionalRequestConflict.With(&api.ConditionalRequestConflictDetail{Condition: header, Key: c.in.Key},
			"The conditional request cannot succeed due to a conflicting operation against this resource.")
	}
	return g.allows(c.in.Key, old, found)
}

// dropOthers removes the parts of an upload that are not used.
func (s *Service) dropOthers(tx *store.Tx, b aws.ARN, id string, used map[int32]bool) error {
	for k, p := range parts.Scan(tx, partKey{Bucket: b, Upload: id}) {
		if used[k.Number] {
			continue
		}
		if err := s.blobs.Drop(tx, p.Body); err != nil {
			return err
		}
		if err := parts.Delete(tx, k); err != nil {
			return err
		}
	}
	return nil
}
