package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// A signer makes requests to one operation whose bodies become known only as
// the load goes on, and takes little of the processors for it, which the server
// shares. It is for one goroutine.
type signer struct {
	head      string // of the request, up to the signature
	canonical string // what is hashed, up to the hash of the body
	text      string // what is signed, up to that hash
	mac       hash.Hash
	room      []byte
}

// newSigner returns a signer for a target such as AmazonSQS.DeleteMessage.
func (b *bench) newSigner(service, target string) *signer {
	const contentType, signed = "application/x-amz-json-1.0", "content-type;host;x-amz-date;x-amz-target"
	_, operation, _ := strings.Cut(target, ".")
	at := time.Now().UTC().Format("20060102T150405Z")
	scope := []string{at[:8], "us-east-1", service, "aws4_request"}
	key := []byte("AWS4" + b.aloft.secret)
	for _, part := range scope {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	in := strings.Join(scope, "/")
	return &signer{
		head: fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nX-Amz-Date: %s\r\nX-Amz-Target: %s\r\nX-Null-Answer: %s\r\n"+
			"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=", b.aloft.addr, contentType, at, target, operation, b.aloft.key, in, signed),
		canonical: fmt.Sprintf("POST\n/\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\nx-amz-target:%s\n\n%s\n", contentType, b.aloft.addr, at, target, signed),
		text:      "AWS4-HMAC-SHA256\n" + at + "\n" + in + "\n",
		mac:       hmac.New(sha256.New, key),
	}
}

// request returns the request with that body, which is good until the next.
func (s *signer) request(body string) []byte {
	hash := sha256.Sum256([]byte(body))
	room := hex.AppendEncode(append(s.room[:0], s.canonical...), hash[:])
	hash = sha256.Sum256(room)
	room = hex.AppendEncode(append(room[:0], s.text...), hash[:])
	s.mac.Reset()
	s.mac.Write(room)
	room = hex.AppendEncode(append(room[:0], s.head...), s.mac.Sum(hash[:0]))
	room = append(room, "\r\nContent-Length: "...)
	room = strconv.AppendInt(room, int64(len(body)), 10)
	room = append(room, "\r\n\r\n"...)
	s.room = append(room, body...)
	return s.room
}
