package iot

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
)

// An outgoing is a message on its way to a client.
type outgoing struct {
	m        *message
	sub      subscription
	qos      byte
	key      waitingKey // zero: it waits for nobody
	retained bool
	again    bool
	raw      []byte // a packet, if there is no m
}

// A flight is the messages of quality 1 that a client has and has not
// acknowledged: never more than it can take, as others wait. Those of a session
// that is kept wait as rows; those of others, and what is retained, in memory.
type flight struct {
	most    int
	packets map[uint16]waitingKey
	last    uint16 // id of a packet
	waiting []outgoing
	resumed bool // what waited when the connection began is on its way
}

func newFlight(of *mqtt.Properties) flight {
	most := receiveMaximum
	if of.ReceiveMax != nil {
		most = max(1, min(most, int(*of.ReceiveMax)))
	}
	return flight{most: most, packets: make(map[uint16]waitingKey)}
}

// room is how many messages more the client can take.
func (f *flight) room() int { return f.most - len(f.packets) }

// take gives a message the id of a packet. There is room.
func (f *flight) take(key waitingKey) uint16 {
	for {
		f.last++
		if _, used := f.packets[f.last]; f.last != 0 && !used {
			f.packets[f.last] = key
			return f.last
		}
	}
}

// has returns the rows of the messages, by their ids.
func (f *flight) has() map[string]bool {
	ids := make(map[string]bool, len(f.packets))
	for _, key := range f.packets {
		ids[key.ID] = true
	}
	return ids
}

// send has a message be sent. One of quality 0 that the client is too slow for
// is lost; with another, the connection is.
func (c *client) send(o outgoing) {
	select {
	case c.out <- o:
	case <-c.done:
	default:
		if o.qos > 0 {
			c.end(reasonQuota)
		}
	}
}

// reply is send for who serves the client, and can wait until it takes that.
func (c *client) reply(o outgoing) {
	select {
	case c.out <- o:
	case <-c.done:
	}
}

func (c *client) answer(p *mqtt.Packet) { c.reply(outgoing{raw: p.Append(nil, c.version)}) }

// write sends what is on its way, until the connection ends.
func (c *client) write() {
	defer close(c.written)
	defer c.line.Close()
	ctx := context.Background() // what is acknowledged is, whatever ends
	for {
		var err error
		select {
		case o := <-c.out:
			err = c.put(ctx, &o)
		case <-c.more:
			err = c.refill(ctx)
		case id := <-c.acks:
			if err = c.acknowledge(ctx, id); err == nil {
				err = c.refill(ctx)
			}
		case <-c.done:
			c.mu.Lock()
			reason := c.reason
			c.mu.Unlock()
			if c.version == mqtt.V5 && reason != 0 {
				p := &mqtt.Packet{Kind: mqtt.Disconnect, Code: reason}
				c.line.Write(p.Append(nil, c.version)) // an error here is the client's absence
			}
			err = c.acknowledge(ctx, 0)
			if err == nil {
				return
			}
		}
		if err != nil {
			c.s.Log.Debug("a connection of IoT ends", "client", c.id, "err", err)
			c.end(reasonUnspecified)
			return
		}
	}
}

// put sends a message, or has it wait until the client can take it.
func (c *client) put(ctx context.Context, o *outgoing) error {
	if o.m == nil {
		return c.line.Write(o.raw)
	}
	if o.qos > 0 && c.flight.room() <= 0 {
		if len(c.flight.waiting) >= maxQueue && !o.retained {
			c.end(reasonQuota)
			return nil
		}
		c.flight.waiting = append(c.flight.waiting, *o)
		return nil
	}
	b, err := c.pack(ctx, o)
	if err != nil || b == nil {
		return err
	}
	return c.line.Write(b)
}

// pack returns a message as a packet, or nil if the client may not have it.
func (c *client) pack(ctx context.Context, o *outgoing) ([]byte, error) {
	if p := o.m.Properties; p != nil && !p.Expires.IsZero() && time.Now().After(p.Expires) {
		return nil, c.forget(ctx, o.key)
	}
	may, err := c.s.may(ctx, c.who, "iot:Receive", "topic/"+o.m.Topic)
	if err != nil || !may {
		return nil, errors.Join(err, c.forget(ctx, o.key))
	}
	p := o.packet(c.version)
	if o.qos > 0 {
		p.ID = c.flight.take(o.key)
	}
	b := p.Append(nil, c.version)
	if len(b) > c.most {
		delete(c.flight.packets, p.ID)
		return nil, c.forget(ctx, o.key)
	}
	return b, nil
}

// refill sends what waits for the client and it can take.
func (c *client) refill(ctx context.Context) error {
	for f := &c.flight; f.room() > 0 && len(f.waiting) > 0; {
		o := f.waiting[0]
		f.waiting = f.waiting[1:]
		if err := c.put(ctx, &o); err != nil {
			return err
		}
	}
	for c.kept && c.flight.room() > 0 {
		keys, messages, err := c.s.stillWaiting(ctx, c.key(), c.flight.has(), c.flight.room())
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			c.flight.resumed = true
			return nil
		}
		for i := range keys {
			sub, ok := c.matching(messages[i].Topic)
			if !ok {
				err = c.forget(ctx, keys[i])
			} else {
				err = c.put(ctx, &outgoing{m: &messages[i], sub: sub, qos: 1, key: keys[i], again: !c.flight.resumed})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// acknowledge forgets the message of a packet that the client has, and of those
// that it acknowledged meanwhile.
func (c *client) acknowledge(ctx context.Context, id uint16) error {
	var keys []waitingKey
	for {
		if key, known := c.flight.packets[id]; known {
			delete(c.flight.packets, id)
			keys = append(keys, key)
		}
		select {
		case id = <-c.acks:
			continue
		default:
		}
		return c.forget(ctx, keys...)
	}
}

// forget forgets messages that wait for the client's session.
func (c *client) forget(ctx context.Context, keys ...waitingKey) error {
	kept := keys[:0]
	for _, key := range keys {
		if key != (waitingKey{}) {
			kept = append(kept, key)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return c.s.acknowledged(ctx, kept)
}

// mostOf is how large the packets are that a client takes, in bytes.
func mostOf(of *mqtt.Properties) int {
	if of.MaxPacket == nil {
		return math.MaxInt
	}
	return int(*of.MaxPacket)
}

// packet is a message as a client is sent it.
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
