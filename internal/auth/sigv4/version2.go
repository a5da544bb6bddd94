package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Version 2 is gone but for one thing: S3 still takes addresses that are
// presigned by it, and boto3 still makes such if nobody tells it otherwise. It
// signs less than version 4: of the query only what chooses a part of a
// resource, and neither the host nor the service.

// parseVersion2 reads a query with AWSAccessKeyId, Expires and Signature.
func (s *Signature) parseVersion2(q url.Values) {
	s.Form, s.version2, s.Service = Query, true, "s3"
	s.AccessKey = q.Get("AWSAccessKeyId")
	s.Token = q.Get("x-amz-security-token")
	s.signature = q.Get("Signature")
	s.timestamp = q.Get("Expires")
	s.wrong = &refusal{other: errVersion2().other}
	if s.AccessKey == "" || s.signature == "" || s.timestamp == "" {
		s.wrong.s3 = accessDenied.Errorf("Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
		return
	}
	seconds, err := strconv.ParseInt(s.timestamp, 10, 64)
	if err != nil {
		s.wrong.s3 = accessDenied.Errorf("Invalid date (should be seconds since epoch): %s", s.timestamp)
	}
	s.Time = time.Unix(seconds, 0).UTC() // when it ends
}

// verify2 checks a signature of version 2, which is of S3.
func (s *Signature) verify2(r *http.Request, secret string) error {
	if err := s.checkExpiry2(time.Now().UTC()); err != nil {
		return err
	}
	path := r.URL.EscapedPath()
	resources := []string{path}
	if bucket, _, found := strings.Cut(r.Host, "."); found {
		if name, _, ok := strings.Cut(r.Host, ".s3"); ok {
			bucket = name
		}
		resources = append(resources, "/"+bucket+path)
	}
	var first []byte
	for _, resource := range resources {
		text := s.toSign2(r, resource)
		if first == nil {
			first = text
		}
		if checkMAC(secret, string(text), s.signature) {
			return nil
		}
	}
	return errMismatch(s, &scratch{toSign: first}, true)
}

// checkExpiry2 is checkExpiry in version 2, where Time is the end.
func (s *Signature) checkExpiry2(now time.Time) error {
	if !now.After(s.Time) {
		return nil
	}
	return accessDenied.With(&expiry{
		Expires:    s.Time.Format("2006-01-02T15:04:05Z"),
		ServerTime: now.Format("2006-01-02T15:04:05Z"),
	}, "Request has expired")
}

// checkMAC says whether signature is that of text in version 2.
func checkMAC(secret, text, signature string) bool {
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text))
	want := base64.StdEncoding.EncodeToString(h.Sum(nil))
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
}

// toSign2 is what version 2 signs of r. What stands in the query instead of a
// header counts as one.
func (s *Signature) toSign2(r *http.Request, resource string) []byte {
	q := r.URL.Query()
	header := func(name string) string {
		if v := r.Header.Get(name); v != "" {
			return v
		}
		return q.Get(strings.ToLower(name))
	}
	var b []byte
	for _, line := range []string{r.Method, header("Content-Md5"), header("Content-Type"), s.timestamp} {
		b = append(b, line...)
		b = append(b, '\n')
	}
	amazon := make(map[string]string)
	for _, values := range []map[string][]string{q, r.Header} {
		for name, v := range values {
			if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") {
				amazon[lower] = strings.TrimSpace(strings.Join(v, ","))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(amazon)) {
		b = append(b, name+":"+amazon[name]+"\n"...)
	}
	b = append(b, resource...)
	separator := byte('?')
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !subresources2[name] {
			continue
		}
		b = append(append(b, separator), name...)
		if v := q.Get(name); v != "" {
			b = append(b, "="+v...)
		}
		separator = '&'
	}
	return b
}

// subresources2 are the parameters of a query that version 2 signs.
var subresources2 = map[string]bool{
	"accelerate": true, "acl": true, "analytics": true, "cors": true, "defaultObjectAcl": true, "delete": true, "inventory": true,
	"lifecycle": true, "location": true, "logging": true, "metrics": true, "notification": true, "object-lock": true, "partNumber": true,
	"policy": true, "replication": true, "requestPayment": true, "response-cache-control": true, "response-content-disposition": true,
	"response-content-encoding": true, "response-content-language": true, "response-content-type": true, "response-expires": true,
	"restore": true, "select": true, "select-type": true, "storageClass": true, "tagging": true, "torrent": true, "uploadId": true,
	"uploads": true, "versionId": true, "versioning": true, "versions": true, "website": true,
}

// hoisted are the parameters of a presigned query that are no headers.
var hoisted = []string{
	"X-Amz-Algorithm", "X-Amz-Content-Sha256", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Region-Set",
	"X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Signedheaders",
}

// lower takes headers down out of the query of a presigned request, where
// clients put them to have them in the address: for S3 they are the same.
func (s *Signature) lower(r *http.Request) {
	for name, values := range r.URL.Query() {
		key := http.CanonicalHeaderKey(name)
		ours := strings.HasPrefix(key, "X-Amz-") && !slices.Contains(hoisted, key) ||
			s.version2 && (key == "Content-Type" || key == "Content-Md5")
		if ours && r.Header[key] == nil {
			r.Header[key] = values
		}
	}
}
