package rapi

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/task"
)

// A bench is a Server with one connection of a worker to it.
type bench struct {
	*Server
	conn    net.Conn
	r       *bufio.Reader
	addr    string
	ready   chan bool
	blank   chan bool
	answers chan Answer
	failed  chan Answer
}

func start(t testing.TB) *bench {
	t.Helper()
	b := &bench{ready: make(chan bool, 100), blank: make(chan bool, 100), answers: make(chan Answer, 100), failed: make(chan Answer, 100)}
	b.Server = New(Hooks{
		Ready:     func() { b.ready <- true },
		Blank:     func() { b.blank <- true },
		Answer:    func(a Answer) { b.answers <- a },
		InitError: func(a Answer) { b.failed <- a },
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var g task.Group
	g.Go(func() { b.Serve(&g, l) })
	b.addr = l.Addr().String()
	b.conn, err = net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	b.r = bufio.NewReader(b.conn)
	t.Cleanup(func() { l.Close(); b.conn.Close(); b.Close(); g.Wait() })
	return b
}

func (b *bench) write(s string) { io.WriteString(b.conn, s) }

func (b *bench) read(t testing.TB) (*http.Response, string) {
	t.Helper()
	b.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	res, err := http.ReadResponse(b.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

const next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"

func (b *bench) give(t testing.TB, e *Event) {
	t.Helper()
	b.write(next)
	<-b.ready
	if err := b.Send(e); err != nil {
		t.Fatal(err)
	}
	b.read(t)
}

func post(path, headers, body string) string {
	return "POST /2018-06-01/runtime/" + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body
}

func TestEvent(t *testing.T) {
	b := start(t)
	b.write(next)
	<-b.ready
	err := b.Send(&Event{RequestID: "id-1", Payload: []byte(`{"a":1}`), Deadline: time.UnixMilli(1700000000123), InvokedARN: "arn:x", TraceID: "Root=1", ClientContext: "{\r\n\"a\":1}"})
	if err != nil {
		t.Fatal(err)
	}
	res, body := b.read(t)
	if body != `{"a":1}` || res.Header.Get("Lambda-Runtime-Aws-Request-Id") != "id-1" || res.Header.Get("Lambda-Runtime-Deadline-Ms") != "1700000000123" ||
		res.Header.Get("Lambda-Runtime-Client-Context") != `{  "a":1}` {
		t.Errorf("got %q with %v", body, res.Header)
	}
	if err := b.Send(&Event{}); err != ErrNotWaiting {
		t.Errorf("Send to a busy worker = %v", err)
	}
	b.write(post("invocation/id-1/response", "Content-Length: 4\r\n", "true"))
	if a := <-b.answers; string(a.Body) != "true" || a.Failed {
		t.Errorf("answer %+v", a)
	}
	if res, body := b.read(t); res.StatusCode != 202 || body != "{\"status\":\"OK\"}\n" {
		t.Errorf("got %d %q", res.StatusCode, body)
	}
}

func TestAnswers(t *testing.T) {
	large := strings.Repeat("x", MaxPayload+1)
	for name, tc := range map[string]struct {
		path, headers, body string
		want                Answer
		status              int
	}{
		"chunked":   {"response", "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", Answer{Body: []byte("abcde")}, 202},
		"empty":     {"response", "", "", Answer{}, 202},
		"error":     {"error", "Content-Length: 2\r\nLambda-Runtime-Function-Error-Type: Runtime.X\r\n", "{}", Answer{Body: []byte("{}"), Failed: true, ErrorType: "Runtime.X"}, 202},
		"trailers":  {"response", "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\nLambda-Runtime-Function-Error-Type: E\r\nLambda-Runtime-Function-Error-Body: e30=\r\n\r\n", Answer{Body: []byte("{}"), Failed: true, ErrorType: "E"}, 202},
		"most":      {"response", fmt.Sprintf("Content-Length: %d\r\n", MaxPayload), large[1:], Answer{Body: []byte(large[1:])}, 202},
		"too large": {"response", fmt.Sprintf("Content-Length: %d\r\n", MaxPayload+1), large, Answer{TooLarge: MaxPayload + 1}, 413},
		"too large in chunks": {"response", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n1\r\na\r\n0\r\n\r\n", MaxPayload, large[1:]),
			Answer{TooLarge: MaxPayload + 1}, 413},
		"long header": {"error", "Content-Length: 2\r\nLambda-Runtime-Function-Xray-Error-Cause: " + strings.Repeat("y", 1<<20) + "\r\n", "{}", Answer{Body: []byte("{}"), Failed: true}, 202},
		"continue":    {"response", "Content-Length: 2\r\nExpect: 100-continue\r\n", "ok", Answer{Body: []byte("ok")}, 202},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			b.give(t, &Event{RequestID: "r", Payload: []byte("{}")})
			go b.write(post("invocation/r/"+tc.path, tc.headers, tc.body))
			a := <-b.answers
			if !bytes.Equal(a.Body, tc.want.Body) || a.Failed != tc.want.Failed || a.ErrorType != tc.want.ErrorType || a.TooLarge != tc.want.TooLarge {
				t.Errorf("answer %.100q failed=%v %q over=%d", a.Body, a.Failed, a.ErrorType, a.TooLarge)
			}
			res, _ := b.read(t)
			if res.StatusCode == 100 {
				res, _ = b.read(t)
			}
			if res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			b.write(next) // the connection is still good
			<-b.ready
		})
	}
}

// TestDeaf: a worker that does not read its event is waited for until the deadline.
func TestDeaf(t *testing.T) {
	b := start(t)
	b.write(next)
	<-b.ready
	began := time.Now()
	err := b.Send(&Event{RequestID: "r", Payload: make([]byte, MaxPayload), Deadline: began.Add(200 * time.Millisecond)})
	if err == nil || time.Since(began) > 3*time.Second {
		t.Errorf("Send = %v after %v", err, time.Since(began))
	}
}

func TestStream(t *testing.T) {
	b := start(t)
	in, out := io.Pipe()
	kind := make(chan string, 1)
	b.give(t, &Event{RequestID: "r", Stream: func(contentType string) io.Writer { kind <- contentType; return out }})
	b.write(post("invocation/r/response", "Transfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nContent-Type: text/x\r\n", "5\r\nfirst\r\n"))
	buf := make([]byte, 100)
	n, _ := in.Read(buf)
	if got := <-kind; got != "text/x" || string(buf[:n]) != "first" {
		t.Errorf("got %q of type %q", buf[:n], got)
	}
	b.write("0\r\n\r\n")
	if a := <-b.answers; a.Failed || len(a.Body) > 0 {
		t.Errorf("answer %+v", a)
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		request string
		status  int
	}{
		"unknown path":     {"GET / HTTP/1.1\r\n\r\n", 404},
		"wrong id":         {post("invocation/other/response", "Content-Length: 2\r\n", "{}"), 400},
		"next while busy":  {next, 403},
		"no proto":         {"GET /\r\n\r\n", 400},
		"negative length":  {post("invocation/r/response", "Content-Length: -1\r\n", ""), 400},
		"two lengths":      {post("invocation/r/response", "Content-Length: 1\r\nContent-Length: 2\r\n", ""), 400},
		"length and chunk": {post("invocation/r/response", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", ""), 400},
		"bad chunk":        {post("invocation/r/response", "Transfer-Encoding: chunked\r\n", "zz\r\n"), 400},
		"huge chunk":       {post("invocation/r/response", "Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), 400},
		"long line":        {"GET /" + strings.Repeat("x", 10000) + " HTTP/1.1\r\n\r\n", 400},
		"many headers":     {"GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 200) + "\r\n", 400},
		"endless header":   {"GET / HTTP/1.1\r\na: " + strings.Repeat("b", 3<<20) + "\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			b.give(t, &Event{RequestID: "r"})
			go b.write(tc.request)
			if res, _ := b.read(t); res.StatusCode != tc.status {
				t.Errorf("status %d, want %d", res.StatusCode, tc.status)
			}
			if len(b.answers) > 0 {
				t.Errorf("it counted as an answer")
			}
		})
	}
}

func TestConnections(t *testing.T) {
	b := start(t)
	var open []net.Conn
	for range maxConns + 10 {
		c, err := net.Dial("tcp", b.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		open = append(open, c)
	}
	io.WriteString(open[len(open)-1], next)
	if n, err := open[len(open)-1].Read(make([]byte, 1)); err == nil {
		t.Errorf("connection over the limit was answered with %d bytes", n)
	}
}

// FuzzConn: whatever a worker sends, the server neither panics nor hangs, and
// counts nothing as an answer that is not for the event in progress.
func FuzzConn(f *testing.F) {
	f.Add([]byte(next))
	f.Add([]byte(post("invocation/r/response", "Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\na: b\r\n\r\n")))
	f.Add([]byte(post("init/error", "Content-Length: 2\r\n", "{}")))
	f.Fuzz(func(t *testing.T, in []byte) {
		var g task.Group
		s := New(Hooks{Ready: func() {}, Blank: func() {}, InitError: func(Answer) {}, Answer: func(a Answer) {
			if a.RequestID != "r" {
				t.Errorf("answer to %q", a.RequestID)
			}
		}})
		s.current = &Event{RequestID: "r"}
		ours, theirs := net.Pipe()
		c := newConn(s, ours)
		s.add(c)
		g.Go(c.serve)
		g.Go(func() { io.Copy(io.Discard, theirs) })
		theirs.Write(in)
		theirs.Close()
		g.Wait()
	})
}

// BenchmarkRoundTrip is the floor of a warm invoke: an event to a worker that
// answers at once, over loopback.
func BenchmarkRoundTrip(b *testing.B) {
	s := start(b)
	go func() {
		s.write(next)
		r := bufio.NewReader(s.conn)
		for {
			res, err := http.ReadResponse(r, nil)
			if err != nil {
				return
			}
			io.Copy(io.Discard, res.Body)
			if res.StatusCode == 200 {
				s.write(post("invocation/r/response", "Content-Length: 2\r\n", "{}") + next)
			}
		}
	}()
	e := &Event{RequestID: "r", Payload: []byte(`{"hello":"world"}`)}
	for b.Loop() {
		<-s.ready
		if err := s.Send(e); err != nil {
			b.Fatal(err)
		}
		<-s.answers
	}
}

// A worker that says that it closes the connection after this request is answered
// all the same, as late as there is an event.
func TestClosing(t *testing.T) {
	b := start(t)
	b.write(strings.Replace(next, "Host: x", "Host: x\r\nConnection: close", 1))
	<-b.ready
	if err := b.Send(&Event{RequestID: "1", Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	if _, body := b.read(t); body != "{}" {
		t.Errorf("got %q", body)
	}
}
