package lane

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// requests are what clients send, and what they should not.
var requests = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: localhost:4566\r\nContent-Length: 5\r\nx-amz-target: DynamoDB_20120810.PutItem\r\n\r\nhello",
	"POST /a%2Fb//c?x=1&y=%20 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD /held HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	"GET /long HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /flush HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /unchanged HTTP/1.1\r\nHost: a\r\n\r\nGET /closing HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /header HTTP/1.1\r\nHost: a\r\nA: 1\r\na: 2\r\nB:\t x \t\r\nC:\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\nabcd",
	"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nFolded: x\r\n y\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n : x\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nNul: a\x00b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nReturn: a\rb\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\n\n",
	"GET / HTTP/1.1\r\nHost: a\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\n\r\n",
	"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
	"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
	"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"get / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET //a HTTP/1.1\r\nHost: a\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}

// FuzzHead: what the lane takes for a plain request, net/http reads alike.
func FuzzHead(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), maxHead)]
		var h head
		n := h.parse(b)
		if n <= 0 {
			return
		}
		in := bufio.NewReaderSize(bytes.NewReader(b), 2*maxHead)
		want, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("%q is plain, but: %v", b, err)
		}
		if left := len(b) - n; left != in.Buffered() {
			t.Errorf("%q: %d bytes follow the head, want %d", b, left, in.Buffered())
		}
		got := []any{h.method, h.target, h.host, h.url, h.header, h.length, h.close, []string(nil), http.Header(nil)}
		if w := []any{want.Method, want.RequestURI, want.Host, want.URL, want.Header, want.ContentLength, want.Close, want.TransferEncoding, want.Trailer}; !reflect.DeepEqual(got, w) {
			t.Errorf("%q:\n got %q\nwant %q", b, got, w)
		}
	})
}

// FuzzServe: who talks to a lane before net/http hears what net/http alone says.
func FuzzServe(f *testing.F) {
	for _, r := range requests {
		f.Add([]byte(r))
	}
	plain, whole := serveHTTP(f, false), serveHTTP(f, true)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 32<<10 {
			return
		}
		got, want := talk(t, whole, b), talk(t, plain, b)
		if !slices.Equal(got, want) {
			t.Errorf("%q:\n got %q\nwant %q", b, got, want)
		}
	})
}

// serveHTTP returns the address of a server of answers, with a lane or without.
func serveHTTP(t testing.TB, fast bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s := &http.Server{Handler: http.HandlerFunc(answers), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	if fast {
		l = New(l, Config{Handler: s.Handler, Header: time.Second, Idle: time.Minute, Log: log})
	}
	served := make(chan bool)
	go func() { s.Serve(l); close(served) }()
	t.Cleanup(func() { s.Close(); <-served })
	return l.Addr().String()
}

// answers answers in many ways, and tells of the request what handlers see.
func answers(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Saw", fmt.Sprintf("%s %s %s %d %v %s", r.Method, r.RequestURI, r.Host, r.ContentLength, r.Close, r.URL.Query()))
	switch r.URL.Path {
	case "/held":
		io.WriteString(w, "<html>") // has the length and the type of what a GET gets
	case "/long":
		for range 100 {
			io.WriteString(w, strings.Repeat("long ", 100))
		}
	case "/flush":
		io.WriteString(w, "one")
		http.NewResponseController(w).Flush()
		io.WriteString(w, "two")
	case "/short":
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "short")
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/unchanged":
		w.WriteHeader(http.StatusNotModified)
		io.WriteString(w, "no body")
	case "/closing":
		w.Header().Set("Connection", "close")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Injected", "a\r\nb: c")
	default:
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%q %v\n", body, err)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(w, "%s %q\n", name, r.Header[name])
		}
	}
}

// talk sends b, and returns what is answered in a form without the time.
func talk(t *testing.T, addr string, b []byte) (all []string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.Write(b) // the server may have had enough
	conn.(*net.TCPConn).CloseWrite()
	in := bufio.NewReader(conn)
	head, _, _ := bytes.Cut(b, []byte(" "))
	for {
		r, err := http.ReadResponse(in, &http.Request{Method: string(head)})
		if err != nil {
			return all
		}
		body, err := io.ReadAll(r.Body)
		if r.Header.Get("Date") != "" {
			r.Header.Set("Date", "now")
		}
		all = append(all, fmt.Sprintf("%s %v %v %d %v %q %v", r.Status, r.Header, r.TransferEncoding, r.ContentLength, r.Close, body, err != nil))
	}
}

// A connection that is to be given on keeps what was sent of it.
func TestGiveOn(t *testing.T) {
	addr := serveHTTP(t, true)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, r := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsecon\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthird",
	} {
		for _, part := range []string{r[:1], r[1:30], r[30:]} {
			io.WriteString(conn, part)
			time.Sleep(time.Millisecond)
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if want := r[len(r)-5:]; err != nil || answer.StatusCode != 200 || !strings.Contains(string(body), want) && !strings.Contains(string(body), "secon") {
			t.Errorf("%q: %s %q %v", r, answer.Status, body, err)
		}
	}
}

// start serves h in a lane, and returns a connection.
func start(t *testing.T, h http.HandlerFunc) (*Lane, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lane := New(l, Config{Handler: h, Header: 100 * time.Millisecond, Idle: time.Minute, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { lane.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return lane, conn
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// The context of a request ends when the client goes away, but not because it
// has sent its next request, which is answered in its turn.
func TestClientGone(t *testing.T) {
	waits, goOn, ended := make(chan bool), make(chan bool), make(chan error, 1)
	_, conn := start(t, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context()) // as those do who wait
		defer cancel()
		io.Copy(io.Discard, r.Body)
		waits <- true
		select {
		case <-ctx.Done():
		case <-goOn:
		}
		ended <- ctx.Err()
		io.WriteString(w, r.Method)
	})
	in := bufio.NewReader(conn)
	for _, r := range []string{get, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"} {
		io.WriteString(conn, r)
		<-waits
		io.WriteString(conn, r)
		time.Sleep(time.Millisecond) // so that who looks sees it
		for i := range 2 {
			if i > 0 {
				<-waits
			}
			select {
			case goOn <- true:
			case err := <-ended:
				t.Fatalf("%q: the context ended: %v", r, err)
			}
			answer, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil || string(body) != r[:len(body)] {
				t.Errorf("%q: answered %q, context: %v", r, body, err)
			}
		}
	}
	io.WriteString(conn, get)
	<-waits
	conn.Close()
	if err := <-ended; err != context.Canceled {
		t.Errorf("the client has gone, and the context says %v", err)
	}
}

// Close ends connections that wait, Stop those whose requests do not end, and
// what is under way is answered before.
func TestStop(t *testing.T) {
	begun, goOn := make(chan bool), make(chan bool)
	lane, conn := start(t, func(http.ResponseWriter, *http.Request) {
		begun <- true
		<-goOn
	})
	io.WriteString(conn, get)
	<-begun
	other, err := net.Dial("tcp", lane.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lane.Close()
	if _, err := other.Read(make([]byte, 1)); err == nil {
		t.Error("an idle connection was not closed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	goOn <- true
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || !answer.Close {
		t.Errorf("answer %v %v, want one that says close", answer, err)
	}
	lane.Stop(t.Context())
	lane.Stop(ctx)
}

// A head takes no longer than it may.
func TestSlowHead(t *testing.T) {
	lane, conn := start(t, func(http.ResponseWriter, *http.Request) { t.Error("served") })
	io.WriteString(conn, get[:10])
	given, err := lane.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if b, err := io.ReadAll(given); string(b) != get[:10] {
		t.Errorf("given on with %q, %v", b, err)
	}
}

// A file is sent whole, or the part of it that is wanted, after what was
// written before.
func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, conn := start(t, func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		defer f.Close()
		w.Header().Set("Content-Length", "50010")
		io.WriteString(w, "0123456789")
		for _, n := range []int64{10_000, 40_000} {
			io.Copy(w, &io.LimitedReader{R: f, N: n})
		}
	})
	in := bufio.NewReader(conn)
	for range 2 {
		io.WriteString(conn, get)
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(answer.Body)
		if err != nil || len(b) < 10 || !bytes.Equal(b[10:], content[:50_000]) {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
}

// A handler that fails breaks the connection.
func TestPanic(t *testing.T) {
	_, conn := start(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	io.WriteString(conn, get)
	if b, err := io.ReadAll(conn); len(b) > 0 || err != nil {
		t.Errorf("answer %q, %v", b, err)
	}
}
