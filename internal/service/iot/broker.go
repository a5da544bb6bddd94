package iot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A broker has the clients that are connected.
type broker struct {
	group task.Group // of connections

	mu       sync.Mutex
	stopping bool
	clients  map[home]map[string]*client // by id
}

func newBroker() *broker { return &broker{clients: make(map[home]map[string]*client)} }

// add takes in a client, and returns the one of its id that was there. ok is
// false if the broker stops.
func (b *broker) add(c *client) (old *client, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopping {
		return nil, false
	}
	h := c.home()
	if b.clients[h] == nil {
		b.clients[h] = make(map[string]*client)
	}
	old = b.clients[h][c.id]
	b.clients[h][c.id] = c
	return old, true
}

// remove forgets a client, unless another has its id by now.
func (b *broker) remove(c *client) (gone bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := c.home()
	if b.clients[h][c.id] != c {
		return false
	}
	if delete(b.clients[h], c.id); len(b.clients[h]) == 0 {
		delete(b.clients, h)
	}
	return true
}

func (b *broker) find(h home, id string) *client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clients[h][id]
}

func (b *broker) connected(key sessionKey) bool {
	return b.find(home{key.Account, key.Region}, key.Client) != nil
}

// of returns the clients of a home, or all.
func (b *broker) of(h home) []*client {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*client
	for at, clients := range b.clients {
		if h == (home{}) || at == h {
			for _, c := range clients {
				out = append(out, c)
			}
		}
	}
	return out
}

// broadcast sends a message to the clients that subscribe to it, but those whose
// sessions have it wait for them.
func (b *broker) broadcast(m *message) {
	for _, c := range b.of(home{m.Account, m.Region}) {
		sub, ok := c.matching(m.Topic)
		if !ok || sub.NoLocal && m.ClientID == c.id || c.kept && sub.QoS > 0 && m.QoS > 0 {
			continue
		}
		c.send(outgoing{m: m, sub: sub, qos: min(sub.QoS, m.QoS)})
	}
}

// deliver sends a message that waits for a session to its client, if it is there.
func (b *broker) deliver(key waitingKey, m *message, sub subscription) {
	if c := b.find(home{key.Session.Account, key.Session.Region}, key.Session.Client); c != nil && c.kept {
		c.send(outgoing{m: m, sub: sub, qos: 1, key: key})
	}
}

// runBroker ends all connections when ctx ends.
func (s *Service) runBroker(ctx context.Context) (time.Duration, error) {
	<-ctx.Done()
	s.broker.mu.Lock()
	s.broker.stopping = true
	s.broker.mu.Unlock()
	for _, c := range s.broker.of(home{}) {
		c.end(reasonShutdown)
	}
	s.broker.group.Wait()
	return 0, nil
}

// Reasons that MQTT 5 tells.
const (
	reasonUnspecified   = 0x80
	reasonMalformed     = 0x81
	reasonProtocol      = 0x82
	reasonNotAuthorized = 0x87
	reasonShutdown      = 0x8b
	reasonKeepAlive     = 0x8d
	reasonTakenOver     = 0x8e
	reasonBadFilter     = 0x8f
	reasonBadTopic      = 0x90
	reasonTooLarge      = 0x95
	reasonBadClient     = 0x85
	reasonNoQoS2        = 0x9b
	reasonNoShared      = 0x9e
	reasonBadVersion    = 0x84
)

// oldCodes are those of a connack of version 3.1.1.
var oldCodes = map[byte]byte{reasonBadVersion: 1, reasonBadClient: 2, reasonNotAuthorized: 5}

// newMQTT is a message as a client is sent it.
func (o *outgoing) packet(version byte) *mqtt.Packet {
	m := o.m
	p := &mqtt.Packet{Kind: mqtt.Publish, Topic: m.Topic, Payload: m.Payload, QoS: o.qos, Retain: o.retained || o.sub.AsReceived && m.Retain, Dup: o.again}
	if version != mqtt.V5 {
		return p
	}
	if o.sub.ID != 0 {
		p.Properties.Subscription = []uint32{o.sub.ID}
	}
	if of := m.Properties; of != nil {
		if of.ContentType != "" {
			p.Properties.ContentType = &of.ContentType
		}
		if of.ResponseTopic != "" {
			p.Properties.ResponseTopic = &of.ResponseTopic
		}
		if of.UTF8 {
			p.Properties.PayloadFormat = new(byte(1))
		}
		p.Properties.Correlation, p.Properties.User = of.Correlation, slices.Clone(of.User)
		if !of.Expires.IsZero() {
			p.Properties.MessageExpiry = new(uint32(max(0, time.Until(of.Expires)/time.Second)))
		}
	}
	return p
}
