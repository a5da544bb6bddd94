package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/textproto"
	"reflect"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/service/s3/sealed"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxContent is the most that comes in one request.
const maxContent = 5 << 30

// A claim is what a client says that its content sums to.
type claim struct {
	md5      []byte // nil if it does not say
	sum      sum    // the algorithm is never empty; the value is if it comes after the content, or not at all
	trailing bool   // it comes after
	explicit bool   // it comes at all

	also checksum.Algorithm // sum the content by this one too, if not empty

	key *contentKey // encrypt the content with this one, if not nil
}

// claimOf reads the claim of an input, in, whose content is body.
func claimOf(in any, contentMD5 *string, body io.Reader) (claim, error) {
	c := claim{sum: sum{Algorithm: checksum.CRC64NVME, Type: checksum.FullObject}}
	if contentMD5 != nil {
		b, err := base64.StdEncoding.DecodeString(*contentMD5)
		if err != nil || len(b) != md5.Size {
			return c, api.InvalidDigest.With(&api.InvalidDigestDetail{Content_MD5: contentMD5}, "The Content-MD5 you specified was invalid.")
		}
		c.md5 = b
	}
	if err := checkKnownSums(in); err != nil {
		return c, err
	}
	said := sums(in)
	trailing, err := announced(body)
	if err != nil {
		return c, err
	}
	switch {
	case len(said)+len(trailing) > 1:
		return c, api.InvalidRequest.Errorf("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
	case len(said) == 1:
		c.sum.Algorithm, c.sum.Value, c.explicit = said[0].Algorithm, said[0].Value, true
		return c, checkSum(c.sum)
	case len(trailing) == 1:
		c.sum.Algorithm, c.trailing, c.explicit = trailing[0], true, true
	}
	return c, nil
}

// checkKnownSums refuses checksums of algorithms that there are not here.
func checkKnownSums(in any) error {
	v := reflect.ValueOf(in).Elem()
	for _, name := range []string{"XXHASH64", "XXHASH3", "XXHASH128"} {
		if f := v.FieldByName("Checksum" + name); f.IsValid() && !f.IsNil() {
			return errLacking("checksums with " + name)
		}
	}
	return nil
}

func checkSum(s sum) error {
	if _, ok := s.Algorithm.Decode(s.Value); !ok {
		return api.InvalidRequest.Errorf("Value for %s header is invalid.", s.Algorithm.Header())
	}
	return nil
}

// announced returns the algorithms of the checksums that follow body.
func announced(body io.Reader) ([]checksum.Algorithm, error) {
	b, ok := body.(smithy.Body)
	if !ok {
		return nil, nil
	}
	var found []checksum.Algorithm
	for name := range b.Trailer() {
		name, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-checksum-")
		if !ok {
			continue
		}
		a, ok := checksum.Find(name)
		if !ok {
			return nil, errLacking("checksums with " + strings.ToUpper(name))
		}
		found = append(found, a)
	}
	return found, nil
}

// Received is content that is on disk, and what it sums to. It must be closed.
type received struct {
	*store.Upload
	size int64
	etag string
	sum  sum
	also sum // by the claim's second algorithm
	seal *seal

	sealing *sealed.Writer // to disk; nil if the content is not encrypted
}

// receive reads body to its end and keeps it, if it is what c claims.
func (s *Service) receive(ctx context.Context, body io.Reader, c claim) (*received, error) {
	if body == nil {
		body = bytes.NewReader(nil)
	}
	r := &received{Upload: s.blobs.Create(ctx), sum: c.sum, also: sum{Algorithm: c.also}}
	sum, digest, also := c.sum.Algorithm.New(), md5.New(), hash.Hash(nil)
	to := []io.Writer{sum, digest}
	if c.also != "" {
		also = c.also.New()
		to = append(to, also)
	}
	disk, err := r.disk(c.key)
	if err != nil {
		r.Close()
		return nil, err
	}
	to = append(to, disk) // last: with the race detector on, pebble's files in memory spoil what they were given
	buffer := s.buffers.Get().(*[]byte)
	defer s.buffers.Put(buffer)
	n, err := io.CopyBuffer(io.MultiWriter(to...), io.LimitReader(body, maxContent+1), *buffer)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = api.IncompleteBody.Errorf("You did not provide the number of bytes specified by the Content-Length HTTP header")
	case err != nil:
		err = fmt.Errorf("receive content: %w", err)
	case n > maxContent:
		err = errTooLarge(n)
	default:
		err = c.verify(body, sum, digest)
	}
	if r.sealing != nil {
		err = errors.Join(err, r.sealing.Close())
	}
	if err == nil {
		err = r.Finish()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	r.size, r.etag = n, hex.EncodeToString(digest.Sum(nil))
	if !r.seal.tells() {
		r.etag = newETag()
	}
	r.sum.Value = checksum.Encode(sum.Sum(nil))
	if also != nil {
		r.also.Value = checksum.Encode(also.Sum(nil))
	}
	return r, nil
}

// disk is where the content of r goes: there it is encrypted with k.
func (r *received) disk(k *contentKey) (io.Writer, error) {
	var err error
	if r.seal, err = k.newSeal(); err != nil || k == nil {
		return r.Upload, err
	}
	key, err := k.sealing(r.seal)
	if err != nil {
		return nil, err
	}
	r.sealing = key.NewWriter(r.Upload)
	return r.sealing, nil
}

func errTooLarge(n int64) error {
	return api.EntityTooLarge.With(&api.EntityTooLargeDetail{ProposedSize: fmt.Sprint(n), MaxSizeAllowed: fmt.Sprint(maxContent)},
		"Your proposed upload exceeds the maximum allowed size")
}

// verify refuses content that is not what was claimed.
func (c claim) verify(body io.Reader, sum, digest hash.Hash) error {
	if got := digest.Sum(nil); c.md5 != nil && !bytes.Equal(c.md5, got) {
		return api.BadDigest.With(&api.BadDigestDetail{
			ExpectedDigest: new(hex.EncodeToString(c.md5)), CalculatedDigest: new(base64.StdEncoding.EncodeToString(got)),
		}, "The Content-MD5 you specified did not match what we received.")
	}
	if !c.explicit {
		return nil
	}
	if c.trailing {
		name := textproto.CanonicalMIMEHeaderKey(c.sum.Algorithm.Header())
		if v := body.(smithy.Body).Trailer()[name]; len(v) > 0 {
			c.sum.Value = v[0]
		}
		if err := checkSum(c.sum); err != nil {
			return err
		}
	}
	if c.sum.Value != checksum.Encode(sum.Sum(nil)) {
		return errBadSum(string(c.sum.Algorithm))
	}
	return nil
}

func errBadSum(name string) error {
	return api.BadDigest.Errorf("The %s you specified did not match the calculated checksum.", name)
}

// A span is a part of content.
type span struct{ from, size int64 }

// A reader reads a span of an object's content, piece by piece.
type reader struct {
	ctx  context.Context
	s    *Service
	key  *contentKey // of what is sealed
	todo []piece
	now  *opened
}

// An opened piece is being read.
type opened struct {
	io.Reader
	io.Closer
}

// A piece is a span of one body.
type piece struct {
	body store.Body
	seal *seal
	span span
	open *store.BodyReader // if it is already
}

// open returns a reader of a span of o. It goes on to read what it began,
// whatever becomes of o, unless o is in parts, is removed, and reading it takes
// longer than the store leaves removed files where they are. If o is sealed, the
// reader needs its key.
func (s *Service) open(ctx context.Context, tx *store.Tx, b aws.ARN, o object, at span) (*reader, error) {
	r := &reader{ctx: ctx, s: s}
	if o.Upload == "" {
		r.todo = []piece{{body: o.Body, seal: o.seal(), span: at}}
	} else {
		start := int64(0)
		for _, p := range parts.Scan(tx, partKey{Bucket: b, Upload: o.Upload}) {
			from, to := max(at.from, start), min(at.from+at.size, start+p.Size)
			if from < to {
				r.todo = append(r.todo, piece{body: p.Body, seal: p.Seal, span: span{from - start, to - from}})
			}
			start += p.Size
		}
	}
	for i := range r.todo {
		// The first, to fail now if at all; and what is kept as a row, which goes with its object.
		if p := &r.todo[i]; i == 0 || p.body.Size <= store.MaxInline {
			var err error
			if p.open, err = s.blobs.Open(tx, p.body); err != nil {
				r.Close()
				return nil, err
			}
		}
	}
	return r, nil
}

func (r *reader) Read(b []byte) (int, error) {
	for {
		if r.now == nil {
			if err := r.next(); err != nil {
				return 0, err
			}
		}
		n, err := r.now.Read(b)
		if err != io.EOF {
			return n, err
		}
		if err := r.now.Close(); err != nil {
			return n, err
		}
		r.now = nil
		if n > 0 {
			return n, nil
		}
	}
}

// WriteTo implements io.WriterTo, for io.Copy: what lies in a file as it is goes
// to a connection without passing through here.
func (r *reader) WriteTo(w io.Writer) (n int64, err error) {
	for {
		if r.now == nil {
			if err := r.next(); err == io.EOF {
				return n, nil
			} else if err != nil {
				return n, err
			}
		}
		k, err := io.Copy(w, r.now.Reader)
		n += k
		if err := errors.Join(err, r.now.Close()); err != nil {
			return n, err
		}
		r.now = nil
	}
}

// next opens the next piece.
func (r *reader) next() error {
	if len(r.todo) == 0 {
		return io.EOF
	}
	p := r.todo[0]
	r.todo = r.todo[1:]
	if p.open == nil {
		err := r.s.db.View(r.ctx, func(tx *store.Tx) (err error) {
			p.open, err = r.s.blobs.Open(tx, p.body)
			return err
		})
		if err != nil {
			return err
		}
	}
	if p.seal == nil {
		r.now = &opened{p.open.Section(p.span.from, p.span.size), p.open}
		return nil
	}
	key, err := r.key.sealing(p.seal)
	if err != nil {
		return errors.Join(err, p.open.Close())
	}
	r.now = &opened{key.NewReader(p.open, p.span.from, p.span.size), p.open}
	return nil
}

// Close releases what r holds.
func (r *reader) Close() error {
	var errs []error
	if r.now != nil {
		errs = append(errs, r.now.Close())
	}
	for _, p := range r.todo {
		if p.open != nil {
			errs = append(errs, p.open.Close())
		}
	}
	r.now, r.todo = nil, nil
	return errors.Join(errs...)
}
