package protocol

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// Inflate returns a whole body as it was before the client compressed it, at
// most max bytes. Signatures are of what was sent. It is not for bodies that
// are kept as they come, such as objects.
func Inflate(r *http.Request, body []byte, max int64) ([]byte, error) {
	encodings := r.Header.Values("Content-Encoding")
	if len(encodings) == 0 || len(body) == 0 {
		return body, nil
	}
	last := encodings[len(encodings)-1]
	if i := strings.LastIndexByte(last, ','); i >= 0 {
		last = last[i+1:]
	}
	if !strings.EqualFold(strings.TrimSpace(last), "gzip") {
		return body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, aws.SerializationFault.Errorf("The body is not gzip, though Content-Encoding says so.")
	}
	body, err = io.ReadAll(io.LimitReader(z, max+1))
	if err != nil {
		return nil, aws.SerializationFault.Errorf("The body is not gzip, though Content-Encoding says so.")
	}
	if int64(len(body)) > max {
		return nil, aws.RequestEntityTooLarge.Errorf("The body is larger than %d bytes.", max)
	}
	return body, nil
}
