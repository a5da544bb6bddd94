package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Verifier checks signatures. It remembers the keys derived from secrets.
// Its zero value is ready.
type Verifier struct {
	mu   sync.RWMutex
	keys map[keyName]keyEntry

	scratches sync.Pool
}

// scratch is the memory of one verification.
type scratch struct {
	canonical []byte
	toSign    []byte
}

// Verify refuses r unless s is the signature that the holder of secret made of
// it, now or, presigned, for now. In S3 the body streams: Verify reads nothing
// of it and makes r.Body check it, as Unwrap does. Elsewhere body is all of it.
func (v *Verifier) Verify(r *http.Request, s *Signature, secret string, s3 bool, body []byte) error {
	if s.wrong.words(s3) != nil {
		return s.wrong.words(s3)
	}
	if s.version2 {
		if err := s.verify2(r, secret); err != nil {
			return err
		}
		return Unwrap(r, s)
	}
	if err := s.checkTime(time.Now(), s3); err != nil {
		return err
	}
	if err := s.checkHeaders(r, s3); err != nil {
		return err
	}
	var p payload
	if s3 {
		var err error
		if p, err = payloadOf(r, s.Form); err != nil {
			return err
		}
	} else {
		sum := sha256.Sum256(body)
		p.hash = hex.EncodeToString(sum[:])
	}
	k, err := v.key(s, secret)
	if err != nil {
		return err
	}
	x, _ := v.scratches.Get().(*scratch)
	if x == nil {
		x = new(scratch)
	}
	defer v.scratches.Put(x)
	if !s.fits(r, x, k, p.hash, s3) {
		return errMismatch(s, x, s3)
	}
	if s3 {
		p.key, p.scope, p.timestamp, p.previous = k, s.scope(), s.timestamp, s.signature
		if s.Form == Query {
			s.lower(r)
		}
		return p.wrap(r)
	}
	return nil
}

// gatewayOfDevices is what MQTT over WebSockets signs for.
const gatewayOfDevices = "iotdevicegateway"

// fits tries the ways in which r may have been signed. If none fits, x holds
// the first.
func (s *Signature) fits(r *http.Request, x *scratch, k key, payload string, s3 bool) bool {
	var room [4]variant
	vs := variants(room[:0], r, s3)
	if s.Service == gatewayOfDevices && s.Form == Query && s.Token != "" {
		for _, v := range vs { // its clients add the token when they have signed
			v.tokenless = true
			vs = append(vs, v)
		}
	}
	for _, variant := range vs {
		if s.fitsVariant(r, x, k, variant, payload) {
			return true
		}
	}
	if len(vs) > 1 {
		s.fitsVariant(r, x, k, vs[0], payload)
	}
	return false
}

func (s *Signature) fitsVariant(r *http.Request, x *scratch, k key, v variant, payload string) bool {
	x.canonical = s.appendCanonical(x.canonical[:0], r, v, payload)
	sum := sha256.Sum256(x.canonical)
	name := algorithm
	if s.asymmetric {
		name = algorithm4a
	}
	x.toSign = appendToSign(x.toSign[:0], name, s.timestamp, s.scope())
	x.toSign = hex.AppendEncode(x.toSign, sum[:])
	return k.check(x.toSign, s.signature)
}

// appendToSign appends the head of every text that is signed.
func appendToSign(b []byte, name, timestamp, scope string) []byte {
	b = append(b, name...)
	b = append(b, '\n')
	b = append(b, timestamp...)
	b = append(b, '\n')
	b = append(b, scope...)
	return append(b, '\n')
}

// scope is what the signature is good for: "20150830/us-east-1/iam/aws4_request".
func (s *Signature) scope() string {
	if s.asymmetric {
		return s.date + "/" + s.Service + "/" + terminator
	}
	return s.date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// checkHeaders refuses a signature that leaves out what it must cover: the
// host, so that it is for us, and in S3 each header of Amazon's own.
func (s *Signature) checkHeaders(r *http.Request, s3 bool) error {
	if !s.signs("host") {
		if s3 {
			return errNotSigned("host")
		}
		return InvalidSignature.Errorf("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if !s3 {
		return nil
	}
	var missing []string
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") || name == "X-Amz-Content-Sha256" { // which is part of what is signed anyway
			continue
		}
		if lower := strings.ToLower(name); !s.signs(lower) {
			missing = append(missing, lower)
		}
	}
	if missing != nil {
		slices.Sort(missing)
		return errNotSigned(strings.Join(missing, ", "))
	}
	return nil
}

// signs reports whether s covers a header, given in lower case.
func (s *Signature) signs(name string) bool {
	for rest := s.headers; rest != ""; {
		var h string
		h, rest, _ = strings.Cut(rest, ";")
		if h == name {
			return true
		}
	}
	return false
}
