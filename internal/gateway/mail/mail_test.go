package mail

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// serve takes one session, and yields what was said in it.
func serve(t *testing.T, refuse string) (addr string, said <-chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	out := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		var all strings.Builder
		r := bufio.NewReader(conn)
		fmt.Fprint(conn, "220 here\r\n")
		data := false
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				break
			}
			all.WriteString(line)
			switch {
			case data && line != ".\r\n":
			case data:
				data = false
				fmt.Fprint(conn, "250 taken\r\n")
			case refuse != "" && strings.HasPrefix(line, "RCPT"):
				fmt.Fprint(conn, refuse+"\r\n")
			case strings.HasPrefix(line, "EHLO"):
				fmt.Fprint(conn, "250-here\r\n250 AUTH PLAIN\r\n")
			case strings.HasPrefix(line, "AUTH"):
				fmt.Fprint(conn, "235 welcome\r\n")
			case strings.HasPrefix(line, "QUIT"):
				fmt.Fprint(conn, "221 bye\r\n")
			case strings.HasPrefix(line, "DATA"):
				data = true
				fmt.Fprint(conn, "354 go on\r\n")
			default:
				fmt.Fprint(conn, "250 yes\r\n")
			}
		}
		out <- all.String()
	}()
	return l.Addr().String(), out
}

func send(t *testing.T, addr string, m Message) error {
	t.Helper()
	s, err := Parse("smtp://eve:secret@" + addr + "?from=alerts@example.com")
	if err != nil {
		t.Fatal(err)
	}
	m.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return s.Send(t.Context(), &m)
}

func TestSend(t *testing.T) {
	addr, said := serve(t, "")
	if err := send(t, addr, Message{ID: "1", To: "bob@example.com", Subject: "Grüße\r\nBcc: all@example.com", Body: "dear = ü\n.\nend"}); err != nil {
		t.Fatal(err)
	}
	got := <-said
	for _, want := range []string{
		"AUTH PLAIN AGV2ZQBzZWNyZXQ=\r\n", "MAIL FROM:<alerts@example.com>", "RCPT TO:<bob@example.com>",
		"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe=0D=0ABcc:_all@example.com?=\r\n", "Message-ID: <1@127.0.0.1>\r\n", "dear =3D =C3=BC\r\n..\r\nend",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestRefused(t *testing.T) {
	for text, code := range map[string]int{"550 nobody here": 550, "451 later": 451} {
		addr, _ := serve(t, text)
		err := send(t, addr, Message{ID: "1", To: "bob@example.com"})
		if r, ok := errors.AsType[*Refusal](err); !ok || r.Code != code {
			t.Errorf("%s: %v", text, err)
		}
	}
	if r, ok := errors.AsType[*Refusal](send(t, "127.0.0.1:1", Message{To: "nobody"})); !ok || r.Code != 553 {
		t.Errorf("an address that is none: %v", r)
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{"", "http://host?from=a@b.c", "smtp://?from=a@b.c", "smtp://host", "smtp://host?from=x", "smtp://a:se%zzcret@host"} {
		if s, err := Parse(text); err == nil || strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}
