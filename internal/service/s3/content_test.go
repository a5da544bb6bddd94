package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/s3/checksum"
	"github.com/aloft-cloud/aloft/internal/store"
)

var caller = &aws.Call{Account: "000000000000", Region: usEast1, Principal: aws.Principal{Kind: aws.Root, ARN: "arn:aws:iam::000000000000:root"}}

// newService returns a service with the bucket "bucket", over a store in dir, or in
// memory if dir is empty.
func newService(t testing.TB, dir string) *Service {
	t.Helper()
	db, err := store.OpenMemory()
	if dir != "" {
		db, err = store.Open(store.Config{Dir: dir})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := New(Config{DB: db})
	if _, err := s.CreateBucket(t.Context(), caller, &api.CreateBucketInput{Bucket: "bucket"}); err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Service, key string, body io.Reader) *api.PutObjectOutput {
	t.Helper()
	out, err := s.PutObject(t.Context(), caller, &api.PutObjectInput{Bucket: "bucket", Key: key, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read returns what GetObject gives of key.
func read(t testing.TB, s *Service, in *api.GetObjectInput) []byte {
	t.Helper()
	in.Bucket = "bucket"
	out, err := s.GetObject(t.Context(), caller, in)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.(io.Closer).Close()
	b, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != *out.ContentLength {
		t.Errorf("content of %s is %d bytes, and said to be %d", in.Key, len(b), *out.ContentLength)
	}
	return b
}

// noise returns n bytes that are the same for the same seed.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	for i, r := 0, rand.New(rand.NewPCG(seed, 0)); i < n; i++ {
		b[i] = byte(r.Uint32())
	}
	return b
}

// A large object passes through in constant memory, both ways.
func TestStream(t *testing.T) {
	const size = 128 << 20
	s := newService(t, t.TempDir())
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	put(t, s, "large", io.LimitReader(zeros{}, size))
	out, err := s.GetObject(t.Context(), caller, &api.GetObjectInput{Bucket: "bucket", Key: "large"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, out.Body)
	if err != nil || n != size {
		t.Errorf("read %d bytes, %v; want %d", n, err, size)
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 16 {
		t.Errorf("%d MB were allocated on the way of %d MB", got, size>>20)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// A body with headers behind it.
type trailed struct {
	io.Reader
	headers map[string][]string
}

func (b trailed) Trailer() map[string][]string { return b.headers }

func TestTrailer(t *testing.T) {
	s := newService(t, "")
	f := func(name, value, wantCode string) {
		t.Helper()
		body := trailed{bytes.NewReader([]byte("something")), map[string][]string{name: {value}}}
		out, err := s.PutObject(t.Context(), caller, &api.PutObjectInput{Bucket: "bucket", Key: "k", Body: body})
		switch {
		case wantCode == "" && err != nil:
			t.Errorf("with %s: %s: %v", name, value, err)
		case wantCode == "" && aws.Value(out.ChecksumCRC32) != value:
			t.Errorf("with %s: %s: answered %v", name, value, aws.Value(out.ChecksumCRC32))
		case wantCode != "" && (err == nil || aws.Refusal(err).Code != wantCode):
			t.Errorf("with %s: %s: %v, want %s", name, value, err, wantCode)
		}
	}
	f("X-Amz-Checksum-Crc32", "Cdox+w==", "")
	f("X-Amz-Checksum-Crc32", "AAAAAA==", "BadDigest")
	f("X-Amz-Checksum-Crc32", "?", "InvalidRequest")
	f("X-Amz-Checksum-Xxhash3", "?", "NotImplemented")
}

// Content that ends too soon, or cannot be read, is no object.
func TestCutShort(t *testing.T) {
	s := newService(t, "")
	_, err := s.PutObject(t.Context(), caller, &api.PutObjectInput{Bucket: "bucket", Key: "k",
		Body: io.MultiReader(bytes.NewReader([]byte("some")), broken{})})
	if !errors.Is(err, api.IncompleteBody) {
		t.Errorf("PutObject of half a body = %v, want IncompleteBody", err)
	}
	if _, err := s.HeadObject(t.Context(), caller, &api.HeadObjectInput{Bucket: "bucket", Key: "k"}); !errors.Is(err, api.NoSuchKey) {
		t.Errorf("HeadObject = %v, want NoSuchKey", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An object in parts is the parts, wherever one begins to read.
func TestParts(t *testing.T) {
	s := newService(t, t.TempDir())
	content := noise(1, 2*minPart+7)
	up, err := s.CreateMultipartUpload(t.Context(), caller, &api.CreateMultipartUploadInput{Bucket: "bucket", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	var listed []api.CompletedPart
	for i, b := range [][]byte{content[:minPart], content[minPart : 2*minPart], content[2*minPart:]} {
		n := int32(10 * (i + 1))
		out, err := s.UploadPart(t.Context(), caller, &api.UploadPartInput{
			Bucket: "bucket", Key: "k", UploadId: *up.UploadId, PartNumber: n, Body: bytes.NewReader(b)})
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, api.CompletedPart{PartNumber: &n, ETag: out.ETag})
	}
	out, err := s.CompleteMultipartUpload(t.Context(), caller, &api.CompleteMultipartUploadInput{
		Bucket: "bucket", Key: "k", UploadId: *up.UploadId, MultipartUpload: &api.CompletedMultipartUpload{Parts: listed}})
	if err != nil {
		t.Fatal(err)
	}
	h := checksum.CRC64NVME.New()
	h.Write(content)
	if got, want := *out.ChecksumCRC64NVME, checksum.Encode(h.Sum(nil)); got != want {
		t.Errorf("checksum of the whole = %s, want %s", got, want)
	}
	check := func(in *api.GetObjectInput, want []byte) {
		t.Helper()
		in.Key = "k"
		if got := read(t, s, in); !bytes.Equal(got, want) {
			t.Errorf("range %v part %v: got %d bytes that are not the %d wanted", aws.Value(in.Range), aws.Value(in.PartNumber), len(got), len(want))
		}
	}
	check(&api.GetObjectInput{}, content)
	check(&api.GetObjectInput{PartNumber: new(int32(20))}, content[minPart:2*minPart])
	for _, r := range [][2]int{{0, 0}, {minPart - 1, minPart}, {5, 2*minPart + 3}, {2 * minPart, len(content) - 1}} {
		check(&api.GetObjectInput{Range: new(fmt.Sprintf("bytes=%d-%d", r[0], r[1]))}, content[r[0]:r[1]+1])
	}
	copied, err := s.CopyObject(t.Context(), caller, &api.CopyObjectInput{Bucket: "bucket", Key: "copy", CopySource: "bucket/k"})
	if err != nil {
		t.Fatal(err)
	}
	if sum := md5.Sum(content); *copied.CopyObjectResult.ETag != quoted(hex.EncodeToString(sum[:])) {
		t.Errorf("ETag of the copy is %s", *copied.CopyObjectResult.ETag)
	}
}

// Who has begun to read an object reads on when it is replaced.
func TestReadOn(t *testing.T) {
	for _, size := range []int{10, store.MaxInline + 1} {
		s := newService(t, t.TempDir())
		content := noise(2, size)
		put(t, s, "k", bytes.NewReader(content))
		out, err := s.GetObject(t.Context(), caller, &api.GetObjectInput{Bucket: "bucket", Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "k", bytes.NewReader(nil))
		if got, err := io.ReadAll(out.Body); err != nil || !bytes.Equal(got, content) {
			t.Errorf("read %d bytes, %v; want %d", len(got), err, size)
		}
	}
}
