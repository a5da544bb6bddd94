package sigv4

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/aloft-cloud/aloft/internal/aws"
)

var example = Credentials{AccessKey: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

// published is a secret of examples that AWS prints without the slash.
const published = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// at runs f at a moment, by a clock of its own.
func at(t *testing.T, moment string, f func(t *testing.T)) {
	t.Helper()
	when, err := time.Parse(timeFormat, moment)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(when))
		f(t)
	})
}

// received returns what a server sees of r, an outgoing request.
func received(t testing.TB, r *http.Request, body string) *http.Request {
	t.Helper()
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), strings.NewReader(body))
	in.Header = r.Header.Clone()
	in.Host = r.Host
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	return in
}

func request(t testing.TB, method, address, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func verify(r *http.Request, secret, body string) error {
	s := Parse(r)
	return new(Verifier).Verify(r, s, secret, s.Service == "s3", []byte(body))
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// wantFault checks that err is a refusal with a code and words.
func wantFault(t *testing.T, err error, code, words string) {
	t.Helper()
	e, ok := errors.AsType[*aws.Error](err)
	if !ok {
		t.Fatalf("got error %v, want %s", err, code)
	}
	if e.Code != code || !strings.Contains(e.Message, words) {
		t.Errorf("got %s: %s\nwant %s: %s", e.Code, e.Message, code, words)
	}
}

var oracle = []struct{ method, address, body, service string }{
	{"POST", "http://localhost:4566/", `{"TableName":"orders"}`, "dynamodb"},
	{"POST", "https://sts.amazonaws.com/", "Action=GetCallerIdentity&Version=2011-06-15", "sts"},
	{"GET", "http://localhost:4566/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af/invocations?Qualifier=%24LATEST&a=b%20c&a=a", "", "lambda"},
	{"GET", "http://localhost:4566/v1/a//b/./c/../d?x", "", "execute-api"},
	{"GET", "http://localhost:4566/v1/caf%C3%A9/!$&'()*,;=:@", "", "execute-api"},
	{"PUT", "http://localhost:4566/bucket/a%20b/c%2Bd%3F//e?x-id=PutObject&tagging", "hello", "s3"},
	{"PUT", "http://bucket.localhost:4566/!$&'()*,;=:@/caf%C3%A9/..", "hello", "s3"},
	{"GET", "http://localhost:4566/bucket?list-type=2&prefix=a%2Fb&delimiter=%2F&start-after=%E2%82%AC+x", "", "s3"},
	{"GET", "http://[::1]:4566/", "", "s3"},
	{"GET", "http://localhost:4566", "", "s3"},
}

func TestVerifyWhatSDKSigns(t *testing.T) {
	creds := sdk.Credentials{AccessKeyID: example.AccessKey, SecretAccessKey: example.Secret, SessionToken: "a+token/="}
	for _, c := range oracle {
		r := request(t, c.method, c.address, c.body,
			"Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "T.Op",
			"X-Amz-Meta-Twice", "  two   words ", "X-Amz-Meta-Twice", "again", "X-Amz-Meta-Empty", "")
		if c.service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hashOf(c.body))
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
		if err := signer.SignHTTP(t.Context(), creds, r, hashOf(c.body), c.service, "eu-west-1", time.Now()); err != nil {
			t.Fatal(err)
		}
		if s := Parse(r); s.Form != Header || s.AccessKey != example.AccessKey || s.Region != "eu-west-1" || s.Service != c.service || s.Token != creds.SessionToken {
			t.Errorf("%s: Parse = %+v", c.address, s)
		}
		in := received(t, r, c.body)
		if err := verify(in, example.Secret, c.body); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		if err := verify(received(t, r, c.body), example.Secret+"x", c.body); err == nil {
			t.Errorf("%s: passes with another secret", c.address)
		}
		for _, spoil := range []func(r *http.Request){
			func(r *http.Request) { r.Method = "DELETE" },
			func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/other", "" },
			func(r *http.Request) { r.URL.RawQuery += "&more" },
			func(r *http.Request) { r.Header.Set("X-Amz-Target", "T.Delete") },
			func(r *http.Request) { r.Host = "elsewhere" },
		} {
			in := received(t, r, c.body)
			spoil(in)
			if err := verify(in, example.Secret, c.body); err == nil {
				t.Errorf("%s: passes as %s %s %s %v", c.address, in.Method, in.Host, in.URL, in.Header)
			}
		}
	}
}

func TestVerifyWhatSDKPresigns(t *testing.T) {
	creds := sdk.Credentials{AccessKeyID: example.AccessKey, SecretAccessKey: example.Secret, SessionToken: "a+token/="}
	for _, c := range oracle {
		r := request(t, c.method, c.address, c.body)
		q := r.URL.Query()
		q.Set("X-Amz-Expires", "60")
		r.URL.RawQuery = q.Encode()
		hash := hashOf(c.body)
		if c.service == "s3" {
			hash = unsignedPayload
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
		address, _, err := signer.PresignHTTP(t.Context(), creds, r, hash, c.service, "eu-west-1", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		signed := request(t, c.method, address, c.body)
		if s := Parse(signed); s.Form != Query || s.AccessKey != example.AccessKey || s.Service != c.service || s.Token != creds.SessionToken {
			t.Errorf("%s: Parse = %+v", c.address, s)
		}
		if err := verify(received(t, signed, c.body), example.Secret, c.body); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		signed.URL.RawQuery = strings.Replace(signed.URL.RawQuery, "X-Amz-Expires=60", "X-Amz-Expires=61", 1)
		if err := verify(received(t, signed, c.body), example.Secret, c.body); err == nil {
			t.Errorf("%s: passes with another expiry", address)
		}
	}
}

// What we sign, the SDK signs alike.
func TestSignAsSDK(t *testing.T) {
	creds := sdk.Credentials{AccessKeyID: example.AccessKey, SecretAccessKey: example.Secret, SessionToken: "token"}
	for _, c := range oracle {
		now := time.Now()
		ours := request(t, c.method, c.address, c.body, "Content-Type", "text/plain")
		ours.ContentLength = 0 // which the SDK signs, and we do not
		theirs := ours.Clone(t.Context())
		Sign(ours, Credentials{example.AccessKey, example.Secret, "token"}, "eu-west-1", c.service, now, []byte(c.body))
		if c.service == "s3" {
			theirs.Header.Set("X-Amz-Content-Sha256", hashOf(c.body))
		}
		if strings.Contains(c.address, "?") {
			theirs.URL.RawQuery = theirs.URL.Query().Encode()
		}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = c.service == "s3" })
		if err := signer.SignHTTP(context.Background(), creds, theirs, hashOf(c.body), c.service, "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		if got, want := ours.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.address, got, want)
		}
		if err := verify(received(t, ours, c.body), example.Secret, c.body); err != nil {
			t.Errorf("%s: %v", c.address, err)
		}
		pre := request(t, c.method, c.address, "")
		Presign(pre, Credentials{example.AccessKey, example.Secret, "to/k+en"}, "eu-west-1", c.service, now, time.Minute)
		if err := verify(received(t, pre, ""), example.Secret, ""); err != nil {
			t.Errorf("presigned %s: %v", pre.URL, err)
		}
	}
}

// The examples of the S3 and IAM manuals and of the Signature Version 4 test suite.
func TestPublishedExamples(t *testing.T) {
	s3 := "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	empty := "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	text := "Welcome to Amazon S3."
	f := func(moment, secret, method, address, body string, headers ...string) {
		t.Helper()
		at(t, moment, func(t *testing.T) {
			r := received(t, request(t, method, address, body, headers...), body)
			if err := verify(r, secret, body); err != nil {
				t.Errorf("%s %s: %v", method, address, err)
			}
		})
	}
	f("20130524T000000Z", example.Secret, "GET", "http://examplebucket.s3.amazonaws.com/test.txt", "",
		"Range", "bytes=0-9", "X-Amz-Content-Sha256", empty, "X-Amz-Date", "20130524T000000Z", "Authorization",
		s3+"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
	f("20130524T000000Z", example.Secret, "PUT", "http://examplebucket.s3.amazonaws.com/test%24file.text", text,
		"Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Date", "20130524T000000Z", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY",
		"X-Amz-Content-Sha256", hashOf(text), "Authorization",
		s3+"SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
	f("20130524T000000Z", example.Secret, "GET", "http://examplebucket.s3.amazonaws.com/?lifecycle", "",
		"X-Amz-Content-Sha256", empty, "X-Amz-Date", "20130524T000000Z", "Authorization",
		s3+"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
	f("20130524T000000Z", example.Secret, "GET", "http://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "",
		"X-Amz-Content-Sha256", empty, "X-Amz-Date", "20130524T000000Z", "Authorization",
		s3+"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
	f("20130524T000000Z", example.Secret, "GET", "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", "")
	f("20150830T123600Z", published, "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", "",
		"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", "X-Amz-Date", "20150830T123600Z", "Authorization",
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	f("20150830T123600Z", published, "GET", "https://example.amazonaws.com/", "",
		"X-Amz-Date", "20150830T123600Z", "Authorization",
		"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
}

// A client that does not know of a mapped port, or leaves it out, is understood.
func TestHostWithoutPort(t *testing.T) {
	for _, host := range []string{"localhost:4566", "[::1]:4566", "localhost", "[::1]", "::1"} {
		r := request(t, "GET", "http://x/", "")
		r.Host = withoutPort(host)
		Sign(r, example, "eu-west-1", "sqs", time.Now(), nil)
		r.Host = host
		if err := verify(received(t, r, ""), example.Secret, ""); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestTime(t *testing.T) {
	f := func(service string, signed time.Duration, code, words string) {
		t.Helper()
		at(t, "20260101T120000Z", func(t *testing.T) {
			r := request(t, "GET", "http://localhost/", "")
			Sign(r, example, "eu-west-1", service, time.Now().Add(signed), nil)
			err := verify(received(t, r, ""), example.Secret, "")
			if code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, code, words)
		})
	}
	f("sqs", -15*time.Minute, "", "")
	f("sqs", 15*time.Minute, "", "")
	f("sqs", -16*time.Minute, "InvalidSignatureException", "Signature expired: 20260101T114400Z is now earlier than 20260101T114500Z (20260101T120000Z - 15 min.)")
	f("sqs", 16*time.Minute, "InvalidSignatureException", "Signature not yet current: 20260101T121600Z is still later than 20260101T121500Z (20260101T120000Z + 15 min.)")
	f("s3", -16*time.Minute, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	f("s3", 16*time.Minute, "RequestTimeTooSkewed", "")
}

func TestExpiry(t *testing.T) {
	f := func(service string, signed, expires time.Duration, code, words string) {
		t.Helper()
		at(t, "20260101T120000Z", func(t *testing.T) {
			r := request(t, "GET", "http://localhost/", "")
			Presign(r, example, "eu-west-1", service, time.Now().Add(signed), expires)
			err := verify(received(t, r, ""), example.Secret, "")
			if code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, code, words)
		})
	}
	f("s3", -time.Hour, time.Hour, "", "")
	f("s3", -7*24*time.Hour, 7*24*time.Hour, "", "")
	f("s3", -time.Hour-time.Second, time.Hour, "AccessDenied", "Request has expired")
	f("s3", time.Hour, time.Hour, "AccessDenied", "Request is not valid yet")
	f("s3", 0, 7*24*time.Hour+time.Second, "AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week")
	f("s3", 0, -time.Second, "AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative")
	f("sts", -2*time.Minute, time.Minute, "InvalidSignatureException", "Signature expired: 20260101T115800Z is now earlier than 20260101T115900Z (20260101T120000Z - 60 sec.)")
	f("sts", time.Hour, time.Minute, "InvalidSignatureException", "Signature not yet current")
}

func TestMalformed(t *testing.T) {
	const (
		date = "20260101T120000Z"
		host = " SignedHeaders=host, Signature=0000"
		good = "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/sqs/aws4_request,"
	)
	f := func(auth, code, words string, headers ...string) {
		t.Helper()
		at(t, date, func(t *testing.T) {
			r := request(t, "GET", "http://localhost/", "", append(headers, "Authorization", auth)...)
			wantFault(t, verify(r, "secret", ""), code, words)
		})
	}
	f("AWS4-HMAC-SHA256", "IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256")
	f(good+host, "IncompleteSignatureException", "Authorization header requires existence of either")
	f(good+" Signature=0", "IncompleteSignatureException", "Authorization header requires 'SignedHeaders' parameter. (", "X-Amz-Date", date)
	f("AWS4-HMAC-SHA256 Credential=AK/20260101/sqs/aws4_request,"+host, "IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AK/20260101/sqs/aws4_request'", "X-Amz-Date", date)
	f("AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/sqs/aws3_request,"+host, "InvalidSignatureException", "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'.", "X-Amz-Date", date)
	f("AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/sqs/aws4_request,"+host, "InvalidSignatureException", "'20260102' != '20260101', from '20260101T120000Z'.", "X-Amz-Date", date)
	f("AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/s3/aws4_request,"+host, "AuthorizationHeaderMalformed", `Invalid credential date "20260102". Date is not the same`, "X-Amz-Date", date)
	f("AWS4-HMAC-SHA256 Credential=AK/today/eu-west-1/s3/aws4_request,"+host, "AuthorizationHeaderMalformed", `incorrect date format "today"`, "X-Amz-Date", date)
	f(good+" SignedHeaders=x-amz-date, Signature=0", "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader'", "X-Amz-Date", date)
	f(good+host, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult", "X-Amz-Date", date)
	f("AWS AK:c2ln", "IncompleteSignatureException", "Signature Version 2 is not supported")
	f("Bearer x", "MissingAuthenticationTokenException", "Request is missing Authentication Token")
	f("AWS4-", "IncompleteSignatureException", "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. (")
	f("AWS4-X Credential=AK/20260101/eu-west-1/sqs/aws4_request,"+host, "IncompleteSignatureException", "requires 'AWS4-HMAC-SHA256' algorithm", "X-Amz-Date", date)

	s3 := strings.Replace(good, "sqs", "s3", 1)
	f(s3+host, "SignatureDoesNotMatch", "Check your key and signing method.", "X-Amz-Content-Sha256", unsignedPayload, "Date", "Thu, 01 Jan 2026 12:00:00 GMT")
	f(s3+host, "AccessDenied", "There were headers present in the request which were not signed", "X-Amz-Date", date)
	f(s3+" SignedHeaders=host;x-amz-date, Signature=0", "InvalidRequest", "Missing required header for this request: x-amz-content-sha256", "X-Amz-Date", date)
	f(s3+" SignedHeaders=host;x-amz-date, Signature=0", "InvalidArgument", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD", "X-Amz-Date", date, "X-Amz-Content-Sha256", "abc")
}

func TestMalformedQuery(t *testing.T) {
	q := url.Values{
		"X-Amz-Algorithm": {algorithm}, "X-Amz-Credential": {"AK/20260101/eu-west-1/s3/aws4_request"}, "X-Amz-Date": {"20260101T120000Z"},
		"X-Amz-Expires": {"60"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {"0"},
	}
	f := func(name, value, code, words string) {
		t.Helper()
		at(t, "20260101T120000Z", func(t *testing.T) {
			r := request(t, "GET", "http://localhost/b/k", "")
			mine := url.Values{}
			for k, v := range q {
				mine[k] = v
			}
			mine.Set(name, value)
			if value == "" {
				mine.Del(name)
			}
			r.URL.RawQuery = mine.Encode()
			s := Parse(r)
			wantFault(t, new(Verifier).Verify(r, s, "secret", true, nil), code, words)
		})
	}
	const bad = "AuthorizationQueryParametersError"
	f("X-Amz-Expires", "", bad, "Query-string authentication version 4 requires")
	f("X-Amz-Credential", "", bad, "Query-string authentication version 4 requires")
	f("X-Amz-Expires", "soon", bad, "X-Amz-Expires should be a number")
	f("X-Amz-Algorithm", "AWS4-MD5", bad, "X-Amz-Algorithm only supports")
	f("X-Amz-Date", "yesterday", bad, "X-Amz-Date must be in the ISO8601 Long Format")
	f("X-Amz-Credential", "AK", bad, `Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>`)
	f("X-Amz-Credential", "AK/20260102/eu-west-1/s3/aws4_request", bad, "This date is not the same as X-Amz-Date")
	f("X-Amz-SignedHeaders", "date", "AccessDenied", "which were not signed")
	f("X-Amz-Signature", "1", "SignatureDoesNotMatch", "")
}

// Addresses presigned by version 2, of which the first is of AWS's manual.
func TestVersion2(t *testing.T) {
	f := func(method, host, target, code, words string, headers ...string) {
		t.Helper()
		at(t, "20070329T033000Z", func(t *testing.T) {
			r := request(t, method, "http://"+host+target, "", headers...)
			s := Parse(r)
			if s.AccessKey != example.AccessKey && code == "" {
				t.Errorf("got %+v", s)
			}
			err := new(Verifier).Verify(received(t, r, ""), s, example.Secret, true, nil)
			if code != "" {
				wantFault(t, err, code, words)
			} else if err != nil {
				t.Errorf("%s: %v", target, err)
			}
		})
	}
	const ends = "Expires=1175139620"
	const puppy = "/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&" + ends
	f("GET", "johnsmith.s3.amazonaws.com", puppy, "", "")
	f("GET", "johnsmith.s3.localhost:4566", puppy, "", "")
	f("GET", "localhost:4566", "/johnsmith"+puppy, "", "")
	f("GET", "johnsmith.s3.amazonaws.com", puppy+"&ignored=1", "", "")
	f("GET", "johnsmith.s3.amazonaws.com", puppy+"&versionId=1", "SignatureDoesNotMatch", "Check your key and signing method.")
	f("PUT", "johnsmith.s3.amazonaws.com", puppy, "SignatureDoesNotMatch", "")
	f("GET", "johnsmith.s3.amazonaws.com", puppy, "SignatureDoesNotMatch", "", "X-Amz-Acl", "public-read")
	f("GET", "other.s3.amazonaws.com", puppy, "SignatureDoesNotMatch", "")
	f("GET", "johnsmith.s3.amazonaws.com", strings.Replace(puppy, ends, "Expires=1175139621", 1), "SignatureDoesNotMatch", "")
	f("GET", "johnsmith.s3.amazonaws.com", strings.Replace(puppy, ends, "Expires=1175138000", 1), "AccessDenied", "Request has expired")
	f("GET", "johnsmith.s3.amazonaws.com", strings.Replace(puppy, ends, "Expires=soon", 1), "AccessDenied", "Invalid date")
	f("GET", "johnsmith.s3.amazonaws.com", strings.Replace(puppy, ends, "", 1), "AccessDenied", "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")

	r := request(t, "GET", "http://localhost"+puppy, "")
	wantFault(t, new(Verifier).Verify(r, Parse(r), example.Secret, false, nil), "IncompleteSignatureException", "Signature Version 2 is not supported")
}

// What a presigned address says instead of headers is among them afterwards.
func TestHeadersInQuery(t *testing.T) {
	r := request(t, "PUT", "http://localhost/b/k?x-amz-meta-foo=bar&X-Amz-Acl=private", "")
	Presign(r, example, "eu-west-1", "s3", time.Now(), time.Minute)
	in := received(t, r, "")
	in.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
	if err := verify(in, example.Secret, ""); err != nil {
		t.Fatal(err)
	}
	if in.Header.Get("X-Amz-Meta-Foo") != "bar" || in.Header.Get("X-Amz-Acl") != "private" || in.Header.Get("X-Amz-Date") != "" {
		t.Errorf("got %v", in.Header)
	}
	in = received(t, r, "")
	in.Header.Set("X-Amz-Meta-Other", "x")
	wantFault(t, verify(in, example.Secret, ""), "AccessDenied", "There were headers present in the request which were not signed")
}

// A secret that changes under the same id is noticed.
func TestKeysAreOfTheirSecret(t *testing.T) {
	v := new(Verifier)
	for _, secret := range []string{"one", "two", "one"} {
		r := request(t, "GET", "http://localhost/", "")
		Sign(r, Credentials{AccessKey: "AK", Secret: secret}, "eu-west-1", "sqs", time.Now(), nil)
		in := received(t, r, "")
		if err := v.Verify(in, Parse(in), secret, false, nil); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
		if err := v.Verify(in, Parse(in), "three", false, nil); err == nil {
			t.Errorf("%s passes as three", secret)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=00", "20260101T120000Z", "a=b&c")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=AK/20260101/s3/aws4_request,SignedHeaders=host;,Signature=3045**", "Thu, 01 Jan 2026 12:00:00 GMT", "%zz&=+")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101%2Fb%2Fs3%2Faws4_request&X-Amz-Date=20260101T120000Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=0")
	f.Fuzz(func(t *testing.T, auth, date, query string) {
		r := httptest.NewRequest("GET", "/a/../b", nil)
		r.URL.RawQuery = query
		if auth != "" {
			r.Header.Set("Authorization", auth)
		}
		r.Header.Set("X-Amz-Date", date)
		for _, s3 := range []bool{false, true} {
			s := Parse(r)
			if err := new(Verifier).Verify(r, s, "secret", s3, nil); err == nil {
				t.Errorf("%q %q %q: nobody signed this", auth, date, query)
			}
		}
	})
}

// What a query means does not change its canonical form.
func FuzzQuery(f *testing.F) {
	f.Add("b=%41&a=+&a=%2b&%")
	f.Fuzz(func(t *testing.T, raw string) {
		once := string(appendQuery(nil, raw, false))
		if twice := string(appendQuery(nil, once, false)); twice != once {
			t.Errorf("%q: %q, then %q", raw, once, twice)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	body := strings.Repeat(`{"pk":{"S":"user"}}`, 15)
	r := request(b, "POST", "http://localhost:4566/", body,
		"Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", "DynamoDB_20120810.PutItem",
		"Amz-Sdk-Invocation-Id", "0b5f6ed6-8ff0-4f2c-8b3e-9d0b0e6c3a11", "Amz-Sdk-Request", "attempt=1; max=3", "Accept-Encoding", "identity")
	creds := sdk.Credentials{AccessKeyID: example.AccessKey, SecretAccessKey: example.Secret}
	if err := v4.NewSigner().SignHTTP(b.Context(), creds, r, hashOf(body), "dynamodb", "eu-west-1", time.Now()); err != nil {
		b.Fatal(err)
	}
	in, v, text := received(b, r, body), new(Verifier), []byte(body)
	b.ReportAllocs()
	for b.Loop() {
		if err := v.Verify(in, Parse(in), example.Secret, false, text); err != nil {
			b.Fatal(err)
		}
	}
}
