package sqs

import (
	"bytes"
	"testing"
)

// What is a row of a message is written as it was read.
func FuzzRow(f *testing.F) {
	f.Add((&message{Visible: 1, Sent: 2, First: 3, Received: 4, ID: "id", Sender: "me", Body: "body", Group: "g"}).row())
	f.Fuzz(func(t *testing.T, row []byte) {
		m, err := parseMessage(row)
		if err != nil {
			return
		}
		again, err := parseMessage(m.row())
		if err != nil || *again != *m {
			t.Errorf("%v is read as %v, %v", m, again, err)
		}
	})
}

// Only a queue's own handles are known for such, whatever was changed in them.
func FuzzHandle(f *testing.F) {
	q := &queue{Secret: []byte("secret"), FIFO: true}
	f.Add("", uint32(1), uint64(2), uint32(3), []byte("group"))
	f.Fuzz(func(t *testing.T, forged string, received uint32, sequence uint64, at uint32, place []byte) {
		h, err := q.parseHandle(handle{received, sequence, at, place}.text(q))
		if err != nil || h.received != received || h.sequence != sequence || h.at != at || !bytes.Equal(h.place, place) {
			t.Errorf("got %v, %v", h, err)
		}
		if _, err := q.parseHandle(forged); err == nil {
			t.Errorf("%q is taken for a handle", forged)
		}
		other := &queue{Secret: []byte("other"), FIFO: true}
		if _, err := other.parseHandle(h.text(q)); err == nil {
			t.Error("a handle of another queue is taken for one")
		}
	})
}
