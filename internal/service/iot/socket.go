package iot

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/websocket"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	socketPath   = "/mqtt"
	writeWithin  = 10 * time.Second // or the client is taken for gone
	signedFor    = "iotdevicegateway"
	protocolName = "mqtt"
	shakeWithin  = 10 * time.Second
)

// A socket is a line over a WebSocket.
type socket struct {
	*websocket.Conn
	rest []byte // of a message that was not read whole
}

// Write sends a packet.
func (s *socket) Write(b []byte) error { return s.Conn.Write(b, false) }

// Close ends the connection.
func (s *socket) Close() { s.CloseNow() }

// packets is what a socket brings.
type packets struct{ *socket }

// Read implements io.Reader.
func (p packets) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		message, err := p.Conn.Read()
		if err != nil {
			return 0, err
		}
		p.rest = message
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// takesSocket reports whether r is for MQTT over a WebSocket.
func takesSocket(r *http.Request) bool {
	return r.URL.Path == socketPath && websocket.IsHandshake(r) && slices.ContainsFunc(websocket.Offered(r), speaksMQTT)
}

func speaksMQTT(protocol string) bool {
	return strings.HasPrefix(strings.ToLower(protocol), protocolName)
}

// ServeSocket speaks MQTT over a WebSocket with who signed its URL.
func (s *Service) ServeSocket(w http.ResponseWriter, r *http.Request, call *aws.Call) {
	if status, words := websocket.Check(r); status != 0 {
		http.Error(w, words, status)
		return
	}
	introduce, err := s.introduction(r, call)
	if err != nil {
		refusal := aws.Refusal(err)
		http.Error(w, refusal.Message, refusal.Status)
		return
	}
	offered := websocket.Offered(r)
	conn, err := websocket.Accept(w, r, offered[slices.IndexFunc(offered, speaksMQTT)])
	if err != nil {
		s.Log.Debug("no MQTT over WebSocket", "err", err)
		return
	}
	conn.Binary = true
	l := &socket{Conn: conn}
	s.converse(context.WithoutCancel(r.Context()), l, packets{l}, introduce)
}

// introduction says who comes over a WebSocket: who signed, or whom an
// authorizer lets in.
func (s *Service) introduction(r *http.Request, _ *aws.Call) (introduction, error) {
	call, err := s.Auth.Authenticate(r, signedFor, []byte{})
	if err != nil {
		return nil, err
	}
	if call.Principal.Kind == aws.Anonymous {
		if _, _, err := s.chosen(r.Context(), call, authorizerOf(r)); err != nil {
			return nil, aws.Fault{Code: "ForbiddenException", Status: http.StatusForbidden}.Errorf("Forbidden")
		}
		return func(ctx context.Context, p *mqtt.Packet) (*identity, error) {
			return s.identify(ctx, call, newRequest(r, call.RequestID).connecting(p))
		}, nil
	}
	return func(context.Context, *mqtt.Packet) (*identity, error) {
		return &identity{call: call, principal: call.Principal.ID}, nil
	}, nil
}

// A wire is a line over TLS.
type wire struct{ *tls.Conn }

// Write sends a packet.
func (w wire) Write(b []byte) error {
	if err := w.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	_, err := w.Conn.Write(b)
	return err
}

// ReadBy has reads fail after t.
func (w wire) ReadBy(t time.Time) error { return w.SetReadDeadline(t) }

// Close ends the connection.
func (w wire) Close() { w.Conn.Close() }

// ServeMQTT speaks MQTT over TLS with the clients that come on l, which show
// certificates that are registered, until l is closed.
func (s *Service) ServeMQTT(l net.Listener, config *tls.Config) error {
	config = config.Clone()
	config.ClientAuth = tls.RequireAnyClientCert // which ones are good is a matter of the registry
	config.NextProtos = []string{"x-amzn-mqtt-ca", protocolName}
	config.SessionTicketsDisabled = true // a certificate may not be good any more
	for {
		conn, err := task.Accept(l)
		if err != nil {
			return err
		}
		s.broker.group.Go(func() { s.serveWire(tls.Server(conn, config)) })
	}
}

func (s *Service) serveWire(conn *tls.Conn) {
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), shakeWithin)
	err := conn.HandshakeContext(ctx)
	cancel()
	if err != nil {
		s.Log.Debug("no MQTT over TLS", "from", conn.RemoteAddr().String(), "err", err)
		return
	}
	s.converse(context.Background(), wire{conn}, io.Reader(conn), s.certified(conn))
}

// certified says who comes over TLS: the holder of a certificate that is active
// in the region that the host names.
func (s *Service) certified(conn *tls.Conn) introduction {
	return func(ctx context.Context, _ *mqtt.Packet) (*identity, error) {
		state := conn.ConnectionState()
		id := fingerprint(state.PeerCertificates[0].Raw)
		g, err := s.grants.Get(ctx)
		if err != nil {
			return nil, err
		}
		region := regionOf(state.ServerName)
		for _, arn := range g.byID[id] {
			if !g.active[arn] || region != "" && region != arn.Region {
				continue
			}
			now := time.Now()
			if c := state.PeerCertificates[0]; now.Before(c.NotBefore) || now.After(c.NotAfter) {
				continue
			}
			call := &aws.Call{Account: arn.Account, Region: arn.Region, RequestID: aws.NewRequestID(), Secure: true}
			if host, _, err := net.SplitHostPort(conn.RemoteAddr().String()); err == nil {
				call.SourceIP = host
			}
			return &identity{call: call, certificate: arn, principal: id}, nil
		}
		return nil, errNobody
	}
}

// regionOf is what follows "iot" in a host: abc-ats.iot.eu-west-1.amazonaws.com.
func regionOf(host string) string {
	labels := strings.Split(host, ".")
	for i := range len(labels) - 1 {
		if labels[i] == "iot" {
			return labels[i+1]
		}
	}
	return ""
}
