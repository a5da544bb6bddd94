package mysql

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"slices"
	"testing"
)

// greeting is what a server said once, byte by byte.
var greeting = slices.Concat(
	[]byte{10}, []byte("11.4.5-MariaDB\x00"), []byte{7, 0, 0, 0}, []byte("saltsalt\x00"), []byte{0xfe, 0xf7}, []byte{45, 2, 0}, []byte{0xff, 0x81}, []byte{21}, make([]byte, 10),
	[]byte("SALTSALTSALT\x00"), []byte("mysql_native_password\x00"),
)

func TestGreeting(t *testing.T) {
	g, err := ReadGreeting(greeting)
	if err != nil {
		t.Fatal(err)
	}
	if g.Version != "11.4.5-MariaDB" || string(g.Salt) != "saltsaltSALTSALTSALT" || g.Plugin != nativePassword {
		t.Errorf("got %+v", g)
	}
	offered := g.OfferTLS(greeting)
	if can := binary.LittleEndian.Uint16(offered[g.at:]); can != 0xfffe {
		t.Errorf("it can %x", can)
	}
	h, err := ReadHello(g.hello("joe", "secret", "app"))
	if err != nil || h.User != "joe" || h.TLS {
		t.Errorf("got %+v, %v", h, err)
	}
	by, err := h.By(g, "other")
	if want := g.hello("joe", "other", "app"); err != nil || !bytes.Equal(by, want) {
		t.Errorf("got %q, %v, want %q", by, err, want)
	}
	if p, ok := (Packet{2, append([]byte{headEOF}, "mysql_native_password\x00saltsaltSALTSALTSALT\x00"...)}).Again("secret"); !ok || p.Seq != 3 || !bytes.Equal(p.Payload, prove(g.Salt, "secret")) {
		t.Errorf("got %q, %t", p, ok)
	}
	if got := (Packet{3, []byte("token\x00")}).Clear(); got != "token" {
		t.Errorf("got %q", got)
	}
	if _, err := ReadGreeting((&Error{Code: 1040, Message: "Too many connections"}).Packet(0).Payload); err == nil || err.Error() != "ERROR 1040 (HY000): Too many connections" {
		t.Errorf("got %v", err)
	}
}

// A password is proved as MySQL's manual says: with what SHA-1 makes of it.
func TestProve(t *testing.T) {
	if got := hex.EncodeToString(prove([]byte("saltsaltSALTSALTSALT"), "secret")); len(got) != 40 || prove(nil, "") != nil {
		t.Errorf("got %s", got)
	}
}

func TestQuote(t *testing.T) {
	if got := Quote(`it's \`); got != `'it''s \\'` {
		t.Errorf("got %s", got)
	}
	if got := Name("a`b"); got != "`a``b`" {
		t.Errorf("got %s", got)
	}
	if got := Hex("é'"); got != "_utf8mb4 X'c3a927'" {
		t.Errorf("got %s", got)
	}
}

// pieces answers a client with bytes, whatever it says.
func pieces(t *testing.T, text []byte) *Conn {
	near, far := net.Pipe()
	far.Close()
	t.Cleanup(func() { near.Close() })
	return &Conn{c: near, r: bufio.NewReader(bytes.NewReader(text))}
}

func packets(all ...[]byte) []byte {
	var b bytes.Buffer
	for i, p := range all {
		Packet{byte(i + 1), p}.Write(&b)
	}
	return b.Bytes()
}

func TestResult(t *testing.T) {
	column := slices.Concat([]byte("\x03def\x03app\x01u\x01t\x02id\x02ID\x0c"), []byte{63, 0, 11, 0, 0, 0, TypeLong}, []byte{3, 2, 0, 0, 0})
	end := []byte{headEOF, 0, 0, 2, 0}
	text := packets([]byte{2}, column, column, end, []byte("\x011\xfb"), []byte("\x012\x00"), end)
	r, more, err := pieces(t, text).result(100)
	if err != nil || more {
		t.Fatal(more, err)
	}
	c := r.Columns[1]
	if c.Schema != "app" || c.Table != "t" || c.Label != "id" || c.Name != "ID" || c.Length != 11 || c.Type != TypeLong || c.Flags&AutoIncrement == 0 {
		t.Errorf("got %+v", c)
	}
	if len(r.Rows) != 2 || string(r.Rows[0][0]) != "1" || r.Rows[0][1] != nil || r.Rows[1][1] == nil {
		t.Errorf("got %q", r.Rows)
	}
	if _, _, err := pieces(t, text).result(4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	ok, more, err := pieces(t, packets([]byte{headOK, 2, 0xfc, 1, 1, 8, 0, 0, 0})).result(0)
	if err != nil || !more || ok.Affected != 2 || ok.InsertID != 257 || ok.Columns != nil {
		t.Errorf("got %+v, %t, %v", ok, more, err)
	}
}

// A client that is not answered ends with its context.
func TestWaits(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	near, far := net.Pipe()
	defer far.Close()
	cancel()
	if _, err := Connect(ctx, func(context.Context) (net.Conn, error) { return near, nil }, "joe", "", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Whatever a side says is read, or refused.
func FuzzPackets(f *testing.F) {
	f.Add(greeting)
	f.Add(packets([]byte{1}, []byte("\x03def"), []byte{headEOF}))
	f.Add([]byte{headOK, 0xfe})
	f.Fuzz(func(t *testing.T, text []byte) {
		if g, err := ReadGreeting(text); err == nil {
			g.OfferTLS(text)
		}
		if h, err := ReadHello(text); err == nil {
			h.Plain()
			h.By(new(Greeting), "secret")
		}
		readColumn(text)
		pieces(t, text).result(1000)
	})
}
