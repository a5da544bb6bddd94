package appsync

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/task"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// Limits of connections, as AWS has them.
const (
	keepAlive      = time.Minute
	connectionLife = 24 * time.Hour
	timeoutMillis  = 300_000 // without a sign of life, for clients to know
	maxSubscribed  = 100     // of one connection
	maxQueued      = 1000    // messages that wait for a client
	maxHeaderText  = 16 << 10
)

// sockets are the open connections of this process. None outlives it: clients
// subscribe again.
type sockets struct {
	group    task.Group
	stopping atomic.Bool

	mu   sync.Mutex
	open map[string]map[*socket]bool // by the id of the API
}

// A socket is an open connection.
type socket struct {
	s       *Service
	id      string // of the API
	call    *aws.Call
	host    string
	conn    *websocket.Conn
	since   time.Time
	handle  func(*socket, *vtl.Map) // a message
	caller  *caller                 // who connected
	started atomic.Bool             // the client has said that it begins

	mu            sync.Mutex
	subscriptions map[string]*subscription // by the ids that the client gives them
	queue         [][]byte                 // messages that wait
	working       bool                     // a goroutine sends them
}

// add has k be one of them, and reads from it; not when the platform stops.
func (o *sockets) add(k *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping.Load() {
		k.conn.CloseNow()
		return
	}
	if o.open == nil {
		o.open = make(map[string]map[*socket]bool)
	}
	if o.open[k.id] == nil {
		o.open[k.id] = make(map[*socket]bool)
	}
	o.open[k.id][k] = true
	o.group.Go(k.read)
}

func (o *sockets) remove(k *socket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if delete(o.open[k.id], k); len(o.open[k.id]) == 0 {
		delete(o.open, k.id)
	}
}

// of are the connections of an API; of all of them for "".
func (o *sockets) of(id string) []*socket {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []*socket
	for api, some := range o.open {
		if id == "" || api == id {
			for k := range some {
				all = append(all, k)
			}
		}
	}
	return all
}

// begin runs f beside the caller, unless the platform stops.
func (o *sockets) begin(f func()) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopping.Load() {
		return false
	}
	o.group.Go(f)
	return true
}

// keepSockets lets clients know that their connections live, ends old ones, and
// all when ctx ends.
func (s *Service) keepSockets(ctx context.Context) (time.Duration, error) {
	for ctx.Err() == nil {
		timer := time.NewTimer(keepAlive)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		for _, k := range s.sockets.of("") {
			switch {
			case time.Since(k.since) > connectionLife:
				k.conn.CloseNow()
			case k.started.Load():
				k.send(vtl.NewMap().Set("type", "ka"))
			}
		}
	}
	s.sockets.mu.Lock()
	s.sockets.stopping.Store(true)
	s.sockets.mu.Unlock()
	for _, k := range s.sockets.of("") {
		k.conn.CloseNow()
	}
	s.sockets.group.Wait()
	return 0, nil
}

// connect answers a handshake. body is what a client that signs has signed for
// it, and handle takes its messages.
func (s *Service) connect(w http.ResponseWriter, r *http.Request, call *aws.Call, id, protocol string, admit func(*http.Request, http.Header) (*caller, error), handle func(*socket, *vtl.Map)) {
	if !websocket.IsHandshake(r) {
		refuse(w, http.StatusBadRequest, "BadRequestException", "A WebSocket handshake is required.")
		return
	}
	if status, message := websocket.Check(r); status != 0 {
		refuse(w, status, "BadRequestException", message)
		return
	}
	header, ok := connectHeader(r)
	conn, err := websocket.Accept(w, r, protocol)
	if err != nil {
		return
	}
	k := &socket{s: s, id: id, call: call, host: r.Host, conn: conn, since: time.Now(), handle: handle, subscriptions: make(map[string]*subscription)}
	kind, words := "", ""
	if !ok {
		kind, words = "BadRequestException", "The header of the connection cannot be read."
	} else if k.caller, err = admit(signedRequest(r, "/graphql/connect", header), header); err != nil {
		kind, words = "UnauthorizedException", err.Error()
	}
	if kind != "" {
		said := vtl.NewMap().Set("type", "connection_error")
		if protocol == "graphql-ws" {
			said.Set("payload", problems(kind, words))
		} else {
			union(said, problems(kind, words))
		}
		k.write(said)
		conn.Close(websocket.StatusNormal, "")
		conn.CloseNow()
		return
	}
	s.sockets.add(k)
}

// problems is the payload of a message that says what is wrong.
func problems(kind, words string) *vtl.Map {
	return vtl.NewMap().Set("errors", &vtl.List{JSON: true, Items: []any{vtl.NewMap().Set("errorType", kind).Set("message", words)}})
}

// connectHeader is what a client says of itself, in the query or in a protocol
// that it offers.
func connectHeader(r *http.Request) (http.Header, bool) {
	text := r.URL.Query().Get("header")
	for _, offered := range websocket.Offered(r) {
		if rest, ok := strings.CutPrefix(offered, "header-"); ok && text == "" {
			text = rest
		}
	}
	if text == "" {
		return r.Header, true
	}
	if len(text) > maxHeaderText {
		return nil, false
	}
	text = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	v, err := vtl.ParseJSON(string(b))
	m, ok := v.(*vtl.Map)
	return headerOf(m), ok && err == nil
}

// headerOf reads headers that came as JSON.
func headerOf(m *vtl.Map) http.Header {
	h := make(http.Header)
	if m == nil {
		return h
	}
	for _, name := range m.Keys() {
		v, _ := m.Lookup(name)
		h.Set(name, vtl.String(v))
	}
	return h
}

// signedRequest is the request that a client has signed which connects by r.
func signedRequest(r *http.Request, path string, header http.Header) *http.Request {
	out := r.Clone(r.Context())
	out.Method, out.URL.Path, out.URL.RawPath, out.URL.RawQuery = http.MethodPost, path, "", ""
	out.Header = header.Clone()
	if host := header.Get("Host"); host != "" {
		out.Host = host
	}
	out.Header.Del("Host")
	return out
}

// read reads messages until the connection ends.
func (k *socket) read() {
	defer k.s.sockets.remove(k)
	defer k.conn.CloseNow()
	for {
		data, err := k.conn.Read()
		if err != nil {
			return
		}
		v, err := vtl.ParseJSON(string(data))
		m, ok := v.(*vtl.Map)
		if err != nil || !ok {
			k.send(vtl.NewMap().Set("type", "error").Set("payload", problems("MalformedHttpRequestException", "Unable to parse the message.")))
			continue
		}
		k.handle(k, m)
	}
}

// send has a message go out after those that wait.
func (k *socket) send(m *vtl.Map) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) >= maxQueued {
		k.conn.CloseNow()
		return
	}
	k.queue = append(k.queue, []byte(vtl.JSON(m)))
	if !k.working {
		k.working = k.s.sockets.begin(k.work)
	}
}

// work sends what waits.
func (k *socket) work() {
	for {
		k.mu.Lock()
		if len(k.queue) == 0 {
			k.queue, k.working = nil, false
			k.mu.Unlock()
			return
		}
		data := k.queue[0]
		k.queue = k.queue[1:]
		k.mu.Unlock()
		if k.conn.Write(data, true) != nil {
			k.conn.CloseNow()
		}
	}
}

// write sends a message now.
func (k *socket) write(m *vtl.Map) {
	if k.conn.Write([]byte(vtl.JSON(m)), true) != nil {
		k.conn.CloseNow()
	}
}

// subscribed returns a subscription of that id.
func (k *socket) subscribed(id string) *subscription {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.subscriptions[id]
}

// subscribe keeps a subscription, and reports whether there is room.
func (k *socket) subscribe(id string, sub *subscription) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.subscriptions) >= maxSubscribed {
		return false
	}
	k.subscriptions[id] = sub
	return true
}

func (k *socket) unsubscribe(id string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, had := k.subscriptions[id]
	delete(k.subscriptions, id)
	return had
}

// all are the subscriptions, by id.
func (k *socket) all() map[string]*subscription {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make(map[string]*subscription, len(k.subscriptions))
	for id, sub := range k.subscriptions {
		out[id] = sub
	}
	return out
}
