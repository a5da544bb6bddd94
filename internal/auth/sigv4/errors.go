package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Refusals of all services but S3. Their codes and statuses differ by the
// protocol of the answer.
var (
	// IncompleteSignature refuses what is not a whole signature.
	IncompleteSignature = aws.Fault{Code: "IncompleteSignatureException", QueryCode: "IncompleteSignature", Status: 400}
	// InvalidSignature refuses a signature that is wrong, or of another time.
	InvalidSignature = aws.Fault{Code: "InvalidSignatureException", QueryCode: "SignatureDoesNotMatch", Status: 403, JSONStatus: 400}
)

// ErrUnsigned refuses a request that nobody signed.
var ErrUnsigned = aws.Fault{
	Code: "MissingAuthenticationTokenException", QueryCode: "MissingAuthenticationToken", Status: 403, JSONStatus: 400,
}.Errorf("Request is missing Authentication Token")

// Refusals of S3.
var (
	accessDenied          = aws.Fault{Code: "AccessDenied", Status: 403}
	headerMalformed       = aws.Fault{Code: "AuthorizationHeaderMalformed", Status: 400}
	queryParameters       = aws.Fault{Code: "AuthorizationQueryParametersError", Status: 400}
	invalidArgument       = aws.Fault{Code: "InvalidArgument", Status: 400}
	invalidRequest        = aws.Fault{Code: "InvalidRequest", Status: 400}
	requestTimeTooSkewed  = aws.Fault{Code: "RequestTimeTooSkewed", Status: 403}
	signatureDoesNotMatch = aws.Fault{Code: "SignatureDoesNotMatch", Status: 403}
	contentMismatch       = aws.Fault{Code: "XAmzContentSHA256Mismatch", Status: 400}
	missingContentLength  = aws.Fault{Code: "MissingContentLength", Status: 411}
	incompleteBody        = aws.Fault{Code: "IncompleteBody", Status: 400}
	invalidChunkSize      = aws.Fault{Code: "InvalidChunkSizeError", Status: 403}
	malformedTrailer      = aws.Fault{Code: "MalformedTrailerError", Status: 400}
)

// Further elements of S3's refusals, for clients that look at them.
type (
	unsignedHeaders struct {
		HeadersNotSigned string `aws:"HeadersNotSigned"`
	}
	skew struct {
		RequestTime                string `aws:"RequestTime"`
		ServerTime                 string `aws:"ServerTime"`
		MaxAllowedSkewMilliseconds string `aws:"MaxAllowedSkewMilliseconds"`
	}
	expiry struct {
		XAmzExpires *string `aws:"X-Amz-Expires"`
		Expires     string  `aws:"Expires"`
		ServerTime  string  `aws:"ServerTime"`
	}
	mismatch struct {
		AWSAccessKeyId        string  `aws:"AWSAccessKeyId"`
		StringToSign          string  `aws:"StringToSign"`
		SignatureProvided     string  `aws:"SignatureProvided"`
		StringToSignBytes     string  `aws:"StringToSignBytes"`
		CanonicalRequest      *string `aws:"CanonicalRequest"`
		CanonicalRequestBytes *string `aws:"CanonicalRequestBytes"`
	}
	content struct {
		ClientComputedContentSHA256 string `aws:"ClientComputedContentSHA256"`
		S3ComputedContentSHA256     string `aws:"S3ComputedContentSHA256"`
	}
)

// A refusal is one in S3's words and one in everybody else's: when a request
// is parsed, nobody knows yet for whom it is.
type refusal struct{ s3, other error }

func (r *refusal) words(s3 bool) error {
	switch {
	case r == nil:
		return nil
	case s3:
		return r.s3
	}
	return r.other
}

// errBoth refuses a request that is signed in two ways.
func errBoth() error {
	return InvalidSignature.Errorf("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
}

// errIncomplete says what a header lacks: the words end in a hash of it, as AWS's do.
func errIncomplete(what, header string) error {
	sum := sha256.Sum256([]byte(header))
	return IncompleteSignature.Errorf("%s (Hashed with SHA-256 and encoded with Base64) Authorization=%s",
		what, base64.StdEncoding.EncodeToString(sum[:]))
}

func errMismatch(s *Signature, x *scratch, s3 bool) error {
	if !s3 {
		return InvalidSignature.Errorf("The request signature we calculated does not match the signature you provided." +
			" Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	detail := &mismatch{
		AWSAccessKeyId:    s.AccessKey,
		StringToSign:      string(x.toSign),
		SignatureProvided: s.signature,
		StringToSignBytes: fmt.Sprintf("% x", x.toSign),
	}
	if !s.version2 {
		detail.CanonicalRequest, detail.CanonicalRequestBytes = new(string(x.canonical)), new(fmt.Sprintf("% x", x.canonical))
	}
	return signatureDoesNotMatch.With(detail, "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
}

func errNotSigned(headers string) error {
	return accessDenied.With(&unsignedHeaders{headers}, "There were headers present in the request which were not signed")
}

func errIncompleteBody() error {
	return incompleteBody.Errorf("You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// MaxSkew is how far a clock may be from ours.
const MaxSkew = 15 * time.Minute

// checkTime refuses a signature made at another time than about now.
func (s *Signature) checkTime(now time.Time, s3 bool) error {
	now = now.UTC()
	if s.Form == Query {
		return s.checkExpiry(now, s3)
	}
	age := now.Sub(s.Time)
	if age <= MaxSkew && age >= -MaxSkew {
		return nil
	}
	if s3 {
		return requestTimeTooSkewed.With(&skew{
			RequestTime:                s.timestamp,
			ServerTime:                 now.Format("2006-01-02T15:04:05Z"),
			MaxAllowedSkewMilliseconds: "900000",
		}, "The difference between the request time and the current time is too large.")
	}
	if age > 0 {
		return errExpired(s.Time, now, MaxSkew, "15 min.")
	}
	return errNotYet(s.Time, now)
}

// CheckExpiry refuses a presigned request that is over, whoever signed it.
func (s *Signature) CheckExpiry(s3 bool) error {
	if s.Form != Query || s.Malformed(s3) != nil {
		return nil
	}
	if s.version2 {
		return s.checkExpiry2(time.Now().UTC())
	}
	return s.checkExpiry(time.Now(), s3)
}

// checkExpiry is checkTime for presigned requests.
func (s *Signature) checkExpiry(now time.Time, s3 bool) error {
	switch ends := s.Time.Add(s.Expires); {
	case now.Add(MaxSkew).Before(s.Time):
		if s3 {
			return accessDenied.Errorf("Request is not valid yet")
		}
		return errNotYet(s.Time, now)
	case now.After(ends):
		seconds := itoa(int64(s.Expires / time.Second))
		if s3 {
			return accessDenied.With(&expiry{
				XAmzExpires: &seconds,
				Expires:     ends.Format("2006-01-02T15:04:05Z"),
				ServerTime:  now.Format("2006-01-02T15:04:05Z"),
			}, "Request has expired")
		}
		return errExpired(s.Time, now, s.Expires, seconds+" sec.")
	}
	return nil
}

func errExpired(signed, now time.Time, limit time.Duration, words string) error {
	return InvalidSignature.Errorf("Signature expired: %s is now earlier than %s (%s - %s)",
		signed.Format(timeFormat), now.Add(-limit).Format(timeFormat), now.Format(timeFormat), words)
}

func errNotYet(signed, now time.Time) error {
	return InvalidSignature.Errorf("Signature not yet current: %s is still later than %s (%s + 15 min.)",
		signed.Format(timeFormat), now.Add(MaxSkew).Format(timeFormat), now.Format(timeFormat))
}
