package iot

import (
	"context"
	"sync"
	"time"

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

// tell has the client of a session, if it is there, be sent what waits for it.
func (b *broker) tell(key sessionKey) {
	if c := b.find(home{key.Account, key.Region}, key.Client); c != nil {
		c.more.Ring()
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
	reasonQuota         = 0x97
)

// oldCodes are those of a connack of version 3.1.1.
var oldCodes = map[byte]byte{reasonBadVersion: 1, reasonBadClient: 2, reasonNotAuthorized: 5}
