package sqs

import (
	"encoding/binary"
	"errors"
)

// A message is a message as its row has it. Times are in milliseconds.
type message struct {
	Visible  int64 // hidden before
	Sent     int64
	First    int64  // received; 0 if never
	Received uint32 // how often
	Long     bool   // the body is a row of its own

	ID            string
	Sender        string // who sent it
	Source        string // ARN of the queue that it is the dead letter of
	Group         string
	Deduplication string
	Trace         string // AWSTraceHeader
	Attributes    string // as SDKs sum them up, see sum.go
	Body          string

	sequence uint64 // in the key of the row
	taken    int64  // by who receives it now; no row has it
}

const (
	headerSize = 8 + 8 + 8 + 4 + 1
	longBody   = 4 << 10 // bytes from which a body is a row of its own, so that it is written once
)

var errRow = errors.New("sqs: malformed row of a message")

// row returns the row of m.
func (m *message) row() []byte {
	size := headerSize
	for _, s := range m.texts() {
		size += len(*s) + binary.MaxVarintLen32
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Visible))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Sent))
	b = binary.BigEndian.AppendUint64(b, uint64(m.First))
	b = binary.BigEndian.AppendUint32(b, m.Received)
	if m.Long {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	for _, s := range m.texts() {
		b = binary.AppendUvarint(b, uint64(len(*s)))
		b = append(b, *s...)
	}
	return b
}

func (m *message) texts() [8]*string {
	return [8]*string{&m.ID, &m.Sender, &m.Source, &m.Group, &m.Deduplication, &m.Trace, &m.Attributes, &m.Body}
}

// parseMessage reads what row wrote.
func parseMessage(row []byte) (*message, error) {
	if len(row) < headerSize {
		return nil, errRow
	}
	m := &message{
		Visible:  int64(binary.BigEndian.Uint64(row)),
		Sent:     int64(binary.BigEndian.Uint64(row[8:])),
		First:    int64(binary.BigEndian.Uint64(row[16:])),
		Received: binary.BigEndian.Uint32(row[24:]),
		Long:     row[28] != 0,
	}
	rest := string(row[headerSize:])
	for _, s := range m.texts() {
		n, size := uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			return nil, errRow
		}
		*s, rest = rest[size:size+int(n)], rest[size+int(n):]
	}
	if rest != "" {
		return nil, errRow
	}
	return m, nil
}

// uvarint is binary.Uvarint for strings.
func uvarint(s string) (n uint64, size int) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(s[i]&0x7f) << (7 * i)
		if s[i] < 0x80 {
			return n, i + 1
		}
	}
	return 0, 0
}

// A state is what counts of a message. Its zero value is that of none.
type state struct {
	there    bool
	visible  int64
	received bool
}

func (m *message) state() state { return state{true, m.Visible, m.Received > 0} }

// stateIn reads the state of a message from its row.
func stateIn(row []byte) (state, error) {
	if len(row) < headerSize {
		return state{}, errRow
	}
	return state{true, int64(binary.BigEndian.Uint64(row)), binary.BigEndian.Uint32(row[24:]) > 0}, nil
}
