package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what one signs with.
type Credentials struct {
	AccessKey string
	Secret    string
	Token     string // of temporary credentials
}

// Sign signs r, whose body is body, for service in region at a time, in
// the header Authorization. It covers the host, the content type and all
// headers of Amazon's own.
func Sign(r *http.Request, c Credentials, region, service string, at time.Time, body []byte) {
	sum := sha256.Sum256(body)
	SignHash(r, c, region, service, at, hex.EncodeToString(sum[:]))
}

// SignHash is Sign for a body of which the hash is known, or for S3 one that
// is not signed: "UNSIGNED-PAYLOAD".
func SignHash(r *http.Request, c Credentials, region, service string, at time.Time, hash string) {
	s := newSignature(Header, c, region, service, at)
	r.Header.Set("X-Amz-Date", s.timestamp)
	if c.Token != "" {
		r.Header.Set("X-Amz-Security-Token", c.Token)
	}
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	signed := []string{"host"}
	for name := range r.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-") {
			signed = append(signed, strings.ToLower(name))
		}
	}
	slices.Sort(signed)
	s.headers = strings.Join(signed, ";")
	s.sign(r, c, hash)
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKey+"/"+s.scope()+", SignedHeaders="+s.headers+", Signature="+s.signature)
}

// Presign signs r in its query, for a time of at most seven days. Whoever has
// the address may make the request, with any body if service is "s3" and none
// otherwise.
func Presign(r *http.Request, c Credentials, region, service string, at time.Time, expires time.Duration) {
	s := newSignature(Query, c, region, service, at)
	s.headers = "host"
	q := url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {c.AccessKey + "/" + s.scope()},
		"X-Amz-Date":          {s.timestamp},
		"X-Amz-Expires":       {itoa(int64(expires / time.Second))},
		"X-Amz-SignedHeaders": {s.headers},
	}
	if c.Token != "" {
		q.Set("X-Amz-Security-Token", c.Token)
	}
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += q.Encode()
	hash := unsignedPayload
	if service != "s3" {
		sum := sha256.Sum256(nil)
		hash = hex.EncodeToString(sum[:])
	}
	s.sign(r, c, hash)
	r.URL.RawQuery += "&X-Amz-Signature=" + s.signature
}

func newSignature(form Form, c Credentials, region, service string, at time.Time) *Signature {
	timestamp := at.UTC().Format(timeFormat)
	return &Signature{
		Form:      form,
		AccessKey: c.AccessKey,
		Region:    region,
		Service:   service,
		timestamp: timestamp,
		date:      timestamp[:8],
	}
}

// sign fills in the signature of s.
func (s *Signature) sign(r *http.Request, c Credentials, hash string) {
	out := *r
	if out.Host == "" {
		out.Host = r.URL.Host
	}
	var room [4]variant
	canonical := s.appendCanonical(nil, &out, variants(room[:0], &out, s.Service == "s3")[0], hash)
	sum := sha256.Sum256(canonical)
	toSign := appendToSign(nil, algorithm, s.timestamp, s.scope())
	toSign = hex.AppendEncode(toSign, sum[:])
	s.signature = string(deriveKey(c.Secret, s.date, s.Region, s.Service).appendSign(nil, toSign))
}
