package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"reflect"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// Types of values of headers in event streams.
const (
	eventTrue   = 0
	eventFalse  = 1
	eventInt    = 4
	eventLong   = 5
	eventBlob   = 6
	eventString = 7
	eventTime   = 8
)

// eventField returns the member of s that is an event stream, or nil.
func (s *structure) eventField() *field {
	for i := range s.fields {
		if s.fields[i].kind == kindEvents {
			return &s.fields[i]
		}
	}
	return nil
}

// sendEvents answers with v, an output, whose member f is a stream of events,
// each sent as it comes.
func (x *Exchange) sendEvents(w http.ResponseWriter, s *structure, v reflect.Value, f *field, requestID string) error {
	h := w.Header()
	status := http.StatusOK
	if x.rest() {
		status = bindOut(h, s, v, status)
	}
	x.identify(h, requestID)
	if h["Content-Type"] == nil {
		h["Content-Type"] = []string{"application/vnd.amazon.eventstream"}
	}
	w.WriteHeader(status)
	flush := http.NewResponseController(w).Flush
	send := func(b []byte) error {
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("%w: %w", ErrCut, err)
		}
		if err := flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return fmt.Errorf("%w: %w", ErrCut, err)
		}
		return nil
	}
	if !x.rest() { // the other members come first, as a message of their own
		body := x.append(nil, s, v, requestID)
		if err := send(eventMessage("event", "initial-response", x.contentType(), nil, body)); err != nil {
			return err
		}
	}
	slot := v.Field(f.index)
	if slot.IsNil() {
		return nil
	}
	for event, failure := range slot.Seq2() {
		var message []byte
		err, _ := failure.Interface().(error)
		if err != nil {
			message = x.eventError(err)
		} else if message = x.event(f.elem.structure, event); message == nil {
			continue
		}
		if sent := send(message); sent != nil || err != nil {
			return sent
		}
	}
	return nil
}

// event is the message of an event: the one member that union v has.
func (x *Exchange) event(s *structure, v reflect.Value) []byte {
	for i := range s.fields {
		f := &s.fields[i]
		if e, ok := f.present(v.Field(f.index)); ok {
			headers, contentType, body := x.eventParts(f.structure, e)
			return eventMessage("event", f.name, contentType, headers, body)
		}
	}
	return nil
}

// eventParts takes an event apart: members that are headers, and the payload,
// which is one member or all others together.
func (x *Exchange) eventParts(s *structure, v reflect.Value) (headers []byte, contentType string, body []byte) {
	var payload *field
	for i := range s.fields {
		f := &s.fields[i]
		e, ok := f.present(v.Field(f.index))
		switch {
		case f.eventPayload:
			payload = f
		case f.eventHeader && ok:
			headers = appendEventHeader(headers, f, e)
		}
	}
	isXML := x.Protocol == smithy.RESTXML
	if payload == nil {
		switch {
		case len(s.body) == 0:
			return headers, "", nil
		case isXML:
			return headers, "text/xml", xmlWriter{}.members(nil, s, v)
		}
		if x.Protocol == smithy.CBOR {
			return headers, x.contentType(), s.appendCBOR(nil, v, x.oldCBOR)
		}
		return headers, x.contentType(), wireNames.jsonStruct(nil, s, v)
	}
	e, ok := payload.present(v.Field(payload.index))
	switch {
	case !ok:
		return headers, "", nil
	case payload.kind == kindBlob:
		return headers, "application/octet-stream", e.Bytes()
	case payload.kind == kindString:
		return headers, "text/plain", []byte(e.String())
	case isXML:
		return headers, "text/xml", xmlWriter{}.field(nil, payload, e)
	}
	return headers, x.contentType(), wireNames.jsonValue(nil, &payload.shape, e)
}

// eventError is the message that ends a stream with an error: an exception, if
// it is a refusal, of a service that has such.
func (x *Exchange) eventError(err error) []byte {
	e := aws.Refusal(err)
	if e.Fault == aws.InternalFailure || x.Protocol == smithy.RESTXML {
		b := appendEventString(nil, ":message-type", "error")
		b = appendEventString(b, ":error-code", e.Code)
		return appendMessage(nil, appendEventString(b, ":error-message", e.Message), nil)
	}
	b := appendEventString(nil, ":message-type", "exception")
	b = appendEventString(b, ":exception-type", e.Code)
	b = appendEventString(b, ":content-type", x.contentType())
	if x.Protocol == smithy.CBOR {
		return appendMessage(nil, b, x.cborError(e))
	}
	return appendMessage(nil, b, x.jsonMembers([]byte{'{'}, e, "message"))
}

func eventMessage(kind, name, contentType string, headers, body []byte) []byte {
	b := appendEventString(nil, ":message-type", kind)
	b = appendEventString(b, ":event-type", name)
	if contentType != "" {
		b = appendEventString(b, ":content-type", contentType)
	}
	return appendMessage(nil, append(b, headers...), body)
}

// appendMessage appends a message: lengths and their sum, headers, payload, sum.
func appendMessage(b, headers, payload []byte) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(16+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

func appendEventName(b []byte, name string, kind byte) []byte {
	name = name[:min(len(name), 255)]
	return append(append(append(b, byte(len(name))), name...), kind)
}

func appendEventBytes(b []byte, name string, kind byte, value []byte) []byte {
	value = value[:min(len(value), 1<<16-1)]
	b = binary.BigEndian.AppendUint16(appendEventName(b, name, kind), uint16(len(value)))
	return append(b, value...)
}

func appendEventString(b []byte, name, value string) []byte {
	return appendEventBytes(b, name, eventString, []byte(value))
}

func appendEventHeader(b []byte, f *field, v reflect.Value) []byte {
	switch f.kind {
	case kindBool:
		if v.Bool() {
			return appendEventName(b, f.name, eventTrue)
		}
		return appendEventName(b, f.name, eventFalse)
	case kindInt32:
		return binary.BigEndian.AppendUint32(appendEventName(b, f.name, eventInt), uint32(v.Int()))
	case kindInt64:
		return binary.BigEndian.AppendUint64(appendEventName(b, f.name, eventLong), uint64(v.Int()))
	case kindTime:
		return binary.BigEndian.AppendUint64(appendEventName(b, f.name, eventTime), uint64(timeIn(v).UnixMilli()))
	case kindBlob:
		return appendEventBytes(b, f.name, eventBlob, v.Bytes())
	}
	return appendEventString(b, f.name, v.String())
}
