package sqs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	api "github.com/aloft-cloud/aloft/internal/api/sqs"
)

// A handle names one receipt of a message. Its text is sealed with a secret of
// the queue, so that nobody can make one up.
type handle struct {
	received uint32 // how often the message had been received then
	sequence uint64
	at       uint32 // when, in seconds; 0 if the handle is so old that it does not say
	place    []byte // of FIFO queues; else it follows from the sequence number
}

const (
	handleHead = 1 + 4 + 8
	handleTime = 4 // after the head, since handles begin with a 2
	sealSize   = 16
)

// text returns h as its queue gives it out.
func (h handle) text(q *queue) string {
	b := make([]byte, 0, handleHead+handleTime+len(h.place)+sealSize)
	b = append(b, 2)
	b = binary.BigEndian.AppendUint32(b, h.received)
	b = binary.BigEndian.AppendUint64(b, h.sequence)
	b = binary.BigEndian.AppendUint32(b, h.at)
	b = append(b, h.place...)
	return base64.StdEncoding.EncodeToString(append(b, q.seal(b)...))
}

func (q *queue) seal(b []byte) []byte {
	mac := hmac.New(sha256.New, q.Secret)
	mac.Write(b)
	return mac.Sum(nil)[:sealSize]
}

// parseHandle reads a receipt handle of q.
func (q *queue) parseHandle(text string) (handle, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	n := len(b) - sealSize
	if err != nil || n < handleHead || b[0] == 0 || b[0] > 2 || !hmac.Equal(q.seal(b[:n]), b[n:]) {
		return handle{}, api.ReceiptHandleIsInvalid.Errorf("The input receipt handle %q is not a valid receipt handle.", text)
	}
	h := handle{received: binary.BigEndian.Uint32(b[1:]), sequence: binary.BigEndian.Uint64(b[5:]), place: b[handleHead:n]}
	if b[0] == 2 { // and so it is one of ours, whole
		h.at, h.place = binary.BigEndian.Uint32(h.place), h.place[handleTime:]
	}
	if !q.FIFO {
		h.place = sequenceKey(h.sequence)
	}
	return h, nil
}
