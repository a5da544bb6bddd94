// Package mqtt reads and writes packets of MQTT 3.1.1 and 5. What they mean is
// for the broker to say.
//
//	packet.go    packets, and where each kind's parts are read and written
//	property.go  what packets of MQTT 5 say besides
//	wire.go      numbers, texts and bytes
package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Kinds of packets.
const (
	Connect     = 1
	Connack     = 2
	Publish     = 3
	Puback      = 4
	Subscribe   = 8
	Suback      = 9
	Unsubscribe = 10
	Unsuback    = 11
	Pingreq     = 12
	Pingresp    = 13
	Disconnect  = 14
)

// Versions of the protocol, as a connect has them.
const (
	V4 = 4 // 3.1.1
	V5 = 5
)

// MaxPacket is the size of a packet at most, in bytes.
const MaxPacket = 146 << 10

// ErrMalformed is of a packet that is none.
var ErrMalformed = errors.New("mqtt: malformed packet")

// ErrTooLarge is of a packet that is larger than MaxPacket.
var ErrTooLarge = errors.New("mqtt: packet too large")

// ErrVersion is of a version of the protocol that there is not here.
var ErrVersion = errors.New("mqtt: unsupported protocol version")

// A Packet is one of any kind; each has some of the members.
type Packet struct {
	Kind       byte
	ID         uint16
	Code       byte // Connack, Puback, Disconnect: the reason
	Properties Properties

	Topic       string // Publish
	Payload     []byte
	QoS         byte
	Dup, Retain bool

	Filters []Filter // Subscribe, Unsubscribe
	Codes   []byte   // Suback, Unsuback: one for each filter

	SessionPresent bool // Connack

	Version    byte // Connect
	Clean      bool
	KeepAlive  uint16
	ClientID   string
	User       *string
	Password   []byte
	Will       *Will
	BadVersion bool
}

// A Will is what a broker publishes if a client goes without a word.
type Will struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties Properties
}

// A Filter is one that a client subscribes to.
type Filter struct {
	Topic             string
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte
}

// Read reads a packet from a client that speaks version; 0 is before it said.
func Read(r *bufio.Reader, version byte) (*Packet, error) {
	first, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	length, err := readLength(r)
	if err != nil {
		return nil, err
	}
	if length > MaxPacket {
		return nil, ErrTooLarge
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	p := &Packet{Kind: first >> 4}
	in := &reader{b: body}
	p.parse(first&0x0f, in, version)
	if in.bad || len(in.b) > 0 && !p.BadVersion {
		return nil, ErrMalformed
	}
	if p.BadVersion {
		return p, ErrVersion
	}
	return p, nil
}

// parse reads what follows the length of a packet.
func (p *Packet) parse(flags byte, in *reader, version byte) {
	if want := fixedFlags(p.Kind); p.Kind != Publish && flags != want {
		in.bad = true
		return
	}
	switch p.Kind {
	case Connect:
		p.parseConnect(in)
	case Publish:
		p.parsePublish(flags, in, version)
	case Connack:
		p.SessionPresent = in.byte() == 1
		p.Code = in.byte()
		p.Properties.read(in, version)
	case Puback:
		p.ID = in.uint16()
		p.parseReason(in, version)
	case Disconnect:
		p.parseReason(in, version)
	case Subscribe, Unsubscribe:
		p.parseFilters(in, version)
	case Suback, Unsuback:
		p.ID = in.uint16()
		p.Properties.read(in, version)
		if p.Kind == Suback || version == V5 {
			p.Codes = in.rest()
		}
	case Pingreq, Pingresp:
	default:
		in.bad = true
	}
}

// fixedFlags are those that packets of a kind have.
func fixedFlags(kind byte) byte {
	if kind == Subscribe || kind == Unsubscribe {
		return 2
	}
	return 0
}

// parseReason reads a code and properties, which may be left out.
func (p *Packet) parseReason(in *reader, version byte) {
	if version != V5 || len(in.b) == 0 {
		return
	}
	p.Code = in.byte()
	if len(in.b) > 0 {
		p.Properties.read(in, version)
	}
}

const (
	withClean    = 1 << 1
	withWill     = 1 << 2
	willRetain   = 1 << 5
	withPassword = 1 << 6
	withUser     = 1 << 7
)

func (p *Packet) parseConnect(in *reader) {
	name := in.text()
	p.Version = in.byte()
	if in.bad || name != "MQTT" || p.Version != V4 && p.Version != V5 {
		p.BadVersion = !in.bad && (name == "MQTT" || name == "MQIsdp")
		in.bad = in.bad || !p.BadVersion
		return
	}
	flags := in.byte()
	p.Clean = flags&withClean != 0
	p.KeepAlive = in.uint16()
	p.Properties.read(in, p.Version)
	p.ClientID = in.text()
	if flags&withWill != 0 {
		w := &Will{QoS: flags >> 3 & 3, Retain: flags&willRetain != 0}
		w.Properties.read(in, p.Version)
		w.Topic, w.Payload = in.text(), in.bytes()
		p.Will = w
		in.bad = in.bad || w.QoS > 2
	}
	if flags&withUser != 0 {
		p.User = new(in.text())
	}
	if flags&withPassword != 0 {
		p.Password = in.bytes()
	}
	in.bad = in.bad || flags&1 != 0 || flags&withWill == 0 && flags&(willRetain|3<<3) != 0
}

func (p *Packet) parsePublish(flags byte, in *reader, version byte) {
	p.Dup, p.QoS, p.Retain = flags&8 != 0, flags>>1&3, flags&1 != 0
	p.Topic = in.text()
	if p.QoS > 0 {
		p.ID = in.uint16()
		in.bad = in.bad || p.ID == 0
	}
	p.Properties.read(in, version)
	p.Payload = in.rest()
	in.bad = in.bad || p.QoS > 2
}

func (p *Packet) parseFilters(in *reader, version byte) {
	p.ID = in.uint16()
	p.Properties.read(in, version)
	for !in.bad && len(in.b) > 0 {
		f := Filter{Topic: in.text()}
		if p.Kind == Subscribe {
			options := in.byte()
			f.QoS, f.NoLocal, f.RetainAsPublished, f.RetainHandling = options&3, options&4 != 0, options&8 != 0, options>>4&3
			in.bad = in.bad || f.QoS > 2 || options&0xc0 != 0 || version != V5 && options > 2 || f.RetainHandling > 2
		}
		p.Filters = append(p.Filters, f)
	}
	in.bad = in.bad || len(p.Filters) == 0 || p.ID == 0
}

// Append appends p to b, for a peer that speaks version.
func (p *Packet) Append(b []byte, version byte) []byte {
	w := &writer{}
	flags := fixedFlags(p.Kind)
	switch p.Kind {
	case Connect:
		p.writeConnect(w)
	case Publish:
		flags = p.QoS<<1 | bit(p.Dup)<<3 | bit(p.Retain)
		w.text(p.Topic)
		if p.QoS > 0 {
			w.uint16(p.ID)
		}
		p.Properties.write(w, version)
		w.b = append(w.b, p.Payload...)
	case Connack:
		w.b = append(w.b, bit(p.SessionPresent), p.Code)
		p.Properties.write(w, version)
	case Puback:
		w.uint16(p.ID)
		p.writeReason(w, version)
	case Disconnect:
		p.writeReason(w, version)
	case Subscribe, Unsubscribe:
		p.writeFilters(w, version)
	case Suback, Unsuback:
		w.uint16(p.ID)
		p.Properties.write(w, version)
		if p.Kind == Suback || version == V5 {
			w.b = append(w.b, p.Codes...)
		}
	}
	b = append(b, p.Kind<<4|flags)
	b = appendLength(b, len(w.b))
	return append(b, w.b...)
}

// writeReason leaves out what need not be said.
func (p *Packet) writeReason(w *writer, version byte) {
	if version != V5 || p.Code == 0 && p.Properties.empty() {
		return
	}
	w.b = append(w.b, p.Code)
	if !p.Properties.empty() {
		p.Properties.write(w, version)
	}
}

func (p *Packet) writeConnect(w *writer) {
	w.text("MQTT")
	flags := bit(p.Clean) << 1
	if p.Will != nil {
		flags |= withWill | p.Will.QoS<<3 | bit(p.Will.Retain)<<5
	}
	if p.User != nil {
		flags |= withUser
	}
	if p.Password != nil {
		flags |= withPassword
	}
	w.b = append(w.b, p.Version, flags)
	w.uint16(p.KeepAlive)
	p.Properties.write(w, p.Version)
	w.text(p.ClientID)
	if p.Will != nil {
		p.Will.Properties.write(w, p.Version)
		w.text(p.Will.Topic)
		w.bytes(p.Will.Payload)
	}
	if p.User != nil {
		w.text(*p.User)
	}
	if p.Password != nil {
		w.bytes(p.Password)
	}
}

func (p *Packet) writeFilters(w *writer, version byte) {
	w.uint16(p.ID)
	p.Properties.write(w, version)
	for _, f := range p.Filters {
		w.text(f.Topic)
		if p.Kind == Subscribe {
			w.b = append(w.b, f.QoS|bit(f.NoLocal)<<2|bit(f.RetainAsPublished)<<3|f.RetainHandling<<4)
		}
	}
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}
