package websocket

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// frame is a client's, masked.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	h := header{mask: [4]byte{1, 2, 3, 4}}
	masked := []byte(payload)
	h.unmask(masked)
	return append(append(b, h.mask[:]...), masked...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// pair returns both ends of a connection.
func pair(t testing.TB) (*Conn, net.Conn) {
	server, client := net.Pipe()
	t.Cleanup(func() { server.Close(); client.Close() })
	return &Conn{conn: server, in: bufio.NewReaderSize(server, readBuffer)}, client
}

// talk sends bytes, and a close behind them, and returns the texts that are read
// of them, how it ended, and what the client got.
func talk(t testing.TB, sent []byte) (texts []string, end *CloseError, got []byte) {
	t.Helper()
	c, client := pair(t)
	heard := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(client)
		heard <- b
	}()
	go client.Write(join(sent, frame(final|opClose, "\x03\xe8")))
	for {
		text, err := c.Read()
		if err != nil {
			if !errors.As(err, &end) {
				t.Fatalf("Read: %v is no CloseError", err)
			}
			return texts, end, <-heard
		}
		texts = append(texts, string(text))
	}
}

const final = 0x80

// What comes in order is read: whole, in parts, and with pings between.
func TestRead(t *testing.T) {
	f := func(sent []byte, want ...string) {
		t.Helper()
		texts, _, _ := talk(t, sent)
		if strings.Join(texts, "|") != strings.Join(want, "|") {
			t.Errorf("read %.60q, want %.60q", texts, want)
		}
	}
	long := strings.Repeat("é", 16<<10)
	f(frame(final|opText, "hello"), "hello")
	f(frame(final|opText, ""), "")
	f(join(frame(final|opText, "a"), frame(final|opText, "b")), "a", "b")
	f(join(frame(opText, "he"), frame(final|opPing, "p"), frame(opContinue, ""), frame(final|opContinue, "llo")), "hello")
	f(join(frame(opText, "\xc3"), frame(final|opContinue, "\xa9")), "é") // a letter in two frames
	f(frame(final|opText, long), long)
	f(join(frame(opText, long), frame(opContinue, long), frame(opContinue, long), frame(final|opContinue, long)), long+long+long+long)
}

// Each broken rule has its code, which the client hears too.
func TestRefusals(t *testing.T) {
	f := func(what string, sent []byte, want int) {
		t.Helper()
		texts, end, got := talk(t, sent)
		if end.Code != want || len(texts) > 0 {
			t.Errorf("%s: ended with %d (%s) after %d texts, want %d", what, end.Code, end.Reason, len(texts), want)
		}
		if len(got) < 4 || got[0] != final|opClose || int(binary.BigEndian.Uint16(got[2:])) != want {
			t.Errorf("%s: the client got %x, want a close with %d", what, got, want)
		}
	}
	for _, bit := range []byte{0x40, 0x20, 0x10} {
		f("a reserved bit", frame(final|bit|opText, "x"), StatusProtocol)
	}
	f("no mask", []byte{final | opText, 1, 'x'}, StatusProtocol)
	f("an unknown kind", frame(final|3, "x"), StatusProtocol)
	f("an unknown control frame", frame(final|0xb, ""), StatusProtocol)
	f("a long ping", frame(final|opPing, strings.Repeat("x", 126)), StatusProtocol)
	f("a ping in parts", frame(opPing, "x"), StatusProtocol)
	f("a continuation of nothing", frame(final|opContinue, "x"), StatusProtocol)
	f("a text within a text", join(frame(opText, "x"), frame(final|opText, "y")), StatusProtocol)
	f("a close of one byte", frame(final|opClose, "x"), StatusProtocol)
	f("a close with a code for none", frame(final|opClose, "\x03\xed"), StatusProtocol)
	f("a close with no UTF-8", frame(final|opClose, "\x03\xe8\xff"), StatusInvalid)
	f("binary", frame(final|opBinary, "x"), StatusUnsupported)
	f("no UTF-8", frame(final|opText, "\xff"), StatusInvalid)
	f("half a letter", frame(final|opText, "\xc3"), StatusInvalid)
	f("a frame beyond 32 KB", frame(final|opText, strings.Repeat("x", maxFrame+1)), StatusTooLong)
	f("a frame of all lengths", []byte{final | opText, 0x80 | 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, StatusTooLong)
	part := frame(opContinue, strings.Repeat("x", maxFrame))
	f("a message beyond 128 KB", join(frame(opText, "x"), part, part, part, part), StatusTooLong)
	f("fragments forever", join(frame(opText, ""), bytes.Repeat(frame(opContinue, ""), maxFrames)), StatusTooLong)
	f("a close", frame(final|opClose, "\x03\xe9bye"), StatusGoingAway)
	f("a close of an application", frame(final|opClose, "\x0f\xa0"), 4000)
}

// A close without a code is answered by one, and known as 1005.
func TestCloseWithoutCode(t *testing.T) {
	_, end, got := talk(t, frame(final|opClose, ""))
	if end.Code != StatusNone || !bytes.Equal(got, []byte{final | opClose, 0}) {
		t.Errorf("ended with %d, the client got %x", end.Code, got)
	}
}

// A client that goes without a word has ended abnormally.
func TestHangUp(t *testing.T) {
	c, client := pair(t)
	go func() {
		client.Write(frame(final|opText, "hello")[:8])
		client.Close()
	}()
	_, err := c.Read()
	if end, ok := errors.AsType[*CloseError](err); !ok || end.Code != StatusAbnormal {
		t.Errorf("Read: %v", err)
	}
}

func TestPing(t *testing.T) {
	_, _, got := talk(t, frame(final|opPing, "are you there"))
	want := append([]byte{final | opPong, 13}, "are you there\x88\x02\x03\xe8"...)
	if !bytes.Equal(got, want) {
		t.Errorf("a ping is answered by %q, want %q", got, want)
	}
}

// A client that reads nothing is waited for with so much only.
func TestFull(t *testing.T) {
	c, client := pair(t)
	done := make(chan error, 1)
	go func() { done <- c.Write(make([]byte, maxWaiting), false) }()
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := c.Write([]byte("x"), true); !errors.Is(err, ErrFull) {
		t.Errorf("beyond what may wait: %v", err)
	}
	client.Close()
	if err := <-done; err == nil {
		t.Error("what the client did not read was written")
	}
}

func TestHandshake(t *testing.T) {
	f := func(change func(h http.Header), want int) {
		t.Helper()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{"Upgrade": {"WebSocket"}, "Connection": {"keep-alive, Upgrade"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		change(r.Header)
		if !IsHandshake(r) {
			t.Error("this is a handshake")
		}
		if got, _ := Check(r); got != want {
			t.Errorf("Check = %d, want %d", got, want)
		}
	}
	f(func(http.Header) {}, 0)
	f(func(h http.Header) { h.Set("Sec-Websocket-Version", "8") }, 426)
	f(func(h http.Header) { h.Del("Sec-Websocket-Key") }, 400)
	f(func(h http.Header) { h.Set("Sec-Websocket-Key", "c2hvcnQ=") }, 400)
	f(func(h http.Header) { h.Add("Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400)
}

// Whatever comes ends with a code, and what is read is UTF-8 within the limits.
func FuzzRead(f *testing.F) {
	f.Add(frame(final|opText, "hello"))
	f.Add(join(frame(opText, "he"), frame(final|opPing, "p"), frame(final|opContinue, "llo")))
	f.Add(frame(final|opClose, "\x03\xe8"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		c := &Conn{conn: silent{}, in: bufio.NewReader(bytes.NewReader(sent))}
		for {
			text, err := c.Read()
			if err != nil {
				if _, ok := errors.AsType[*CloseError](err); !ok {
					t.Fatalf("Read: %v", err)
				}
				return
			}
			if len(text) > MaxMessage || strings.ToValidUTF8(string(text), "") != string(text) {
				t.Fatalf("read %d bytes: %.40q", len(text), text)
			}
		}
	})
}

// silent is a connection that takes all and gives nothing.
type silent struct{ net.Conn }

func (silent) Write(b []byte) (int, error)      { return len(b), nil }
func (silent) SetWriteDeadline(time.Time) error { return nil }
func (silent) Close() error                     { return nil }
