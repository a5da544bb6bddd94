package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
)

// small is the size of the objects whose rate is measured.
const small = 4 << 10

// s3 measures objects of 4 KB, put and read.
func (b *bench) s3() error {
	if err := b.s3Once(http.MethodPut, "/small", nil); err != nil {
		return err
	}
	content := bytes.Repeat([]byte("0123456789abcdef"), small/16)
	for _, l := range []struct {
		name, method, null string
		body               []byte
		bars               [3]int // percent of the null server at 1, 16, 64 clients; 0 is none
	}{
		{"PutObject of 4 KB", http.MethodPut, "", content, [3]int{0, 20, 0}},
		{"GetObject of 4 KB", http.MethodGet, "4KB", nil, [3]int{0, 55, 0}},
	} {
		requests, err := b.smallRequests(l.method, "small", l.null, l.body)
		if err != nil {
			return err
		}
		if l.body != nil { // those that are read are there, whatever is measured
			for i := range requests {
				if err := (load{requests[i : i+1], 1, 1}).once(b.aloft.addr); err != nil {
					return err
				}
			}
		}
		for i, clients := range []int{1, 16, 64} {
			if err := b.compare(l.name, load{requests, clients, b.duration}, l.bars[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// smallRequests are requests of as many objects of a bucket, signed with their bodies.
func (b *bench) smallRequests(method, bucket, null string, body []byte) ([][]byte, error) {
	hash := "UNSIGNED-PAYLOAD"
	if body != nil {
		sum := sha256.Sum256(body)
		hash = hex.EncodeToString(sum[:])
	}
	var requests [][]byte
	for i := range itemKeys {
		r, err := http.NewRequest(method, fmt.Sprintf("http://%s/%s/%04d", b.aloft.addr, bucket, i), nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Null-Answer", null)
		sigv4.SignHash(r, sigv4.Credentials{AccessKey: b.aloft.key, Secret: b.aloft.secret}, "us-east-1", "s3", time.Now(), hash)
		requests = append(requests, raw(r, body))
	}
	return requests, nil
}
