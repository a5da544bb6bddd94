package apigateway

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
)

// unzip makes the body of a request that came compressed what it was, if the
// API takes such.
func (x *exchange) unzip() error {
	if x.v.api.MinimumCompressionSize == nil || !strings.EqualFold(x.req.Header.Get("Content-Encoding"), "gzip") {
		return nil
	}
	r, err := gzip.NewReader(bytes.NewReader(x.req.Body))
	if err != nil {
		return errBadRequest.because(err)
	}
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	switch {
	case err != nil:
		return errBadRequest.because(err)
	case len(body) > maxBody:
		return errTooLarge
	}
	x.req.Body = body
	x.req.Header.Del("Content-Encoding")
	return nil
}

// zip compresses the body of the reply, if the API does so with bodies of that
// size and the client understands it.
func (x *exchange) zip(accept string) {
	least := x.v.api.MinimumCompressionSize
	h := x.reply.Header
	if least == nil || x.rest != nil || len(x.reply.Body) < int(*least) || len(x.reply.Body) == 0 || h.Get("Content-Encoding") != "" || !acceptsGzip(accept) {
		return
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(x.reply.Body) // a buffer takes all
	w.Close()
	x.reply.Body = b.Bytes()
	h.Set("Content-Encoding", "gzip")
}

func acceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, q, _ := strings.Cut(part, ";")
		if name = strings.TrimSpace(name); (name == "gzip" || name == "*") && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}
