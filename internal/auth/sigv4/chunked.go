package sigv4

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// chunkedBody reads a body in the form aws-chunked:
//
//	10000;chunk-signature=ad80…\r\n
//	…65536 bytes…\r\n
//	0;chunk-signature=b6c6…\r\n
//	x-amz-checksum-crc32c:sOO8/Q==\r\n
//	x-amz-trailer-signature:d81f…\r\n
//	\r\n
//
// Bytes are given out as they come, before the signature that covers them is
// known, but never the last ones: who has read to the end has read what was
// signed.
type chunkedBody struct {
	payload
	body     io.Closer
	src      *bufio.Reader
	left     int64 // bytes of content to come
	size     int64 // of the chunk being read
	chunk    int64 // bytes of it to come
	claimed  string
	sum      hash.Hash // of the chunk; nil if nobody checks
	trailers http.Header
	err      error
}

const (
	minChunk    = 8192 // bytes in all chunks but the last
	maxTrailers = 20
)

func (c *chunkedBody) Close() error { return c.body.Close() }

func (c *chunkedBody) Read(p []byte) (n int, err error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	if n, err = c.read(p); err != nil {
		c.err = err
		return 0, err
	}
	return n, nil
}

func (c *chunkedBody) read(p []byte) (int, error) {
	if c.chunk == 0 { // only before the first: the rest is read ahead below
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.chunk)])
	if err != nil {
		return 0, unexpected(err)
	}
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	c.chunk -= int64(n)
	c.left -= int64(n)
	if c.chunk > 0 {
		return n, nil
	}
	if err := c.endChunk(); err != nil {
		return 0, err
	}
	switch err := c.next(); {
	case err == io.EOF:
		c.err = io.EOF
	case err != nil:
		return 0, err
	}
	return n, nil
}

// next reads the head of a chunk. After the last it reads what follows the
// chunks, and returns io.EOF.
func (c *chunkedBody) next() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	digits, extension, _ := strings.Cut(line, ";")
	size, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 64)
	if err != nil || size < 0 || strings.HasPrefix(digits, "+") {
		return errTerminated()
	}
	if size > 0 && c.size > 0 && c.size < minChunk {
		return invalidChunkSize.Errorf("Only the last chunk is allowed to have a size less than 8192 bytes")
	}
	if size > c.left || size == 0 && c.left > 0 {
		return errIncompleteBody()
	}
	c.claimed = ""
	if name, signature, _ := strings.Cut(extension, "="); name == "chunk-signature" {
		c.claimed = strings.TrimSpace(signature)
	}
	c.size, c.chunk = size, size
	if size > 0 {
		return nil
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	if err := c.readTrailers(); err != nil {
		return err
	}
	return io.EOF
}

func (c *chunkedBody) endChunk() error {
	if line, err := c.line(); err != nil || line != "" {
		return cmp.Or(err, errTerminated())
	}
	return c.checkChunk()
}

// checkChunk checks the signature of the chunk that was just read.
func (c *chunkedBody) checkChunk() error {
	if c.sum == nil {
		return nil
	}
	empty := sha256.Sum256(nil)
	text := hex.AppendEncode(nil, empty[:])
	text = append(text, '\n')
	text = hex.AppendEncode(text, c.sum.Sum(nil))
	c.sum.Reset()
	return c.check("-PAYLOAD", text, c.claimed)
}

// check checks a signature in the chain of them.
func (c *chunkedBody) check(kind string, text []byte, signature string) error {
	name := algorithm
	if _, ok := c.key.(publicKey); ok {
		name = algorithm4a
	}
	toSign := appendToSign(nil, name+kind, c.timestamp, c.scope)
	toSign = append(toSign, c.previous...)
	toSign = append(toSign, '\n')
	toSign = append(toSign, text...)
	if !c.key.check(toSign, signature) {
		return signatureDoesNotMatch.With(&mismatch{StringToSign: string(toSign), SignatureProvided: signature},
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	c.previous = strings.TrimRight(signature, "*")
	return nil
}

// readTrailers reads what follows the last chunk, to the empty line.
func (c *chunkedBody) readTrailers() error {
	var signed []byte
	signature, found := "", 0
	for range maxTrailers {
		line, err := c.line()
		if err != nil && found == len(c.trailers) && isTruncated(err) {
			err, line = nil, "" // many clients leave out the last line end
		}
		if err != nil {
			return err
		}
		if line == "" {
			return c.endTrailers(found, signed, signature)
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == trailerSignature {
			signature = value
			continue
		}
		key := http.CanonicalHeaderKey(name)
		if old, announced := c.trailers[key]; !announced || old != nil {
			return errTrailer()
		}
		c.trailers[key] = []string{value}
		signed = slices.Concat(signed, []byte(name+":"+value+"\n"))
		found++
	}
	return errTrailer()
}

func (c *chunkedBody) endTrailers(found int, signed []byte, signature string) error {
	if found < len(c.trailers) {
		return errTrailer()
	}
	if c.sum == nil || !c.trailer {
		return nil
	}
	sum := sha256.Sum256(signed)
	return c.check(trailerSuffix, hex.AppendEncode(nil, sum[:]), signature)
}

// line reads a line, without its end.
func (c *chunkedBody) line() (string, error) {
	line, err := c.src.ReadSlice('\n')
	if err != nil {
		return "", unexpected(err)
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}

// unexpected makes a refusal of an end that came too soon, or of a line that
// does not end.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, bufio.ErrBufferFull) {
		return errTerminated()
	}
	return err
}

func isTruncated(err error) bool { return errors.Is(err, incompleteBody) }

func errTerminated() error {
	return incompleteBody.Errorf("The request body terminated unexpectedly")
}

func errTrailer() error {
	return malformedTrailer.Errorf("The request contained trailing data that was not well-formed or did not conform to our published schema.")
}
