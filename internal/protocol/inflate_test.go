package protocol

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestInflate(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(make([]byte, 1000))
	w.Close()
	f := func(encoding string, body []byte, max int64, size int, fault error) {
		t.Helper()
		got, err := Inflate(&http.Request{Header: http.Header{"Content-Encoding": {encoding}}}, body, max)
		if len(got) != size || !errors.Is(err, fault) {
			t.Errorf("%s: got %d bytes, %v; want %d, %v", encoding, len(got), err, size, fault)
		}
	}
	f("gzip", z.Bytes(), 1000, 1000, nil)
	f("custom, GZIP", z.Bytes(), 1000, 1000, nil)
	f("gzip", z.Bytes(), 999, 0, aws.RequestEntityTooLarge)
	f("gzip", []byte("plain"), 999, 0, aws.SerializationFault)
	f("gzip", z.Bytes()[:z.Len()-5], 9999, 0, aws.SerializationFault)
	f("identity", []byte("plain"), 1, 5, nil)
}
