package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
)

// StreamedType is the content type of an answer of a function that begins with
// status and headers, as JSON, and then eight zeros.
const StreamedType = "application/vnd.awslambda.http-integration-response"

// maxHead is how long status and headers of a streamed answer may be, in bytes.
const maxHead = 64 << 10

var headEnd = make([]byte, 8)

// ErrHead says that a streamed answer does not begin as it should.
var ErrHead = errors.New("the stream does not begin with status and headers")

// ReadHead reads the beginning of a streamed answer, whose parts next returns:
// status and headers, and the first part of the body, which may be empty.
func ReadHead(next func() ([]byte, bool)) (head *Reply, first []byte, err error) {
	var begun []byte
	for {
		part, more := next()
		begun = append(begun, part...)
		if text, body, ok := bytes.Cut(begun, headEnd); ok {
			head, err = parseHead(text)
			return head, body, err
		}
		if !more || len(begun) > maxHead {
			return nil, nil, ErrHead
		}
	}
}

// parseHead reads status and headers.
func parseHead(text []byte) (*Reply, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(text, &doc); err != nil || doc == nil {
		return nil, ErrHead
	}
	if doc["statusCode"] == nil {
		doc["statusCode"] = json.RawMessage("200")
	}
	delete(doc, "body")
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return ParseReply(V2, text)
}
