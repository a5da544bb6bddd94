package rapi

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Extensions are programs beside the function, of its layers, that are told
// what happens to it. They register, and then ask for one event after the
// other, as the function does.

const extensions = "/2020-01-01/extension/"

// maxExtensions is how many a worker has at most.
const maxExtensions = 10

// Kinds of events of extensions.
const (
	Invoke   = "INVOKE"
	Shutdown = "SHUTDOWN"
)

// A Subject is the function, as extensions are told when they register.
type Subject struct {
	FunctionName    string `json:"functionName"`
	FunctionVersion string `json:"functionVersion"`
	Handler         string `json:"handler"`
	AccountID       string `json:"accountId,omitempty"`
}

// An extension is one that has registered.
type extension struct {
	name   string
	events []string
	next   *conn // waits for an event
	ready  bool  // it has waited
}

var (
	errExtension = &refusal{"403 Forbidden", "Extension.UnknownExtensionIdentifier", "Unknown extension identifier"}
	errRegister  = &refusal{"400 Bad Request", "InvalidRequestFormat", "malformed registration"}
)

// SetSubject says which function extensions are told of.
func (s *Server) SetSubject(about Subject) {
	s.mu.Lock()
	s.subject = about
	s.mu.Unlock()
}

// Registered reports whether extensions of these names have registered.
func (s *Server) Registered(names []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if !slices.ContainsFunc(s.extensions, func(e *extension) bool { return e.name == name }) {
			return false
		}
	}
	return true
}

// Idle reports whether every extension waits for an event.
func (s *Server) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(s.extensions, func(e *extension) bool { return e.next == nil })
}

// TellInvoke tells extensions of an event that the function is given.
func (s *Server) TellInvoke(e *Event) {
	s.tell(Invoke, map[string]any{
		"eventType": Invoke, "deadlineMs": e.Deadline.UnixMilli(), "requestId": e.RequestID, "invokedFunctionArn": e.InvokedARN,
		"tracing": map[string]string{"type": "X-Amzn-Trace-Id", "value": e.TraceID},
	})
}

// TellShutdown tells extensions that the worker will end by then, and returns
// how many wanted to know.
func (s *Server) TellShutdown(reason string, by time.Time) int {
	return s.tell(Shutdown, map[string]any{"eventType": Shutdown, "shutdownReason": reason, "deadlineMs": by.UnixMilli()})
}

func (s *Server) tell(kind string, event map[string]any) int {
	s.mu.Lock()
	var to []*conn
	for _, e := range s.extensions {
		if e.next != nil && slices.Contains(e.events, kind) {
			to = append(to, e.next)
			e.next = nil
		}
	}
	s.mu.Unlock()
	if len(to) == 0 {
		return 0
	}
	body, err := json.Marshal(event)
	if err != nil {
		return 0
	}
	for _, c := range to {
		c.reply("200 OK", "application/json", body, "Lambda-Extension-Event-Identifier", newID())
	}
	return len(to)
}

// newID is a random UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// extension answers a request of an extension.
func (c *conn) extension(req request, path string) error {
	if req.method == "POST" && path == "register" {
		return c.register(req)
	}
	c.s.mu.Lock()
	e := c.s.byID[req.extension]
	c.s.mu.Unlock()
	switch {
	case e == nil:
		return c.pass(req, errExtension)
	case req.method == "GET" && path == "event/next":
		if err := req.discard(c.r); err != nil {
			return err
		}
		c.left = true
		c.s.mu.Lock()
		e.next = c
		first := !e.ready
		e.ready = true
		c.s.mu.Unlock()
		if first {
			c.s.hooks.ExtensionReady(e.name, e.events)
		}
		c.s.hooks.Extension("")
		return nil
	case req.method == "POST" && (path == "init/error" || path == "exit/error"):
		if err := req.discard(c.r); err != nil {
			return err
		}
		c.s.hooks.Extension(req.errorType)
		return c.accept()
	}
	return c.pass(req, errUnknown)
}

func (c *conn) register(req request) error {
	body, _, err := req.collect(c.r)
	if err != nil {
		return err
	}
	var in struct{ Events []string }
	if req.extensionName == "" || body.over > 0 || json.Unmarshal(body.bytes(), &in) != nil {
		return c.refuse(errRegister)
	}
	for _, kind := range in.Events {
		if kind != Invoke && kind != Shutdown {
			return c.refuse(&refusal{"400 Bad Request", "Extension.InvalidEventType", kind + ": event type not supported"})
		}
	}
	id := newID()
	c.s.mu.Lock()
	if len(c.s.extensions) >= maxExtensions || slices.ContainsFunc(c.s.extensions, func(e *extension) bool { return e.name == req.extensionName }) {
		c.s.mu.Unlock()
		return c.refuse(&refusal{"403 Forbidden", "Extension.AlreadyRegistered", "already registered, or too many are"})
	}
	e := &extension{name: req.extensionName, events: in.Events}
	c.s.extensions = append(c.s.extensions, e)
	if c.s.byID == nil {
		c.s.byID = make(map[string]*extension)
	}
	c.s.byID[id] = e
	about := c.s.subject
	c.s.mu.Unlock()
	if !strings.Contains(req.features, "accountId") {
		about.AccountID = ""
	}
	out, err := json.Marshal(about)
	if err != nil {
		return err
	}
	if err := c.reply("200 OK", "application/json", out, "Lambda-Extension-Identifier", id); err != nil {
		return err
	}
	c.s.hooks.Extension("")
	return nil
}
