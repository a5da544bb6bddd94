package sigv4

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// seed is a signed request of AWS's manual whose body comes in chunks.
func seed(t *testing.T, signature, body string, headers ...string) *http.Request {
	signed := []string{"content-encoding", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-storage-class"}
	r := httptest.NewRequest("PUT", "/examplebucket/chunkObject.txt", strings.NewReader(body))
	r.Host = "s3.amazonaws.com"
	r.Header = http.Header{
		"Content-Encoding":             {"aws-chunked"},
		"X-Amz-Date":                   {"20130524T000000Z"},
		"X-Amz-Decoded-Content-Length": {"66560"},
		"X-Amz-Storage-Class":          {"REDUCED_REDUNDANCY"},
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if name := strings.ToLower(headers[i]); name != "x-amz-content-sha256" {
			if name == "content-length" {
				signed = append(signed[:1], append([]string{name}, signed[1:]...)...)
			} else {
				signed = append(signed, name)
			}
		}
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="+
		strings.Join(signed, ";")+",Signature="+signature)
	return r
}

const (
	chunk1 = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
	chunk2 = "400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
	chunk3 = "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"

	trailed1 = "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n"
	trailed2 = "400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n"
	trailed3 = "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
	trailers = "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
)

var (
	letters = strings.Repeat("a", 65536)
	more    = strings.Repeat("a", 1024)
)

func TestPublishedChunks(t *testing.T) {
	const signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	f := func(body, code string) {
		t.Helper()
		at(t, "20130524T000000Z", func(t *testing.T) {
			r := seed(t, signature, body, "X-Amz-Content-Sha256", streamingHMAC, "Content-Length", "66824")
			if err := verify(r, example.Secret, ""); err != nil {
				t.Fatal(err)
			}
			if _, found := r.Header["Content-Encoding"]; found || r.ContentLength != 66560 {
				t.Errorf("got encoding %q, length %d", r.Header["Content-Encoding"], r.ContentLength)
			}
			checkRead(t, r.Body, letters+more, code)
		})
	}
	f(chunk1+letters+"\r\n"+chunk2+more+"\r\n"+chunk3+"\r\n", "")
	f(chunk1+letters+"\r\n"+chunk2+more+"\r\n"+chunk3, "") // the last line end is missing
	f(chunk1+letters+"\r\n"+chunk2+more+"\r\n", "IncompleteBody")
	f(chunk1+letters+"\r\n"+chunk2+more, "IncompleteBody")
	f(chunk1+letters+"\r\n"+chunk2+"b"+more[1:]+"\r\n"+chunk3+"\r\n", "SignatureDoesNotMatch")
	f(chunk1+"b"+letters[1:]+"\r\n"+chunk2+more+"\r\n"+chunk3+"\r\n", "SignatureDoesNotMatch")
	f(chunk1+letters+"\r\n"+chunk2+more+"\r\n"+strings.Replace(chunk3, "b6", "b7", 1)+"\r\n", "SignatureDoesNotMatch")
	f(chunk1+letters+"\r\n"+chunk3+"\r\n", "IncompleteBody")
	f("10000\r\n"+letters+"\r\n"+chunk2+more+"\r\n"+chunk3+"\r\n", "SignatureDoesNotMatch")
	f(strings.Replace(chunk1, "10000", "10401", 1)+letters+more+"a\r\n"+chunk3+"\r\n", "IncompleteBody")
	f("-1;"+chunk1, "IncompleteBody")
	f("+1;"+chunk1, "IncompleteBody")
	f(strings.Repeat("0", 5000), "IncompleteBody")
	f("", "IncompleteBody")
}

func TestPublishedTrailers(t *testing.T) {
	const signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
	f := func(end, code string) {
		t.Helper()
		at(t, "20130524T000000Z", func(t *testing.T) {
			body := trailed1 + letters + "\r\n" + trailed2 + more + "\r\n" + end
			r := seed(t, signature, body, "X-Amz-Content-Sha256", streamingHMAC+trailerSuffix, "X-Amz-Trailer", "x-amz-checksum-crc32c")
			if err := verify(r, example.Secret, ""); err != nil {
				t.Fatal(err)
			}
			checkRead(t, r.Body, letters+more, code)
			if got := r.Trailer.Get("X-Amz-Checksum-Crc32c"); code == "" && got != "sOO8/Q==" {
				t.Errorf("got trailer %q", got)
			}
		})
	}
	f(trailed3+trailers+"\r\n", "")
	f(trailed3+trailers, "")
	f(trailed3+strings.Replace(trailers, "sOO8", "sOO9", 1)+"\r\n", "SignatureDoesNotMatch")
	f(trailed3+"x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n", "SignatureDoesNotMatch")
	f(trailed3+"\r\n", "MalformedTrailerError")
	f(trailed3+"x-amz-checksum-sha1:sOO8/Q==\r\n"+trailers+"\r\n", "MalformedTrailerError")
	f(trailed3+"x-amz-checksum-crc32c:sOO8/Q==\r\n"+trailers+"\r\n", "MalformedTrailerError")
	f(trailed3+"x-amz-check", "IncompleteBody")
}

// checkRead reads body, by bytes and as a whole, and checks that it ends well
// or is refused before its end is given out.
func checkRead(t *testing.T, body io.Reader, want, code string) {
	t.Helper()
	got, err := io.ReadAll(body)
	if code == "" {
		if err != nil || string(got) != want {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		return
	}
	if e, ok := errors.AsType[*aws.Error](err); !ok || e.Code != code {
		t.Errorf("read %d bytes, %v; want %s", len(got), err, code)
	}
	if len(got) >= len(want) {
		t.Errorf("all %d bytes were given out", len(got))
	}
}

func unsigned(body string, length int, trailers ...string) *http.Request {
	r := httptest.NewRequest("PUT", "/b/k", strings.NewReader(body))
	r.Header.Set("X-Amz-Content-Sha256", unsignedTrailer)
	r.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(length))
	r.Header.Set("Content-Encoding", "gzip, aws-chunked")
	if len(trailers) > 0 {
		r.Header.Set("X-Amz-Trailer", strings.Join(trailers, ", "))
	}
	return r
}

func TestUnwrapUnsigned(t *testing.T) {
	f := func(body string, length int, want, code string, trailers ...string) {
		t.Helper()
		for _, slow := range []bool{false, true} {
			r := unsigned(body, length, trailers...)
			if err := Unwrap(r, new(Signature)); err != nil {
				t.Fatal(err)
			}
			in := io.Reader(r.Body)
			if slow {
				in = iotest.OneByteReader(in)
			}
			checkRead(t, in, want, code)
			if got := r.Header.Get("Content-Encoding"); got != "gzip" {
				t.Errorf("got encoding %q", got)
			}
		}
	}
	f("5\r\nhello\r\n0\r\n\r\n", 5, "hello", "")
	f("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, "hello", "", "x-amz-checksum-crc32")
	f("5\r\nhello\r\n0\r\n x-amz-checksum-crc32 : NhCmhg== \n\n", 5, "hello", "", "x-amz-checksum-crc32")
	f("0\r\n\r\n", 0, "", "")
	f("5\r\nhello\r\n0\r\n\r\n", 6, "hello", "IncompleteBody")
	f("5\r\nhello\r\n0\r\n\r\n", 4, "hello", "IncompleteBody")
	f("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5, "hello", "InvalidChunkSizeError")
	f("5\r\nhello0\r\n\r\n", 5, "hello", "IncompleteBody")
	f("x\r\nhello\r\n0\r\n\r\n", 5, "hello", "IncompleteBody")
	f("7fffffffffffffff\r\nhello", 5, "hello", "IncompleteBody")
	f("5\r\nhello\r\n0\r\n\r\n", 5, "hello", "MalformedTrailerError", "x-amz-checksum-crc32")
	f("5\r\nhello\r\n0\r\na:b\r\n\r\n", 5, "hello", "MalformedTrailerError")
}

func TestUnwrapRefuses(t *testing.T) {
	f := func(spoil func(h http.Header), code string) {
		t.Helper()
		r := unsigned("", 0)
		spoil(r.Header)
		wantFault(t, Unwrap(r, new(Signature)), code, "")
	}
	f(func(h http.Header) { h.Del("X-Amz-Decoded-Content-Length") }, "MissingContentLength")
	f(func(h http.Header) { h.Set("X-Amz-Decoded-Content-Length", "-1") }, "InvalidArgument")
	f(func(h http.Header) { h.Set("X-Amz-Content-Sha256", "STREAMING-MD5") }, "InvalidArgument")
}

func TestHashedBody(t *testing.T) {
	f := func(body, claimed string, length int64, code string) {
		t.Helper()
		r := httptest.NewRequest("PUT", "/b/k", strings.NewReader(body))
		r.ContentLength = length
		r.Header.Set("X-Amz-Content-Sha256", hashOf(claimed))
		if err := Unwrap(r, new(Signature)); err != nil {
			t.Fatal(err)
		}
		if code == "" {
			checkRead(t, r.Body, body, "")
			return
		}
		// A reader of exactly so many bytes does not get them either.
		if n, err := io.ReadFull(r.Body, make([]byte, len(body))); length >= 0 && err == nil {
			t.Errorf("got %d bytes", n)
		} else if e, ok := errors.AsType[*aws.Error](err); length >= 0 && (!ok || e.Code != code) {
			t.Errorf("got %v, want %s", err, code)
		}
	}
	f("hello", "hello", 5, "")
	f("hello", "hello", -1, "")
	f("", "", 0, "")
	f("hello", "world", 5, "XAmzContentSHA256Mismatch")
	f("hello", "world", -1, "XAmzContentSHA256Mismatch")
}

// roundTrip is an HTTP client that answers by f.
type roundTrip func(r *http.Request) error

func (f roundTrip) Do(r *http.Request) (*http.Response, error) {
	if err := f(r); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// The S3 client of the SDK as the oracle: streams with trailing checksums, over
// TLS and not, and SigV4a for access points of many regions.
func TestVerifyWhatS3ClientSends(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	f := func(endpoint, bucket string, body io.Reader, wantHash string) {
		t.Helper()
		var got []byte
		var hash, auth string
		client := s3.New(s3.Options{
			Region:       "eu-west-1",
			UsePathStyle: true,
			BaseEndpoint: new(endpoint),
			Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
				return sdk.Credentials{AccessKeyID: example.AccessKey, SecretAccessKey: example.Secret}, nil
			}),
			HTTPClient: roundTrip(func(r *http.Request) error {
				hash, auth = r.Header.Get("X-Amz-Content-Sha256"), r.Header.Get("Authorization")
				sent, err := io.ReadAll(r.Body)
				if err != nil {
					return err
				}
				in := received(t, r, string(sent))
				in.ContentLength = r.ContentLength
				if err := new(Verifier).Verify(in, Parse(in), example.Secret, true, nil); err != nil {
					return err
				}
				got, err = io.ReadAll(in.Body)
				if name := "X-Amz-Checksum-Crc32"; err == nil && in.Trailer != nil && in.Trailer.Get(name) == "" {
					err = fmt.Errorf("no checksum in %v", in.Trailer)
				}
				return err
			}),
		})
		if bucket != "bucket" {
			options := client.Options()
			options.BaseEndpoint = nil
			options.UsePathStyle = false
			client = s3.New(options)
		}
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: new(bucket), Key: new("a b/ü"), Body: body, ContentLength: new(int64(len(content))), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32,
		})
		if err != nil {
			t.Errorf("%s %s: %v", endpoint, bucket, err)
		}
		if !bytes.Equal(got, content) || hash != wantHash {
			t.Errorf("%s %s: got %d bytes, hash %s, %s", endpoint, bucket, len(got), hash, auth)
		}
		if v4a := strings.HasPrefix(auth, algorithm4a); v4a != (bucket != "bucket") {
			t.Errorf("%s %s: signed %s", endpoint, bucket, auth)
		}
	}
	f("https://localhost", "bucket", io.NopCloser(bytes.NewReader(content)), unsignedTrailer)
	f("http://localhost:4566", "bucket", bytes.NewReader(content), hashOf(string(content)))
	f("", "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap", bytes.NewReader(content), unsignedTrailer)
}

// The key pair that AWS's SDKs test their derivation with.
func TestDerivePrivateKey(t *testing.T) {
	k, err := derivePrivateKey("AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := new(big.Int).SetString("15D242CEEBF8D8169FD6A8B5A746C41140414C3B07579038DA06AF89190FFFCB", 16)
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if got := new(big.Int).SetBytes(point[1:33]); got.Cmp(want) != 0 {
		t.Errorf("got X %X, want %X", got, want)
	}
}

// Chunks signed with SigV4a, whose signatures are padded.
func TestChunks4a(t *testing.T) {
	private, err := derivePrivateKey(example.AccessKey, example.Secret)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(der)
	}
	const scope, stamp = "20260101/s3/aws4_request", "20260101T000000Z"
	seed, parts, body := sign("anything"), []string{letters, "end", ""}, ""
	previous := seed
	for _, part := range parts {
		previous = sign(algorithm4a + "-PAYLOAD\n" + stamp + "\n" + scope + "\n" + previous + "\n" + hashOf("") + "\n" + hashOf(part))
		padded := previous + strings.Repeat("*", 144-len(previous))
		body += fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", len(part), padded, part)
	}
	for _, spoil := range []string{"", "end"} {
		r := unsigned(strings.Replace(body, spoil, strings.ToUpper(spoil), 1), len(letters)+3)
		p := payload{hash: streamingECDSA, chunked: true, signed: true, key: publicKey{&private.PublicKey}, scope: scope, timestamp: stamp, previous: seed}
		if err := p.wrap(r); err != nil {
			t.Fatal(err)
		}
		checkRead(t, r.Body, letters+"end", map[string]string{"end": "SignatureDoesNotMatch"}[spoil])
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, "x-amz-checksum-crc32")
	f.Add("0\r\n\r\n", 0, "")
	f.Add("ffffffffffffffff\r\n", 1, "a,b")
	f.Fuzz(func(t *testing.T, body string, length int, trailers string) {
		r := unsigned(body, length, trailers)
		if Unwrap(r, new(Signature)) != nil {
			return
		}
		got, err := io.ReadAll(r.Body)
		if err == nil && len(got) != length || len(got) > length {
			t.Errorf("%q: read %d bytes of %d, %v", body, len(got), length, err)
		}
	})
}

func BenchmarkChunks(b *testing.B) {
	const size = 1 << 20
	key := deriveKey("secret", "20260101", "eu-west-1", "s3")
	var body strings.Builder
	previous := "seed"
	for _, part := range []string{strings.Repeat("a", size), ""} {
		text := appendToSign(nil, algorithm+"-PAYLOAD", "stamp", "scope")
		previous = string(key.appendSign(nil, append(text, previous+"\n"+hashOf("")+"\n"+hashOf(part)...)))
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s\r\n", len(part), previous, part)
	}
	b.SetBytes(size)
	for b.Loop() {
		r := unsigned(body.String(), size)
		p := payload{hash: streamingHMAC, chunked: true, signed: true, key: key, scope: "scope", timestamp: "stamp", previous: "seed"}
		if err := p.wrap(r); err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
			b.Fatal(n, err)
		}
	}
}
