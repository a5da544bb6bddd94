package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"net/http"

	"github.com/aloft-cloud/aloft/internal/gateway/proxy"
)

const (
	// httpIntegration is the type of a stream that begins with status and
	// headers, as JSON, and preludeEnd.
	httpIntegration = "application/vnd.awslambda.http-integration-response"

	maxPrelude = 64 << 10
)

// preludeEnd is between status and headers and the body.
var preludeEnd = make([]byte, 8)

var errPrelude = errors.New("the stream does not begin with status and headers")

// replyParts sends what a function answers, as it comes.
func (s *Service) replyParts(w http.ResponseWriter, key aliasKey, x *streaming) {
	next, stop := iter.Pull(x.all())
	defer stop()
	head, first, err := readHead(x, next)
	if first == nil && err == nil && x.failed() {
		err = errPrelude
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
	part, more := next()
	if x.contentType != httpIntegration {
		return head, part, nil
	}
	begun := part
	for {
		if prelude, body, ok := bytes.Cut(begun, preludeEnd); ok {
			head, err = parseHead(prelude)
			return head, body, err
		}
		if !more || len(begun) > maxPrelude {
			return nil, nil, errPrelude
		}
		part, more = next()
		begun = append(begun, part...)
	}
}

// parseHead reads status and headers.
func parseHead(prelude []byte) (*proxy.Reply, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(prelude, &doc); err != nil || doc == nil {
		return nil, errPrelude
	}
	if doc["statusCode"] == nil {
		doc["statusCode"] = json.RawMessage("200")
	}
	delete(doc, "body")
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return proxy.ParseReply(proxy.V2, text)
}
