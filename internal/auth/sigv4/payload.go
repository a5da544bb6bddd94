package sigv4

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// What S3 takes for x-amz-content-sha256 besides a hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	unsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamingHMAC    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingECDSA   = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
	trailerSuffix    = "-TRAILER"
	trailerSignature = "x-amz-trailer-signature"
)

// A payload is how the body of a request to S3 is signed.
type payload struct {
	hash    string // as the canonical request has it: a hash, or one of the names above
	chunked bool   // the body is in chunks
	signed  bool   // and each of them is signed
	trailer bool   // and headers follow them

	// For signed chunks; key is nil if signatures are not to be checked.
	key       key
	timestamp string
	scope     string
	previous  string // signature before the one to come
}

// payloadOf finds out how the body of r, signed in form, is signed itself.
func payloadOf(r *http.Request, form Form) (payload, error) {
	p := payload{hash: r.Header.Get("X-Amz-Content-Sha256")}
	if p.hash == "" && form == Query {
		p.hash = r.URL.Query().Get("X-Amz-Content-Sha256")
	}
	switch base, trailer := strings.CutSuffix(p.hash, trailerSuffix); {
	case p.hash == "" && form == Header:
		return p, invalidRequest.Errorf("Missing required header for this request: x-amz-content-sha256")
	case p.hash == "" || p.hash == unsignedPayload:
		p.hash = unsignedPayload
	case p.hash == unsignedTrailer:
		p.chunked, p.trailer = true, true
	case base == streamingHMAC || base == streamingECDSA:
		p.chunked, p.signed, p.trailer = true, true, trailer
	case !isHash(p.hash):
		return p, invalidArgument.Errorf("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, %s, %s, %s%s, %s, %s%s or a valid sha256 value.",
			unsignedTrailer, streamingHMAC, streamingHMAC, trailerSuffix, streamingECDSA, streamingECDSA, trailerSuffix)
	}
	return p, nil
}

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 2*sha256.Size
}

// Unwrap makes r.Body the content that a request to S3 means, without asking
// who sent it. The content is read out of its chunks, and reading it fails if
// it is not as long as x-amz-decoded-content-length or does not have the hash
// that r states. r.ContentLength becomes its length, r.Trailer has at its end
// the headers that follow it, and aws-chunked, which is no encoding that
// anyone wants to be told of, is gone from Content-Encoding.
//
// What s, its signature, put into the query for want of headers is among the
// headers afterwards.
func Unwrap(r *http.Request, s *Signature) error {
	form := None // of a header that nobody checks, nothing is missing
	if s.Form == Query {
		form = Query
		s.lower(r)
	}
	p, err := payloadOf(r, form)
	if err != nil {
		return err
	}
	return p.wrap(r)
}

// wrap is Unwrap that also checks signatures of chunks, if p has the key.
func (p payload) wrap(r *http.Request) error {
	if values, chunked := withoutChunked(r.Header["Content-Encoding"]); chunked {
		r.Header["Content-Encoding"] = values
		if len(values) == 0 {
			r.Header.Del("Content-Encoding")
		}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	switch {
	case p.hash == unsignedPayload:
		return nil
	case !p.chunked:
		r.Body = &hashedBody{body: r.Body, left: r.ContentLength, want: strings.ToLower(p.hash), sum: sha256.New()}
		return nil
	}
	length := r.Header.Get("X-Amz-Decoded-Content-Length")
	if length == "" {
		return missingContentLength.Errorf("You must provide the Content-Length HTTP header.")
	}
	n, err := strconv.ParseInt(length, 10, 64)
	if err != nil || n < 0 {
		return invalidArgument.Errorf("Invalid value for x-amz-decoded-content-length: %q", length)
	}
	c := &chunkedBody{payload: p, body: r.Body, src: bufio.NewReader(r.Body), left: n}
	if p.signed && p.key != nil {
		c.sum = sha256.New()
	}
	if p.trailer {
		r.Trailer = make(http.Header)
		for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
			if name = strings.TrimSpace(name); name != "" {
				r.Trailer[http.CanonicalHeaderKey(name)] = nil
			}
		}
		c.trailers = r.Trailer
	}
	r.Body, r.ContentLength = c, n
	return nil
}

// withoutChunked returns the codings of Content-Encoding that are left without aws-chunked.
func withoutChunked(values []string) (kept []string, chunked bool) {
	for _, value := range values {
		var codings []string
		for coding := range strings.SplitSeq(value, ",") {
			if coding = strings.TrimSpace(coding); strings.EqualFold(coding, "aws-chunked") {
				chunked = true
			} else if coding != "" {
				codings = append(codings, coding)
			}
		}
		if len(codings) > 0 {
			kept = append(kept, strings.Join(codings, ","))
		}
	}
	return kept, chunked
}

// hashedBody is a body that must have a hash. It withholds the last bytes
// until it knows that it has.
type hashedBody struct {
	body io.ReadCloser
	left int64 // bytes to come; less than 0 if nobody said
	want string
	sum  hash.Hash
	err  error
}

func (b *hashedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	b.sum.Write(p[:n])
	b.left -= int64(n)
	if err == io.EOF || err == nil && b.left == 0 && n > 0 {
		if got := hex.EncodeToString(b.sum.Sum(nil)); got != b.want {
			n, err = 0, contentMismatch.With(&content{b.want, got}, "The provided 'x-amz-content-sha256' header does not match what was computed.")
		} else if err == nil {
			b.err = io.EOF
			return n, nil
		}
	}
	b.err = err
	return n, err
}

func (b *hashedBody) Close() error { return b.body.Close() }
