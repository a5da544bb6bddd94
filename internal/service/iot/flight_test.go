package iot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/store"
)

// publishAll publishes so many messages of quality 1 to a/b.
func publishAll(t *testing.T, s *Service, n int) {
	t.Helper()
	for i := range n {
		m := newMessage(nobody(), "a/b", fmt.Append(nil, i))
		m.QoS = 1
		if err := s.publish(t.Context(), nobody(), m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // they are in order of their times
	}
}

// wantSilence checks that nothing more comes.
func (p *peer) wantSilence() {
	p.t.Helper()
	p.conn.SetReadDeadline(time.Now().Add(time.Second))
	if packet, err := mqtt.Read(p.in, p.version); err == nil {
		p.t.Fatalf("got %+v, want nothing", packet)
	}
}

// A client has no more messages than it can take that it did not acknowledge:
// the others wait, however many they are, and come in order.
func TestFlight(t *testing.T) {
	test := func(hello *mqtt.Packet, before, after, window int) {
		synctest.Test(t, func(t *testing.T) {
			s := newTestService(t)
			p, _ := dial(t, s, hello)
			p.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "a/#", QoS: 1}}})
			p.want(mqtt.Suback)
			if before > 0 {
				p.send(&mqtt.Packet{Kind: mqtt.Disconnect})
				synctest.Wait()
				publishAll(t, s, before)
				p, _ = dial(t, s, hello)
			} else {
				publishAll(t, s, after)
			}
			ids := make(map[uint16]bool)
			var order []uint16
			for i := range before + after {
				if i == window {
					p.wantSilence()
				}
				if i >= window {
					p.send(&mqtt.Packet{Kind: mqtt.Puback, ID: order[0]})
					delete(ids, order[0])
					order = order[1:]
				}
				got := p.want(mqtt.Publish)
				if string(got.Payload) != fmt.Sprint(i) || ids[got.ID] {
					t.Fatalf("message %d is %s with id %d", i, got.Payload, got.ID)
				}
				ids[got.ID] = true
				order = append(order, got.ID)
			}
			for _, id := range order {
				p.send(&mqtt.Packet{Kind: mqtt.Puback, ID: id})
			}
			p.wantSilence()
			p.conn.Close()
			synctest.Wait()
			if hello.Clean {
				return
			}
			p, _ = dial(t, s, hello)
			p.wantSilence()
			p.conn.Close()
			s.broker.group.Wait()
		})
	}
	test(&mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V4, ClientID: "dev"}, 1200, 0, 100)
	test(&mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V4, ClientID: "dev"}, 0, 300, 100)
	test(&mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V4, ClientID: "dev", Clean: true}, 0, 300, 100)
	test(&mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "dev", Clean: true, Properties: mqtt.Properties{ReceiveMax: new(uint16(3))}}, 0, 10, 3)
}

// A client that never acknowledges anything ends its own connection, if it has
// no session, and holds up nobody.
func TestFlightIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		p, _ := dial(t, s, &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "dev", Clean: true})
		p.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "a/#", QoS: 1}}})
		p.want(mqtt.Suback)
		publishAll(t, s, receiveMaximum)
		for range receiveMaximum {
			p.want(mqtt.Publish)
		}
		publishAll(t, s, maxQueue+1)
		if got := p.want(mqtt.Disconnect); got.Code != reasonQuota {
			t.Errorf("got %+v", got)
		}
		p.conn.Close()
		s.broker.group.Wait()
	})
}

// A packet that is larger than the client takes is not sent.
func TestLargePacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		p, _ := dial(t, s, &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "dev", Clean: true, Properties: mqtt.Properties{MaxPacket: new(uint32(100))}})
		p.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "a/#", QoS: 1}}})
		p.want(mqtt.Suback)
		large := newMessage(nobody(), "a/b", []byte(strings.Repeat("x", 100)))
		large.QoS = 1
		if err := s.publish(t.Context(), nobody(), large); err != nil {
			t.Fatal(err)
		}
		publishAll(t, s, 1)
		if got := p.want(mqtt.Publish); string(got.Payload) != "0" {
			t.Errorf("got %+v", got)
		}
		p.conn.Close()
		s.broker.group.Wait()
	})
}

// A client of version 5 that goes on with a session, and wants none after, is
// sent what waits, and the session is gone with it.
func TestSessionEndsWithConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		hello := func(expiry uint32) *mqtt.Packet {
			return &mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "dev", Properties: mqtt.Properties{SessionExpiry: &expiry}}
		}
		p, _ := dial(t, s, hello(60))
		p.send(&mqtt.Packet{Kind: mqtt.Subscribe, ID: 1, Filters: []mqtt.Filter{{Topic: "a/#", QoS: 1}}})
		p.want(mqtt.Suback)
		p.conn.Close()
		synctest.Wait()
		publishAll(t, s, 1)
		p, ack := dial(t, s, hello(0))
		if !ack.SessionPresent {
			t.Error("the session is gone")
		}
		p.want(mqtt.Publish)
		p.conn.Close()
		synctest.Wait()
		publishAll(t, s, 1)
		if p, ack = dial(t, s, hello(60)); ack.SessionPresent {
			t.Error("the session outlives its connection")
		}
		p.wantSilence()
		p.send(&mqtt.Packet{Kind: mqtt.Disconnect, Properties: mqtt.Properties{SessionExpiry: new(uint32(0))}})
		synctest.Wait()
		if p, ack = dial(t, s, hello(0)); ack.SessionPresent {
			t.Error("the session outlives a goodbye")
		}
		p.conn.Close()
		s.broker.group.Wait()
	})
}

// A client whom an authorizer lets in for a while is sent away then, however
// much it says.
func TestConnectionIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestService(t)
		ours, theirs := net.Pipe()
		s.broker.group.Go(func() {
			s.converse(context.Background(), pipe{theirs}, theirs, func(context.Context, *mqtt.Packet) (*identity, error) {
				return &identity{call: nobody(), principal: "p", until: time.Now().Add(time.Minute)}, nil
			})
		})
		p := &peer{t, ours, bufio.NewReader(ours), mqtt.V5}
		p.send(&mqtt.Packet{Kind: mqtt.Connect, Version: mqtt.V5, ClientID: "dev", Clean: true, KeepAlive: 300})
		p.want(mqtt.Connack)
		for range 5 {
			time.Sleep(10 * time.Second)
			p.send(&mqtt.Packet{Kind: mqtt.Pingreq})
			p.want(mqtt.Pingresp)
		}
		if got := p.want(mqtt.Disconnect); got.Code != reasonNotAuthorized {
			t.Errorf("got %+v", got)
		}
		p.conn.Close()
		s.broker.group.Wait()
	})
}

// Over a WebSocket that nobody signed an authorizer says who comes, and without
// one nobody does.
func TestUnsignedSocket(t *testing.T) {
	s := newTestService(t)
	s.Auth = strangers{}
	r := httptest.NewRequest(http.MethodGet, "/mqtt?x-amz-customauthorizer-name=a", nil)
	if _, err := s.introduction(r, nil); err == nil {
		t.Error("a stranger comes in without an authorizer")
	}
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		return authorizers.Put(tx, authorizerARN(nobody(), "a"), authorizer{Status: active, TokenKey: "token"})
	})
	if err != nil {
		t.Fatal(err)
	}
	introduce, err := s.introduction(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := introduce(t.Context(), &mqtt.Packet{ClientID: "dev"}); !errors.Is(err, errNobody) {
		t.Errorf("a token without a signature: %v", err)
	}
}

// strangers have no keys.
type strangers struct{ anyone }

func (strangers) Authenticate(*http.Request, string, []byte) (*aws.Call, error) {
	call := nobody()
	call.Principal.Kind = aws.Anonymous
	return call, nil
}
