package s3

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/protocol"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// maxFields is the most bytes of a form before its file.
const maxFields = 20 << 10

// postObject puts an object that came in a form. It is no operation of the API,
// and needs the permissions of PutObject.
var postObject = smithy.Operation[api.PutObjectInput, api.PutObjectOutput]{Service: "s3", Name: "PostObject"}

// posted is the event of an object that came in a form.
const posted = "ObjectCreated:Post"

// postObject implements the operation of that name.
func (s *Service) postObject(ctx context.Context, call *aws.Call, in *api.PutObjectInput) (*api.PutObjectOutput, error) {
	return s.put(ctx, deed{call: call, bucket: in.Bucket, key: in.Key, event: posted, reason: "PostObject"}, in)
}

// A form is what came before the file: fields by lower-case name.
type form struct {
	bucket string
	fields map[string]string
	file   *multipart.Part
}

// servePost answers an HTML form that puts an object.
func (s *Service) servePost(w http.ResponseWriter, r *http.Request, authenticate func(*sigv4.Text) (*aws.Call, error)) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if err := f.checkSigned(); err != nil {
		return err
	}
	call, err := authenticate(&sigv4.Text{
		Algorithm:  f.fields["x-amz-algorithm"],
		Credential: cmp.Or(f.fields["x-amz-credential"], f.fields["awsaccesskeyid"]),
		Signature:  cmp.Or(f.fields["x-amz-signature"], f.fields["signature"]),
		Token:      f.fields["x-amz-security-token"], Text: f.fields["policy"],
	})
	if err != nil {
		return err
	}
	limits := sizes{0, maxContent}
	if text := f.fields["policy"]; text != "" {
		if limits, err = checkForm(text, f); err != nil {
			return err
		}
	}
	in, err := f.input()
	if err != nil {
		return err
	}
	in.Body = &limited{Reader: f.file, sizes: limits}
	out, err := dispatch.Call(r.Context(), s.table, call, postObject, in)
	if err != nil {
		return err
	}
	return f.answer(w, r, call, in, out)
}

// readForm reads a form up to its file.
func readForm(r *http.Request) (*form, error) {
	malformed := api.MalformedPOSTRequest.Errorf("The body of your POST request is not well-formed multipart/form-data.")
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, malformed
	}
	f := &form{bucket: cmp.Or(protocol.BucketOf(r.Host), strings.Trim(r.URL.Path, "/")), fields: make(map[string]string)}
	for room := int64(maxFields); ; {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, errArgument("file", "0", "POST requires exactly one file upload per request.")
		}
		if err != nil {
			return nil, malformed
		}
		name := strings.ToLower(p.FormName())
		if name == "file" {
			f.file = p
			break
		}
		text, err := io.ReadAll(io.LimitReader(p, room+1))
		if err != nil {
			return nil, malformed
		}
		if room -= int64(len(text)); room < 0 {
			return nil, api.MaxPostPreDataLengthExceededError.Errorf("Your POST request fields preceding the upload file were too large.")
		}
		f.fields[name] = string(text)
	}
	if f.fields["key"] == "" {
		return nil, errArgument("key", "", "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.")
	}
	if name := f.file.FileName(); name != "" { // a file may come as a field
		f.fields["key"] = strings.ReplaceAll(f.fields["key"], "${filename}", name)
	}
	f.fields["bucket"] = f.bucket
	return f, nil
}

// checkSigned refuses a policy without a field of its signature, of version 4 or
// else 2.
func (f *form) checkSigned() error {
	if f.fields["policy"] == "" {
		return nil
	}
	names := []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"}
	given := func(name string) bool { return f.fields[strings.ToLower(name)] != "" }
	if !slices.ContainsFunc(names, given) {
		names = []string{"AWSAccessKeyId", "Signature"}
	}
	for _, name := range names {
		if !given(name) {
			return errArgument(name, "", "Bucket POST must contain a field named '"+name+"'.  If it is specified, please check the order of the fields.")
		}
	}
	return nil
}

// input is the object that f puts.
func (f *form) input() (*api.PutObjectInput, error) {
	in := &api.PutObjectInput{Bucket: f.bucket, Key: f.fields["key"]}
	for name, to := range map[string]**string{
		"acl": &in.ACL, "cache-control": &in.CacheControl, "content-type": &in.ContentType, "content-disposition": &in.ContentDisposition,
		"content-encoding": &in.ContentEncoding, "content-language": &in.ContentLanguage, "expires": &in.Expires,
		"x-amz-storage-class": &in.StorageClass, "x-amz-server-side-encryption": &in.ServerSideEncryption,
		"x-amz-website-redirect-location": &in.WebsiteRedirectLocation, "x-amz-checksum-algorithm": &in.ChecksumAlgorithm,
		"x-amz-checksum-crc32": &in.ChecksumCRC32, "x-amz-checksum-crc32c": &in.ChecksumCRC32C, "x-amz-checksum-crc64nvme": &in.ChecksumCRC64NVME,
		"x-amz-checksum-sha1": &in.ChecksumSHA1, "x-amz-checksum-sha256": &in.ChecksumSHA256, "content-md5": &in.ContentMD5,
		"x-amz-server-side-encryption-customer-algorithm": &in.SSECustomerAlgorithm, "x-amz-server-side-encryption-customer-key": &in.SSECustomerKey,
		"x-amz-server-side-encryption-customer-key-md5": &in.SSECustomerKeyMD5,
		"x-amz-object-lock-mode":                        &in.ObjectLockMode, "x-amz-object-lock-legal-hold": &in.ObjectLockLegalHoldStatus,
	} {
		if text, given := f.fields[name]; given {
			*to = &text
		}
	}
	for name, text := range f.fields {
		if key, ok := strings.CutPrefix(name, "x-amz-meta-"); ok {
			if in.Metadata == nil {
				in.Metadata = make(map[string]string)
			}
			in.Metadata[key] = text
		}
	}
	if text, given := f.fields["x-amz-object-lock-retain-until-date"]; given {
		until, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return nil, errArgument("x-amz-object-lock-retain-until-date", text, "The retain until date must be provided in ISO 8601 format")
		}
		in.ObjectLockRetainUntilDate = &until
	}
	text, given := f.fields["tagging"]
	if !given {
		return in, nil
	}
	var tags struct {
		Tag []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal([]byte(text), &tags); err != nil {
		return nil, errMalformed()
	}
	pairs := make(url.Values)
	for _, t := range tags.Tag {
		pairs.Add(t.Key, t.Value)
	}
	in.Tagging = new(pairs.Encode())
	return in, nil
}

// answer says that the object is there, as the form wants it said.
func (f *form) answer(w http.ResponseWriter, r *http.Request, call *aws.Call, in *api.PutObjectInput, out *api.PutObjectOutput) error {
	h := w.Header()
	h.Set("Etag", *out.ETag)
	h.Set("Location", location(call, in.Bucket, in.Key))
	if out.VersionId != nil {
		h.Set("X-Amz-Version-Id", *out.VersionId)
	}
	if to := cmp.Or(f.fields["success_action_redirect"], f.fields["redirect"]); to != "" {
		if u, err := url.Parse(to); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
			q := u.Query()
			q.Set("bucket", in.Bucket)
			q.Set("key", in.Key)
			q.Set("etag", *out.ETag)
			u.RawQuery = q.Encode()
			h.Set("Location", u.String())
			w.WriteHeader(http.StatusSeeOther)
			return nil
		}
	}
	switch f.fields["success_action_status"] {
	case "200":
		w.WriteHeader(http.StatusOK)
	case "201":
		h.Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, xml.Header)
		return xml.NewEncoder(w).Encode(postResponse{Location: location(call, in.Bucket, in.Key), Bucket: in.Bucket, Key: in.Key, ETag: *out.ETag})
	default:
		w.WriteHeader(http.StatusNoContent)
	}
	return nil
}

type postResponse struct {
	XMLName                     xml.Name `xml:"PostResponse"`
	Location, Bucket, Key, ETag string
}

// sizes are how large the file of a form may be.
type sizes struct{ least, most int64 }

// A limited reader fails if there is less or more than there may be.
type limited struct {
	io.Reader
	sizes
	read int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.read += int64(n)
	switch {
	case l.read > l.most:
		return n, api.EntityTooLarge.With(&api.EntityTooLargeDetail{ProposedSize: itoa(l.read), MaxSizeAllowed: itoa(l.most)},
			"Your proposed upload exceeds the maximum allowed size")
	case errors.Is(err, io.EOF) && l.read < l.least:
		return n, api.EntityTooSmall.With(&api.EntityTooSmallDetail{ProposedSize: itoa(l.read), MinSizeAllowed: itoa(l.least)},
			"Your proposed upload is smaller than the minimum allowed size")
	}
	return n, err
}
