package rapi

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

const (
	maxHead    = 2 << 20 // bytes of all headers: aws-lambda-go sends up to 1 MB of X-Ray cause
	maxHeaders = 100
	maxChunk   = 64 << 10 // read at once
)

// A request is the head of a request, with what of its headers matters here.
type request struct {
	method, path string
	length       int64 // of the body; -1 if it is chunked
	close        bool  // the connection is not used again
	expect       bool  // 100-continue
	streaming    bool
	contentType  string
	errorType    string

	extension     string // the identifier of one
	extensionName string
	features      string // that it accepts
}

// readRequest reads a request up to its body.
func readRequest(r *bufio.Reader) (request, error) {
	var q request
	line, err := r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return q, errMalformed
	}
	if err != nil {
		return q, err
	}
	method, rest, _ := bytes.Cut(trimLine(line), []byte(" "))
	path, proto, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(method) == 0 || len(path) == 0 || !bytes.HasPrefix(proto, []byte("HTTP/1.")) {
		return q, errMalformed
	}
	q.method, q.path = string(method), string(path)
	q.close = bytes.Equal(proto, []byte("HTTP/1.0"))
	lengths := 0
	err = readHeaders(r, func(name, value []byte) error {
		if equalFold(name, "content-length") {
			lengths++
		}
		return q.header(name, value)
	})
	// A body that could be read in two ways is read in none.
	if err == nil && lengths > 1 {
		err = errMalformed
	}
	return q, err
}

func (q *request) header(name, value []byte) error {
	switch {
	case equalFold(name, "content-length"):
		n, err := strconv.ParseInt(string(value), 10, 63)
		if err != nil || n < 0 || q.length < 0 {
			return errMalformed
		}
		q.length = n
	case equalFold(name, "transfer-encoding"):
		if !equalFold(value, "chunked") || q.length != 0 {
			return errMalformed
		}
		q.length = -1
	case equalFold(name, "connection"):
		q.close = q.close || equalFold(value, "close")
	case equalFold(name, "expect"):
		q.expect = equalFold(value, "100-continue")
	case equalFold(name, "content-type"):
		q.contentType = string(value)
	case equalFold(name, "lambda-runtime-function-error-type"), equalFold(name, "lambda-extension-function-error-type"):
		q.errorType = string(value)
	case equalFold(name, "lambda-extension-identifier"):
		q.extension = string(value)
	case equalFold(name, "lambda-extension-name"):
		q.extensionName = string(value)
	case equalFold(name, "lambda-extension-accept-feature"):
		q.features = string(value)
	case equalFold(name, "lambda-runtime-function-response-mode"):
		q.streaming = equalFold(value, "streaming")
	}
	return nil
}

// readHeaders calls f for each header up to the empty line.
func readHeaders(r *bufio.Reader, f func(name, value []byte) error) error {
	left := maxHead
	for range maxHeaders {
		line, err := readLine(r, left)
		if err != nil {
			return err
		}
		left -= len(line)
		line = trimLine(line)
		if len(line) == 0 {
			return nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) == 0 {
			return errMalformed
		}
		if err := f(name, bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
	return errMalformed
}

// readLine reads a line of at most most bytes. It is good until the next read.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err == nil || err != bufio.ErrBufferFull {
		return line, err
	}
	var long []byte
	for err == bufio.ErrBufferFull && len(long)+len(line) <= most {
		long = append(long, line...)
		line, err = r.ReadSlice('\n')
	}
	if err == bufio.ErrBufferFull {
		return nil, errMalformed
	}
	return append(long, line...), err
}

func trimLine(b []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
}

func equalFold(b []byte, s string) bool { return len(b) == len(s) && strings.EqualFold(string(b), s) }

// trailers are what may follow a chunked body.
type trailers struct{ errorType, errorBody string }

// collected is a body in the pieces it came in.
type collected struct {
	pieces [][]byte
	size   int
	over   int // bytes of a body that is over MaxPayload; then there are no pieces
}

// bytes joins the pieces.
func (b *collected) bytes() []byte {
	if len(b.pieces) == 1 {
		return b.pieces[0]
	}
	return bytes.Join(b.pieces, nil)
}

func (b *collected) add(r io.Reader, n int) error {
	if b.over > 0 || b.size+n > MaxPayload {
		b.over = max(b.over, b.size) + n
		b.pieces = nil
		_, err := io.CopyN(io.Discard, r, int64(n))
		return err
	}
	piece := make([]byte, n)
	if _, err := io.ReadFull(r, piece); err != nil {
		return err
	}
	b.pieces = append(b.pieces, piece)
	b.size += n
	return nil
}

// collect reads the body. One that is too large is read over.
func (q *request) collect(r *bufio.Reader) (collected, trailers, error) {
	var b collected
	t, err := q.each(r, MaxPayload, func(n int) error { return b.add(r, n) })
	return b, t, err
}

// copy writes the body to w as it comes. If w fails, the rest is read over.
func (q *request) copy(r *bufio.Reader, w io.Writer) (trailers, error) {
	buf := make([]byte, maxChunk)
	var failed error
	return q.each(r, maxChunk, func(n int) error {
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return err
		}
		if failed == nil {
			_, failed = w.Write(buf[:n])
		}
		return nil
	})
}

// discard reads over the body.
func (q *request) discard(r *bufio.Reader) error {
	_, err := q.each(r, maxChunk, func(n int) error {
		_, err := r.Discard(n)
		return err
	})
	return err
}

// each calls take for each run of n bytes of the body, most of them at a time.
// Take must read these bytes.
func (q *request) each(r *bufio.Reader, most int, take func(n int) error) (trailers, error) {
	var t trailers
	if q.length >= 0 {
		return t, eachRun(q.length, most, take)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return t, malformed(err)
		}
		size, _, _ := bytes.Cut(trimLine(line), []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 63)
		if err != nil || n < 0 {
			return t, errMalformed
		}
		if n == 0 {
			return t, readHeaders(r, t.header)
		}
		if err := eachRun(n, most, take); err != nil {
			return t, err
		}
		if line, err = r.ReadSlice('\n'); err != nil || len(trimLine(line)) > 0 {
			return t, malformed(err)
		}
	}
}

func (t *trailers) header(name, value []byte) error {
	switch {
	case equalFold(name, "lambda-runtime-function-error-type"):
		t.errorType = string(value)
	case equalFold(name, "lambda-runtime-function-error-body"):
		t.errorBody = string(value)
	}
	return nil
}

func eachRun(n int64, most int, take func(n int) error) error {
	for n > 0 {
		run := min(n, int64(most))
		if err := take(int(run)); err != nil {
			return err
		}
		n -= run
	}
	return nil
}

// malformed is what is wrong with a line that could not be read.
func malformed(err error) error {
	if err == nil || err == bufio.ErrBufferFull {
		return errMalformed
	}
	return err
}
