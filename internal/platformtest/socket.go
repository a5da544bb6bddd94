package platformtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/aloft-cloud/aloft/internal/task"
)

// A socket is an open WebSocket of a script. It is always read, so that it
// never keeps the platform waiting.
type socket struct {
	conn  *websocket.Conn
	heard chan string
}

// maxHeard is how much may be unheard.
const maxHeard = 1000

// ws opens a WebSocket: ws NAME URL [header=value]… A refusal is on stdout.
func (s *session) ws(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: ws NAME URL [header=value]…")
	}
	options := &websocket.DialOptions{HTTPHeader: make(http.Header), HTTPClient: &http.Client{Transport: inside{s.platform.Handler, &s.group}}}
	for _, arg := range args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		if strings.EqualFold(name, "Sec-WebSocket-Protocol") {
			options.Subprotocols = strings.Split(value, ",")
			continue
		}
		options.HTTPHeader.Set(name, value)
	}
	conn, answer, err := websocket.Dial(context.Background(), args[1], options)
	if answer != nil {
		fmt.Fprintln(ts.Stdout(), answer.StatusCode)
		if p := answer.Header.Get("Sec-Websocket-Protocol"); p != "" {
			fmt.Fprintln(ts.Stdout(), "Sec-WebSocket-Protocol: "+p)
		}
		if answer.StatusCode != http.StatusSwitchingProtocols {
			io.Copy(ts.Stdout(), answer.Body)
		}
	}
	if (err != nil) != neg {
		ts.Fatalf("ws %s: %v", args[1], err)
	}
	if err != nil {
		return
	}
	k := &socket{conn, make(chan string, maxHeard)}
	s.sockets[args[0]] = k
	s.group.Go(k.hear)
	ts.Defer(func() { conn.CloseNow() })
}

func (k *socket) hear() {
	k.conn.SetReadLimit(-1)
	for {
		_, data, err := k.conn.Read(context.Background())
		if e, ok := errors.AsType[websocket.CloseError](err); ok {
			k.heard <- fmt.Sprintf("closed %d %s", e.Code, e.Reason)
		}
		if err != nil {
			close(k.heard)
			return
		}
		k.heard <- string(data)
	}
}

func (s *session) socket(ts *testscript.TestScript, args []string, usage string) *socket {
	if len(args) == 0 || s.sockets[args[0]] == nil {
		ts.Fatalf("usage: %s, of a WebSocket that is open", usage)
	}
	return s.sockets[args[0]]
}

// say sends text: say NAME TEXT.
func (s *session) say(ts *testscript.TestScript, neg bool, args []string) {
	k := s.socket(ts, args, "say NAME TEXT")
	if err := k.conn.Write(context.Background(), websocket.MessageText, []byte(args[1])); err != nil {
		ts.Fatalf("say %s: %v", args[0], err)
	}
}

// hear puts on stdout what comes next: a text, or "closed CODE REASON". With !
// nothing comes within a second.
func (s *session) hear(ts *testscript.TestScript, neg bool, args []string) {
	k := s.socket(ts, args, "hear NAME")
	wait := time.Minute
	if neg {
		wait = time.Second
	}
	select {
	case text, ok := <-k.heard:
		if !ok {
			text = "closed"
		}
		fmt.Fprintln(ts.Stdout(), text)
		if neg {
			ts.Fatalf("heard %s", text)
		}
	case <-time.After(wait):
		if !neg {
			ts.Fatalf("nothing was heard of %s", args[0])
		}
	}
}

// leave closes a WebSocket.
func (s *session) leave(ts *testscript.TestScript, neg bool, args []string) {
	s.socket(ts, args, "leave NAME").conn.Close(websocket.StatusNormalClosure, "")
}

// inside has a handler answer requests, and lets it take connections over.
type inside struct {
	handler http.Handler
	group   *task.Group
}

// RoundTrip implements http.RoundTripper.
func (i inside) RoundTrip(r *http.Request) (*http.Response, error) {
	server, client := net.Pipe()
	w := &taken{ResponseRecorder: httptest.NewRecorder(), conn: server, at: make(chan bool, 2)}
	in := httptest.NewRequest(r.Method, r.URL.String(), nil)
	in.Header, in.RemoteAddr = r.Header, "127.0.0.1:50000"
	i.group.Go(func() {
		i.handler.ServeHTTP(w, in)
		w.at <- false
	})
	if !<-w.at {
		return w.Result(), nil
	}
	buffered := bufio.NewReader(client)
	answer, err := http.ReadResponse(buffered, r)
	if err != nil {
		return nil, err
	}
	answer.Body = read{client, buffered}
	return answer, nil
}

// read is a connection whose beginning is in a buffer.
type read struct {
	net.Conn
	from *bufio.Reader
}

func (r read) Read(b []byte) (int, error) { return r.from.Read(b) }

// taken is an answer whose connection a handler may take over.
type taken struct {
	*httptest.ResponseRecorder
	conn net.Conn
	at   chan bool // true when it was taken over, false at the end
}

// Hijack implements http.Hijacker.
func (w *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.at <- true
	return w.conn, bufio.NewReadWriter(bufio.NewReader(w.conn), bufio.NewWriter(w.conn)), nil
}
