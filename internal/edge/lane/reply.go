package lane

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxHeld is how much of an answer is held back, in bytes: one that is over by
// then is told its length and sent at once.
const maxHeld = 8 << 10

// A reply is the answer to one request: an http.ResponseWriter.
type reply struct {
	conn    *conn
	request *http.Request
	body    *body // of the request
	header  http.Header
	status  int // 0 until it is decided

	length  int64 // said by the handler; -1 if it has not
	written int64
	sniff   bool // the handler has not said of what type the answer is
	dated   bool // it has said when it was made
	sent    bool // the head is
	chunked bool
	close   bool // after this answer
	err     error
	*room
}

// room is memory for an answer that is held back.
type room struct{ head, held []byte }

// Write appends to the head.
func (r *room) appendHead(s ...string) {
	for _, s := range s {
		r.head = append(r.head, s...)
	}
}

var rooms = sync.Pool{New: func() any {
	return &room{head: make([]byte, 0, 1<<10), held: make([]byte, 0, maxHeld)}
}}

func newReply(c *conn, r *http.Request, b *body) *reply {
	return &reply{conn: c, request: r, body: b, header: make(http.Header, 8), length: -1, close: r.Close, room: rooms.Get().(*room)}
}

// free ends the reply: nothing may be written any more.
func (w *reply) free() {
	w.head, w.held = w.head[:0], w.held[:0]
	rooms.Put(w.room)
	w.room = nil
	if w.err == nil {
		w.err = http.ErrHandlerTimeout
	}
}

// Header implements http.ResponseWriter.
func (w *reply) Header() http.Header { return w.header }

// suppressed are headers that answers of a status do not have, or that are
// written apart.
var (
	apart     = map[string]bool{"Content-Length": true, "Transfer-Encoding": true}
	unchanged = map[string]bool{"Content-Length": true, "Transfer-Encoding": true, "Content-Type": true}
)

// headWriter appends to a room's head.
type headWriter struct{ *room }

// Write implements io.Writer.
func (h headWriter) Write(p []byte) (int, error) {
	h.head = append(h.head, p...)
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (h headWriter) WriteString(s string) (int, error) {
	h.head = append(h.head, s...)
	return len(s), nil
}

// WriteHeader implements http.ResponseWriter. Of what comes before the answer
// proper, clients are told nothing.
func (w *reply) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	}
	if w.status != 0 || status < 200 || w.room == nil {
		return
	}
	w.status = status
	if text := http.StatusText(status); text != "" {
		w.appendHead("HTTP/1.1 ", strconv.Itoa(status), " ", text, "\r\n")
	} else {
		w.appendHead("HTTP/1.1 ", strconv.Itoa(status), " status code ", strconv.Itoa(status), "\r\n")
	}
	exclude := apart
	if status == http.StatusNotModified {
		exclude = unchanged
	}
	w.header.WriteSubset(headWriter{w.room}, exclude)
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		w.length = n
	}
	_, typed := w.header["Content-Type"]
	w.sniff = !typed && w.hasBody() && w.header.Get("Content-Encoding") == "" && w.header.Get("Transfer-Encoding") == ""
	_, w.dated = w.header["Date"]
	for _, value := range w.header["Connection"] {
		if strings.EqualFold(value, "close") {
			w.close = true
		}
	}
}

// hasBody reports whether answers of the status have a body.
func (w *reply) hasBody() bool {
	return w.status != http.StatusNoContent && w.status != http.StatusNotModified
}

// Write implements http.ResponseWriter.
func (w *reply) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !w.hasBody() {
		return 0, http.ErrBodyNotAllowed
	}
	if w.length >= 0 && w.written+int64(len(p)) > w.length {
		return 0, http.ErrContentLength
	}
	w.written += int64(len(p))
	switch {
	case !w.sent && len(w.held)+len(p) <= maxHeld:
		w.held = append(w.held, p...)
		return len(p), nil
	case w.request.Method == http.MethodHead:
		return len(p), nil
	}
	if w.send(p); w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// send sends what is held, and p.
func (w *reply) send(p []byte) {
	if !w.sent {
		w.endHead(w.held, p)
	}
	if w.request.Method == http.MethodHead {
		w.held = w.held[:0]
	}
	n, end := len(w.held)+len(p), []byte(nil)
	if w.chunked && n > 0 {
		w.head = append(strconv.AppendInt(w.head, int64(n), 16), crlf...)
		end = crlf
	}
	if w.head = append(w.head, w.held...); len(p) == 0 {
		// Whatever can run goes first, so that answers leave together: each that
		// leaves alone wakes its client, who takes the processor from the others.
		runtime.Gosched()
		_, w.err = w.conn.socket.Write(append(w.head, end...))
	} else {
		out := net.Buffers{w.head, p, end}
		_, w.err = out.WriteTo(w.conn.net)
	}
	w.head, w.held = w.head[:0], w.held[:0]
}

var crlf = []byte("\r\n")

// endHead ends the head of an answer whose body begins so.
func (w *reply) endHead(begin, more []byte) {
	w.sent = true
	if w.sniff && len(begin)+len(more) > 0 {
		if len(begin) < 512 {
			begin = append(begin[:len(begin):len(begin)], more[:min(512, len(more))]...)
		}
		w.appendHead("Content-Type: ", http.DetectContentType(begin), "\r\n")
	}
	if !w.dated {
		w.appendHead("Date: ", date(), "\r\n")
	}
	switch {
	case !w.hasBody():
	case w.length >= 0:
		w.head = strconv.AppendInt(append(w.head, "Content-Length: "...), w.length, 10)
		w.head = append(w.head, crlf...)
	case w.request.Method != http.MethodHead:
		w.chunked = true
		w.appendHead("Transfer-Encoding: chunked\r\n")
	}
	if w.close = w.close || w.body.left > maxDrain || w.conn.lane.stopping.Load(); w.close && w.header["Connection"] == nil {
		w.appendHead("Connection: close\r\n")
	}
	w.head = append(w.head, crlf...)
}

// finish sends what is left of an answer. It reports whether the connection is
// good for another.
func (w *reply) finish() bool {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.body.drain()
	if !w.sent && w.length < 0 && (w.written > 0 && w.written <= maxHeld || w.request.Method != http.MethodHead) {
		w.length = w.written
	}
	if w.err == nil && !w.sent {
		w.send(nil)
	}
	if w.err == nil && w.chunked {
		_, w.err = io.WriteString(w.conn.socket, "0\r\n\r\n")
	}
	complete := w.length < 0 || w.length == w.written || w.request.Method == http.MethodHead || !w.hasBody()
	return w.err == nil && !w.close && complete
}

// FlushError sends what has been written.
func (w *reply) FlushError() error {
	if w.err != nil {
		return w.err
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.sent || len(w.held) > 0 {
		w.send(nil)
	}
	return w.err
}

// Flush implements http.Flusher.
func (w *reply) Flush() { w.FlushError() } // the next Write returns the error

// SetReadDeadline is for http.ResponseController.
func (w *reply) SetReadDeadline(t time.Time) error { return w.conn.net.SetReadDeadline(t) }

// SetWriteDeadline is for http.ResponseController.
func (w *reply) SetWriteDeadline(t time.Time) error { return w.conn.net.SetWriteDeadline(t) }

var copies = sync.Pool{New: func() any { return new(make([]byte, 32<<10)) }}

// ReadFrom implements io.ReaderFrom. The kernel sends what is in a file by itself.
func (w *reply) ReadFrom(src io.Reader) (int64, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.err == nil && w.length > maxHeld && isFile(src, w.length-w.written) && w.hasBody() && w.request.Method != http.MethodHead {
		if err := w.FlushError(); err != nil {
			return 0, err
		}
		n, err := io.Copy(w.conn.net, src)
		w.written, w.err = w.written+n, err
		return n, err
	}
	p := copies.Get().(*[]byte)
	defer copies.Put(p)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{src}, *p)
}

// isFile reports whether r reads at most so much of a file.
func isFile(r io.Reader, most int64) bool {
	l, ok := r.(*io.LimitedReader)
	if !ok || l.N > most {
		return false
	}
	_, ok = l.R.(interface { // what package net sends so
		fs.File
		io.Seeker
		syscall.Conn
	})
	return ok
}

// A second is the text of the time in answers.
type second struct {
	unix int64
	text string
}

var lastSecond atomic.Pointer[second]

// date is the time as answers have it.
func date() string {
	now := time.Now()
	if s := lastSecond.Load(); s != nil && s.unix == now.Unix() {
		return s.text
	}
	s := &second{now.Unix(), now.UTC().Format(http.TimeFormat)}
	lastSecond.Store(s)
	return s.text
}
