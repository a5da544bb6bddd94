package edge

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is no request is refused, and nothing of it is taken for the next.
func TestBadRequests(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		mu.Lock()
		seen = append(seen, r.URL.Path)
		mu.Unlock()
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(h, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() {
		server.Stop()
		<-served
	}()

	// f sends a request and ends there. reached is whether something may see it.
	f := func(name, request string, status string, reached bool) {
		t.Helper()
		mu.Lock()
		seen = nil
		mu.Unlock()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		go io.WriteString(c, request)
		got, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(got, "HTTP/1.1 "+status) {
			t.Errorf("%s: got %q, %v, want %s", name, got, err, status)
		}
		mu.Lock()
		defer mu.Unlock()
		if slices.Contains(seen, "/smuggled") || !reached && len(seen) > 0 {
			t.Errorf("%s: %v were seen", name, seen)
		}
	}
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	f("good", "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "200", true)
	f("two lengths", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 36\r\n\r\n"+smuggled, "400", false)
	f("a length that is none", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: +36\r\n\r\n"+smuggled, "400", false)
	f("a negative length", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"+smuggled, "400", false)
	f("lengths in a list", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 36\r\n\r\n"+smuggled, "400", false)
	f("an unknown encoding", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n"+smuggled, "501", false)
	f("two encodings", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"+smuggled, "501", false)
	f("a space before the colon", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n"+smuggled, "400", false)
	f("a folded header", "GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n", "200", true)
	f("a null in a header", "GET /a HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", "400", false)
	f("a bad chunk", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"+smuggled, "400", true)
	f("a chunk without an end", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n"+smuggled, "400", true)
	f("a giant chunk", "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"+smuggled, "400", true)
	f("two hosts", "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400", false)
	f("no host", "GET /a HTTP/1.1\r\n\r\n", "400", false)
	f("a host that is none", "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", "400", false)
	f("no path", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", "400", false)
	f("a path of no URL", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400", false)
	f("an old version", "GET /a HTTP/9.9\r\nHost: a\r\n\r\n", "505", false)
	f("large headers", "GET /a HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 80<<10)+"\r\n\r\n", "431", false)
	f("a large URL", "GET /"+strings.Repeat("x", 80<<10)+" HTTP/1.1\r\nHost: a\r\n\r\n", "431", false)
}
