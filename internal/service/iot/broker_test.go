package iot

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// anyone may do all but what is secret.
type anyone struct{}

func (anyone) Authenticate(*http.Request, string, []byte) (*aws.Call, error) { return nobody(), nil }

func (anyone) Authorize(_ context.Context, _ *aws.Call, access service.Access) error {
	if strings.Contains(access.Resource.Resource, "secret") {
		return aws.AccessDenied.Errorf("No.")
	}
	return nil
}

func nobody() *aws.Call { return &aws.Call{Account: "000000000000", Region: "us-east-1"} }

// A pipe is a line to a test.
type pipe struct{ net.Conn }

func (p pipe) Write(b []byte) error {
	_, err := p.Conn.Write(b)
	return err
}
func (p pipe) ReadBy(t time.Time) error { return p.SetReadDeadline(t) }
func (p pipe) Close()                   { p.Conn.Close() }

// A peer is the client's end of a connection.
type peer struct {
	t       *testing.T
	conn    net.Conn
	in      *bufio.Reader
	version byte
}

func (p *peer) send(packet *mqtt.Packet) {
	p.t.Helper()
	if _, err := p.conn.Write(packet.Append(nil, p.version)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) want(kind byte) *mqtt.Packet {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(time.Minute))
	packet, err := mqtt.Read(p.in, p.version)
	if err != nil || packet.Kind != kind {
		p.t.Fatalf("got %+v, %v, want one of kind %d", packet, err, kind)
	}
	return packet
}

func newTestService(t *testing.T) *Service {
	db, err := store.OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return New(Config{DB: db, Auth: anyone{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// dial connects a client to s.
func dial(t *testing.T, s *Service, connect *mqtt.Packet) (*peer, *mqtt.Packet) {
	t.Helper()
	ours, theirs := net.Pipe()
	s.broker.group.Go(func() {
		s.converse(context.Background(), pipe{theirs}, theirs, func(context.Context, *mqtt.Packet) (*identity, error) {
			return &identity{call: nobody(), principal: "p"}, nil
		})
	})
	p := &peer{t, ours, bufio.NewReader(ours), connect.Version}
	p.send(connect)
	return p, p.want(mqtt.Connack)
}

// A session that outlives its connection has messages wait, and sends them until
// they are acknowledged.
func TestKeptSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		hello := &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V4, ClientID: "dev", KeepAlive: 60}
		p, _ := dial(t, s, hello)
		p.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "a/#", QoS: 1}, {Topic: "secret/#", QoS: 1}, {Topic: "x#", QoS: 1}}})
		if got := p.want(mqtt.Suback); string(got.Codes) != "\x01\x80\x80" {
			t.Errorf("suback %x", got.Codes)
		}
		p.send(&mqtt.Packet{Kind: mqtt.Disconnect})
		synctest.Wait()
		m := newMessage(nobody(), "a/b", []byte("waits"))
		m.QoS = 1
		if err := s.publish(t.Context(), nobody(), m); err != nil {
			t.Fatal(err)
		}
		for range 2 { // it comes again, for it was not acknowledged
			var ack *mqtt.Packet
			if p, ack = dial(t, s, hello); !ack.SessionPresent {
				t.Error("the session is gone")
			}
			if got := p.want(mqtt.Publish); string(got.Payload) != "waits" || got.QoS != 1 {
				t.Errorf("got %+v", got)
			}
			p.conn.Close()
			synctest.Wait()
		}
		p, _ = dial(t, s, hello)
		got := p.want(mqtt.Publish)
		p.send(&mqtt.Packet{Kind: mqtt.Puback, ID: got.ID})
		p.send(&mqtt.Packet{Kind: mqtt.Pingreq})
		p.want(mqtt.Pingresp)
		p.send(&mqtt.Packet{Kind: mqtt.Disconnect})
		p, _ = dial(t, s, hello)
		p.send(&mqtt.Packet{Kind: mqtt.Pingreq})
		p.want(mqtt.Pingresp)
		p.conn.Close()
		synctest.Wait()
		time.Sleep(2 * time.Hour)
		if _, err := s.runSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, ack := dial(t, s, hello)
		if ack.SessionPresent {
			t.Error("the session outlives its time")
		}
		p.conn.Close()
		s.broker.group.Wait()
	})
}

// A will is published when a client goes without a word, and others hear when
// clients come and go.
func TestWill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		watch, _ := dial(t, s, &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "watch", Clean: true})
		watch.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "will/+"}, {Topic: "$aws/events/presence/+/dev"}}})
		watch.want(mqtt.Suback)
		hello := &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V4, ClientID: "dev", Clean: true, KeepAlive: 10, Will: &mqtt.Will{Topic: "will/dev", Payload: []byte("gone")}}
		dev, _ := dial(t, s, hello)
		if got := watch.want(mqtt.Publish); !strings.Contains(string(got.Payload), `"eventType":"connected"`) {
			t.Errorf("got %s", got.Payload)
		}
		time.Sleep(16 * time.Second) // it says nothing for half as long again as it promised
		if got := watch.want(mqtt.Publish); got.Topic != "will/dev" || string(got.Payload) != "gone" {
			t.Errorf("got %+v", got)
		}
		if got := watch.want(mqtt.Publish); !strings.Contains(string(got.Payload), "MQTT_KEEP_ALIVE_TIMEOUT") {
			t.Errorf("got %s", got.Payload)
		}
		dev.conn.Close()
		dev, _ = dial(t, s, &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "two", Clean: true})
		dev.send(&mqtt.Packet{Kind: mqtt.Publish, Topic: "a", QoS: 2, ID: 1})
		if got := dev.want(mqtt.Disconnect); got.Code != reasonNoQoS2 {
			t.Errorf("got %+v", got)
		}
		dev.conn.Close()
		dev, _ = dial(t, s, &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "three", Clean: true})
		dev.send(&mqtt.Packet{Kind: mqtt.Publish, Topic: "secret", QoS: 1, ID: 1})
		if got := dev.want(mqtt.Puback); got.Code != reasonNotAuthorized {
			t.Errorf("got %+v", got)
		}
		dev.conn.Close()
		watch.conn.Close()
		s.broker.group.Wait()
	})
}
