package lambda

import (
	"errors"
	"iter"
	"maps"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

// replyParts sends what a function answers, as it comes.
func (s *Service) replyParts(w http.ResponseWriter, key aliasKey, x *streaming) {
	next, stop := iter.Pull(x.all())
	defer stop()
	head, first, err := readHead(x, next)
	if first == nil && err == nil && x.failed() {
		err = proxy.ErrHead
	}
	if err != nil {
		say(w, http.StatusBadGateway, "Internal Server Error")
		return
	}
	maps.Copy(w.Header(), head.Header)
	w.WriteHeader(head.Status)
	flush := http.NewResponseController(w).Flush
	for part, more := first, true; more; part, more = next() {
		if _, err := w.Write(part); err != nil {
			return // the client has gone
		}
		if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return
		}
	}
	if x.failed() {
		s.log.Debug("function URL: answer cut short", "function", key.Function.String(), "err", x.err)
		panic(http.ErrAbortHandler) // or the client would take the half for the whole
	}
}

// readHead reads the beginning of an answer: status and headers, and the first
// part of the body, nil if there is none and the run has ended.
func readHead(x *streaming, next func() ([]byte, bool)) (head *proxy.Reply, first []byte, err error) {
	head = &proxy.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/octet-stream"}}}
	if !x.streams {
		head.Header.Set("Content-Type", "application/json")
	} else if x.contentType != "" {
		head.Header.Set("Content-Type", x.contentType)
	}
	if x.contentType == proxy.StreamedType {
		return proxy.ReadHead(next)
	}
	first, _ = next()
	return head, first, nil
}
