package edge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// Most that is read of a request that is not streamed, in bytes. Services
// refuse sooner, in their own words, what is over limits of theirs.
const (
	maxUsual = 16 << 20
	maxCode  = 80 << 20 // a function's archive of 50 MB, in base64
	maxLayer = 32 << 20 // a part of an image's layer of 20 MB, in base64
)

func maxBody(service string) int64 {
	switch service {
	case "lambda":
		return maxCode
	case "ecr":
		return maxLayer
	}
	return maxUsual
}

// readForm reads the body of a request that sent a form, which the query
// protocol does, since it names the operation. Others are left as they are.
func readForm(w http.ResponseWriter, r *http.Request) (body []byte, form *protocol.Form, err error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || strings.TrimSpace(kind) != "application/x-www-form-urlencoded" {
		return nil, nil, nil
	}
	if body, err = readBody(w, r, maxUsual); err != nil {
		return nil, nil, err
	}
	// Clients say so of anything; what is no form is for a service that speaks otherwise.
	form, _ = protocol.ParseForm(string(body))
	return body, form, nil
}

// readBody reads the body of r, and refuses more than limit bytes. What was
// signed is what was sent; a gzip body is unpacked once that is checked, so
// what is returned is as sent.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return []byte{}, nil
	}
	body := http.MaxBytesReader(w, r.Body, limit)
	var out bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= limit {
		out.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := out.ReadFrom(body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, aws.RequestEntityTooLarge.Errorf("Request size exceeded %d bytes", limit)
	}
	if _, ok := errors.AsType[*aws.Error](err); ok {
		return nil, err // it is not what was signed
	}
	if err != nil {
		return nil, aws.Fault{Code: "RequestAbortedException", Status: http.StatusBadRequest}.Errorf("The body ended before its length.")
	}
	return out.Bytes(), nil
}

// unzip returns body unpacked if r says that it is gzip, as some SDKs send
// large ones.
func unzip(r *http.Request, body []byte, limit int64) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, aws.SerializationFault.Errorf("The body is not gzip, as its Content-Encoding says.")
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil {
		return nil, aws.SerializationFault.Errorf("The body is not gzip, as its Content-Encoding says.")
	}
	if int64(len(out)) > limit {
		return nil, aws.RequestEntityTooLarge.Errorf("Request size exceeded %d bytes", limit)
	}
	return out, nil
}
