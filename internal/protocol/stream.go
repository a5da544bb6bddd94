package protocol

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
)

// A content is the body of a request as its service reads it.
type content struct {
	io.ReadCloser
	r *http.Request
}

func newContent(r *http.Request) *content {
	if r.Body == nil {
		return &content{http.NoBody, r}
	}
	return &content{r.Body, r}
}

// Trailer returns the headers that follow the body; see smithy.Body.
func (c *content) Trailer() map[string][]string { return c.r.Trailer }

// setStream puts a stream of b in the slot v.
func setStream(v reflect.Value, b []byte) {
	v.Set(reflect.ValueOf(io.NopCloser(bytes.NewReader(b))))
}

// streamed returns what is in the stream v, for protocols without streams.
// Encode has read it, so that a failure to read is known before the answer begins.
func streamed(v reflect.Value) []byte {
	if b, ok := v.Interface().(*buffered); ok {
		return b.content
	}
	return nil
}

// A buffered is a stream that has been read into memory.
type buffered struct {
	io.Reader
	content []byte
}

// Close does nothing: the memory is the reader's.
func (*buffered) Close() error { return nil }

// buffer reads the stream in v, a struct, that its plan says it has, if it has one.
func buffer(s *structure, v reflect.Value) error {
	if s.payload == nil || s.payload.kind != kindStream {
		return nil
	}
	slot := v.Field(s.payload.index)
	if slot.IsNil() {
		return nil
	}
	r := slot.Interface().(io.Reader)
	content, err := io.ReadAll(io.LimitReader(r, maxBuffered+1))
	if c, ok := r.(io.Closer); ok {
		c.Close()
	}
	if err != nil {
		return err
	}
	if len(content) > maxBuffered {
		return errTooLong
	}
	slot.Set(reflect.ValueOf(&buffered{Reader: bytes.NewReader(content), content: content}))
	return nil
}
