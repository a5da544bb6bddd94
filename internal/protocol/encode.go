package protocol

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"sync"

	"github.com/aloft-cloud/aloft/internal/smithy"
)

// buffers are for answers in the making.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// maxKept is the largest buffer that is kept for the next answer.
const maxKept = 1 << 20

func keep(p *[]byte, b []byte) {
	if cap(b) <= maxKept {
		*p = b[:0]
		buffers.Put(p)
	}
}

// ErrCut is the error of an answer that ended in its middle. The client must be
// made to see that, so the connection has to be broken.
var ErrCut = errors.New("answer cut short")

// Encode answers with out, a pointer to the operation's output. If the error is
// not ErrCut nothing was sent.
func (x *Exchange) Encode(w http.ResponseWriter, out any, requestID string) error {
	v := reflect.ValueOf(out).Elem()
	s := planOf(v.Type())
	if f := s.eventField(); f != nil && !x.ours {
		return x.sendEvents(w, s, v, f, requestID)
	}
	if x.rest() {
		return x.encodeREST(w, s, v, requestID)
	}
	if err := buffer(s, v); err != nil {
		return err
	}
	p := buffers.Get().(*[]byte)
	b := x.append((*p)[:0], s, v, requestID)
	err := x.send(w, http.StatusOK, b, requestID)
	keep(p, b)
	return err
}

// append appends the body of an answer in a protocol that is all body.
func (x *Exchange) append(b []byte, s *structure, v reflect.Value, requestID string) []byte {
	switch x.Protocol {
	case smithy.CBOR:
		return s.appendCBOR(b, v, x.oldCBOR)
	case smithy.Query:
		return x.appendQuery(b, s, v, requestID)
	case smithy.EC2:
		return x.appendEC2(b, s, v, requestID)
	}
	return x.names().jsonStruct(b, s, v)
}

// names returns what members are called in the exchange's JSON.
func (x *Exchange) names() names {
	switch {
	case !x.ours || x.api.speaks(smithy.JSON):
		return wireNames
	case x.api.quirks.lower:
		return lowerNames
	}
	return modelNames
}

func (x *Exchange) appendQuery(b []byte, s *structure, v reflect.Value, requestID string) []byte {
	name := x.Op.Name + "Response"
	b = append(append(b, '<'), name...)
	b = append(appendXMLAttr(b, "xmlns", x.api.svc.XMLNamespace), '>')
	if x.Op.Result != "" {
		b = openXML(b, x.Op.Result)
		b = xmlWriter{}.members(b, s, v)
		b = closeXML(b, x.Op.Result)
	}
	b = append(b, "<ResponseMetadata><RequestId>"...)
	b = appendXMLText(b, requestID)
	b = append(b, "</RequestId></ResponseMetadata>"...)
	return closeXML(b, name)
}

func (x *Exchange) appendEC2(b []byte, s *structure, v reflect.Value, requestID string) []byte {
	name := x.Op.Name + "Response"
	b = append(append(b, '<'), name...)
	b = append(appendXMLAttr(b, "xmlns", x.api.svc.XMLNamespace), '>')
	b = closeXML(appendXMLText(openXML(b, "requestId"), requestID), "requestId")
	return closeXML(xmlWriter{millis: x.api.quirks.millis}.members(b, s, v), name)
}

// send sends a whole body with the headers that all answers of the protocol have.
func (x *Exchange) send(w http.ResponseWriter, status int, body []byte, requestID string) error {
	h := w.Header()
	x.identify(h, requestID)
	if h["Content-Type"] == nil && (len(body) > 0 || x.head) {
		h["Content-Type"] = []string{x.contentType()}
	}
	switch x.Protocol {
	case smithy.CBOR:
		if !x.oldCBOR {
			h["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
		}
	case smithy.JSON:
		if x.api != nil && x.api.quirks.crc32 {
			h["X-Amz-Crc32"] = []string{strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)}
		}
	}
	if h["Content-Length"] == nil && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if x.head || len(body) == 0 {
		return nil
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return nil
}

// identify puts the request's id where the protocol's clients look for it.
func (x *Exchange) identify(h http.Header, requestID string) {
	if x.Protocol == smithy.RESTXML && x.api != nil && x.api.quirks.plainErrors {
		h["X-Amz-Request-Id"] = []string{requestID}
		h["X-Amz-Id-2"] = []string{hostID(requestID)}
		h["Server"] = []string{"AmazonS3"}
		return
	}
	h["X-Amzn-Requestid"] = []string{requestID}
}

// hostID is S3's second id of a request.
func hostID(requestID string) string { return requestID + "/aloft" }

func (x *Exchange) contentType() string {
	switch x.Protocol {
	case smithy.JSON:
		switch {
		case x.bare:
			return "application/xml"
		case x.json == "":
			return plainJSON
		}
		return "application/x-amz-json-" + x.json
	case smithy.RESTJSON:
		return "application/json"
	case smithy.RESTXML:
		return "application/xml"
	case smithy.CBOR:
		if x.oldCBOR {
			return oldCBOR + "1.1"
		}
		return "application/cbor"
	}
	if x.Protocol == smithy.EC2 {
		return "text/xml;charset=UTF-8"
	}
	return "text/xml"
}

// stream sends r as the body.
func stream(w http.ResponseWriter, status int, r io.Reader, head bool) error {
	if c, ok := r.(io.Closer); ok {
		defer c.Close()
	}
	w.WriteHeader(status)
	if head {
		return nil
	}
	if _, err := io.Copy(w, r); err != nil {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return nil
}
