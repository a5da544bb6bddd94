package mysql

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"slices"
)

// What both sides can.
const (
	canLongPassword = 1 << 0
	canFoundRows    = 1 << 1 // rows that a statement found count, though it left them as they were
	canLongFlag     = 1 << 2
	canConnectDB    = 1 << 3
	canSpeak41      = 1 << 9
	canTLS          = 1 << 11
	canTransactions = 1 << 13
	canSecure       = 1 << 15
	canResults      = 1 << 17 // more than one of a statement
	canPlugins      = 1 << 19
	canLengths      = 1 << 21 // what proves who the user is says how long it is
)

// MaxHello is more bytes than the first words of a side have.
const MaxHello = 1 << 16

// nativePassword is how users prove who they are: by what only who knows their
// password can make of the server's salt.
const nativePassword = "mysql_native_password"

// utf8mb4 is the collation that we speak.
const utf8mb4 = 45

// A Greeting is what a server says first.
type Greeting struct {
	Version string
	Salt    []byte
	Plugin  string // by which users prove who they are
	at      int    // of the packet: where what the server can begins
}

// ReadGreeting reads what a server says first, which may be a refusal.
func ReadGreeting(text []byte) (*Greeting, error) {
	if len(text) > 0 && text[0] == headError {
		return nil, refusal(text)
	}
	r := &reader{text: text}
	if r.number(1) != 10 {
		return nil, errProtocol
	}
	g := &Greeting{Version: string(r.until()), Plugin: nativePassword}
	r.number(4) // of the connection
	g.Salt = slices.Clone(r.bytes(8))
	r.number(1)
	g.at = len(text) - len(r.text)
	can := r.number(2)
	r.number(1 + 2)
	can |= r.number(2) << 16
	salt := r.number(1)
	r.bytes(10)
	if can&canSecure != 0 {
		rest := r.bytes(max(13, salt-min(salt, 8)))
		g.Salt = append(g.Salt, rest[:min(len(rest), 12)]...)
	}
	if can&canPlugins != 0 {
		g.Plugin = string(r.until())
	}
	if r.bad {
		return nil, errProtocol
	}
	return g, nil
}

// OfferTLS is the greeting in text as that of a server that has TLS.
func (g *Greeting) OfferTLS(text []byte) []byte {
	out := slices.Clone(text)
	binary.LittleEndian.PutUint16(out[g.at:], binary.LittleEndian.Uint16(out[g.at:])|canTLS)
	return out
}

// A Hello is what a client says first.
type Hello struct {
	TLS  bool   // it wants to speak TLS, and says the rest then
	User string // that it is
	can  uint64
	text []byte
	rest []byte // of text, after the user
}

// ReadHello reads what a client says first.
func ReadHello(text []byte) (*Hello, error) {
	r := &reader{text: text}
	can := r.number(4)
	r.bytes(4 + 1 + 23)
	if r.bad || can&canSpeak41 == 0 {
		return nil, errProtocol
	}
	h := &Hello{TLS: can&canTLS != 0 && len(r.text) == 0, can: can, text: text}
	h.User = string(r.until())
	h.rest = r.text
	return h, nil
}

// By is what the client said, as one says it who proves by a password who he is.
func (h *Hello) By(g *Greeting, password string) ([]byte, error) {
	r := &reader{text: h.rest}
	switch {
	case h.can&canLengths != 0:
		r.value()
	case h.can&canSecure != 0:
		r.bytes(r.number(1))
	default:
		r.until()
	}
	if r.bad || h.can&canSecure == 0 {
		return nil, errProtocol
	}
	out := h.Plain()[:len(h.text)-len(h.rest)]
	proof := prove(g.Salt, password)
	out = append(append(out, byte(len(proof))), proof...)
	if h.can&canConnectDB != 0 {
		out = append(append(out, r.until()...), 0)
	}
	if h.can&canPlugins != 0 {
		r.until()
		out = append(append(out, nativePassword...), 0)
	}
	return append(out, r.text...), nil
}

// AskClear asks a client for its password as it is.
func AskClear(seq byte) Packet {
	return Packet{seq, append([]byte{headEOF}, "mysql_clear_password\x00"...)}
}

// Clear is a password as it is, that a client was asked for.
func (p Packet) Clear() string { return string(bytes.TrimSuffix(p.Payload, []byte{0})) }

// Again is what proves by a password who the user is to a server that asks again. It is
// false if it asks otherwise, or not.
func (p Packet) Again(password string) (Packet, bool) {
	if len(p.Payload) == 0 || p.Payload[0] != headEOF {
		return Packet{}, false
	}
	r := &reader{text: p.Payload[1:]}
	plugin := string(r.until())
	return Packet{p.Seq + 1, prove(r.until(), password)}, plugin == nativePassword
}

// Plain is what the client said as one says it that speaks no TLS.
func (h *Hello) Plain() []byte {
	out := slices.Clone(h.text)
	out[1] &^= canTLS >> 8
	return out
}

// hello is what we say first, as clients.
func (g *Greeting) hello(user, password, database string) []byte {
	can := uint32(canLongPassword | canFoundRows | canLongFlag | canSpeak41 | canTransactions | canSecure | canResults | canPlugins)
	if database != "" {
		can |= canConnectDB
	}
	out := binary.LittleEndian.AppendUint32(nil, can)
	out = binary.LittleEndian.AppendUint32(out, wholePacket)
	out = append(out, utf8mb4)
	out = append(out, make([]byte, 23)...)
	out = append(append(out, user...), 0)
	proof := prove(g.Salt, password)
	out = append(append(out, byte(len(proof))), proof...)
	if database != "" {
		out = append(append(out, database...), 0)
	}
	return append(append(out, nativePassword...), 0)
}

// prove is what who knows a password makes of a salt.
func prove(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	out := sha1.Sum(append(slices.Clone(salt), twice[:]...))
	for i := range out {
		out[i] ^= once[i]
	}
	return out[:]
}
