package rapi

import (
	"bufio"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"sync"
)

const version = "/2018-06-01/runtime/"

// A conn is a connection of the worker. It reads one request after the other;
// what it has left waiting is answered by Server.Send or Server.Assign.
type conn struct {
	net.Conn
	s *Server
	r *bufio.Reader

	left bool // the request that was read last is answered later

	// A worker may send a request before the last one is answered.
	mu  sync.Mutex
	out []byte // reused for heads, and small bodies
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{Conn: nc, s: s, r: bufio.NewReaderSize(nc, 4096), out: make([]byte, 0, 1024)}
}

func (c *conn) serve() {
	defer c.s.remove(c)
	defer c.Close()
	for {
		req, err := readRequest(c.r)
		c.left = false
		if err == nil {
			err = c.answer(req)
		}
		if refusal, ok := err.(*refusal); ok {
			c.refuse(refusal) // and what follows is not a request we could find
		}
		if err != nil || req.close && !c.left { // who is left waiting closes it
			return
		}
	}
}

// A refusal is an answer to a request that the worker should not have made.
type refusal struct{ status, kind, message string }

func (r *refusal) Error() string { return r.message }

var (
	errUnknown   = &refusal{"404 Not Found", "InvalidPath", "no such path in the Runtime API"}
	errTransient = &refusal{"403 Forbidden", "InvalidStateTransition", "State transition is not allowed"}
	errRequestID = &refusal{"400 Bad Request", "InvalidRequestID", "Invalid request ID"}
	errTooLarge  = &refusal{"413 Request Entity Too Large", "RequestEntityTooLarge", "Exceeded maximum allowed payload size (6291556 bytes)."}
	errMalformed = &refusal{"400 Bad Request", "InvalidRequest", "malformed request"}
)

func (c *conn) answer(req request) error {
	if req.expect {
		if _, err := c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
			return err
		}
	}
	if path, ok := strings.CutPrefix(req.path, extensions); ok {
		return c.extension(req, path)
	}
	if req.method == "PUT" && (req.path == telemetryPath || req.path == logsPath) {
		return c.subscribe(req)
	}
	path, ok := strings.CutPrefix(req.path, version)
	switch {
	case req.method == "GET" && path == "invocation/next" && ok:
		return c.next(req)
	case req.method == "GET" && req.path == "/aloft/function":
		return c.function(req)
	case req.method == "POST" && path == "init/error" && ok:
		return c.initError(req)
	case req.method == "POST" && ok:
		path, ok = strings.CutPrefix(path, "invocation/")
		id, verb, found := strings.Cut(path, "/")
		if ok && found && (verb == "response" || verb == "error") {
			return c.finish(req, id, verb == "error")
		}
	}
	return c.pass(req, errUnknown)
}

func (c *conn) next(req request) error {
	if err := req.discard(c.r); err != nil {
		return err
	}
	if !c.s.wait(c) {
		return c.refuse(errTransient)
	}
	c.left = true
	c.s.hooks.Ready()
	return nil
}

func (c *conn) function(req request) error {
	if err := req.discard(c.r); err != nil {
		return err
	}
	c.s.mu.Lock()
	c.s.blank = c
	c.s.mu.Unlock()
	c.s.hooks.Blank()
	return nil
}

func (c *conn) initError(req request) error {
	body, _, err := req.collect(c.r)
	if err != nil {
		return err
	}
	if body.over > 0 {
		return c.refuse(errTooLarge)
	}
	c.s.hooks.InitError(Answer{Body: body.bytes(), Failed: true, ErrorType: req.errorType})
	return c.accept()
}

// finish takes the worker's answer to the event named id.
func (c *conn) finish(req request, id string, failed bool) error {
	e := c.s.event(id)
	if e == nil {
		return c.pass(req, errRequestID)
	}
	a := Answer{RequestID: id, ContentType: req.contentType, Failed: failed, ErrorType: req.errorType}
	var body collected
	var trailer trailers
	var err error
	if e.Stream != nil && req.streaming && !failed {
		trailer, err = req.copy(c.r, e.Stream(req.contentType))
	} else {
		body, trailer, err = req.collect(c.r)
	}
	if err != nil {
		return err
	}
	a.TooLarge = body.over
	if a.TooLarge == 0 {
		a.Body = body.bytes()
	}
	if trailer.errorType != "" {
		a.Failed, a.ErrorType = true, trailer.errorType
		a.Body, _ = base64.StdEncoding.DecodeString(trailer.errorBody)
	}
	if !c.s.finish(e) {
		return c.refuse(errRequestID)
	}
	// The caller is told first: it does not wait for our 202.
	c.s.hooks.Answer(a)
	if a.TooLarge > 0 {
		return c.refuse(errTooLarge)
	}
	return c.accept()
}

// pass reads over the body of a request and refuses it.
func (c *conn) pass(req request, r *refusal) error {
	if err := req.discard(c.r); err != nil {
		return err
	}
	return c.refuse(r)
}

func (c *conn) accept() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.Write([]byte("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n"))
	return err
}

func (c *conn) refuse(r *refusal) error {
	return c.reply(r.status, "application/json", []byte(`{"errorMessage":"`+r.message+`","errorType":"`+r.kind+`"}`))
}

// reply answers with a body, and headers besides: names and values.
func (c *conn) reply(status, contentType string, body []byte, headers ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := append(c.out[:0], "HTTP/1.1 "...)
	b = append(b, status...)
	b = appendHeader(b, "Content-Type", contentType)
	for i := 0; i+1 < len(headers); i += 2 {
		b = appendHeader(b, headers[i], headers[i+1])
	}
	return c.write(b, body)
}

// write ends a head without its last line end, and sends it with its body. The
// caller holds mu.
func (c *conn) write(head, body []byte) error {
	head = append(head, "\r\nContent-Length: "...)
	head = strconv.AppendInt(head, int64(len(body)), 10)
	head = append(head, "\r\n\r\n"...)
	if len(body) < 16<<10 {
		head = append(head, body...)
		c.out = head[:0]
		_, err := c.Write(head)
		return err
	}
	c.out = head[:0]
	buffers := net.Buffers{head, body}
	_, err := buffers.WriteTo(c.Conn)
	return err
}
