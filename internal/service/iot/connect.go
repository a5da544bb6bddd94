package iot

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/task"
)

// An introduction says who a client is, once it sent its connect. A refusal is
// told the client.
type introduction func(ctx context.Context, p *mqtt.Packet) (*identity, error)

// errNobody is of a client that may not connect.
var errNobody = errors.New("iot: not authorized")

// converse speaks MQTT with a client, until the connection ends.
func (s *Service) converse(ctx context.Context, l line, r io.Reader, introduce introduction) {
	defer l.Close()
	in := bufio.NewReader(r)
	l.ReadBy(time.Now().Add(connectWithin))
	p, err := mqtt.Read(in, 0)
	if errors.Is(err, mqtt.ErrVersion) {
		l.Write((&mqtt.Packet{Kind: mqtt.Connack, Code: 1}).Append(nil, mqtt.V4))
	}
	if err != nil || p.Kind != mqtt.Connect {
		return
	}
	c, present, code, err := s.connect(ctx, l, in, p, introduce)
	if err != nil {
		s.Log.Error("a client of IoT cannot connect", "err", err)
		code = reasonUnspecified
	}
	ack := &mqtt.Packet{Kind: mqtt.Connack, Code: code, SessionPresent: present}
	if code != 0 {
		if p.Version != mqtt.V5 {
			if ack.Code = oldCodes[code]; ack.Code == 0 {
				ack.Code = 3 // the server is not there
			}
		}
		l.Write(ack.Append(nil, p.Version)) // an error here is the client's absence
		return
	}
	if p.Version == mqtt.V5 {
		c.promise(p, &ack.Properties)
	}
	if l.Write(ack.Append(nil, p.Version)) != nil {
		c.leave(ctx)
		return
	}
	s.broker.group.Go(c.write)
	if err := c.resume(ctx); err != nil {
		s.Log.Error("a session of IoT cannot go on", "client", c.id, "err", err)
		c.end(reasonUnspecified)
	} else {
		c.serve(ctx)
	}
	c.leave(ctx)
	<-c.written
}

// connect makes a client of who sent p. code is why not.
func (s *Service) connect(ctx context.Context, l line, in *bufio.Reader, p *mqtt.Packet, introduce introduction) (c *client, present bool, code byte, err error) {
	id := p.ClientID
	if id == "" && p.Clean {
		id = aws.NewRequestID()
	}
	if id == "" || len(id) > 128 || strings.HasPrefix(id, "$") {
		return nil, false, reasonBadClient, nil
	}
	if w := p.Will; w != nil && (w.QoS > 1 || (&message{Topic: w.Topic, Payload: w.Payload}).check() != nil) {
		return nil, false, reasonBadTopic, nil
	}
	who, err := introduce(ctx, p)
	if errors.Is(err, errNobody) {
		return nil, false, reasonNotAuthorized, nil
	}
	if err == nil {
		err = s.introduce(ctx, who, id)
	}
	if err != nil {
		return nil, false, 0, err
	}
	if may, err := s.may(ctx, who, "iot:Connect", "client/"+id); err != nil || !may {
		return nil, false, reasonNotAuthorized, err
	}
	c = &client{
		s: s, line: l, in: in, who: who, id: id, session: aws.NewRequestID(), version: p.Version, will: p.Will, alive: aliveFor(p.KeepAlive),
		aliases: make(map[uint16]string), most: mostOf(&p.Properties), out: make(chan outgoing, maxQueue), acks: make(chan uint16, receiveMaximum),
		more: task.NewBell(), done: make(chan struct{}), written: make(chan struct{}), flight: newFlight(&p.Properties),
		filters: make(map[string]subscription), life: lifeOf(p),
	}
	c.kept = c.life > 0
	old, ok := s.broker.add(c)
	if !ok {
		return nil, false, reasonShutdown, nil
	}
	if old != nil {
		old.end(reasonTakenOver)
	}
	row, present, err := s.openSession(ctx, c.key(), p.Clean, c.life)
	if err != nil {
		s.broker.remove(c)
		return nil, false, 0, err
	}
	if present {
		c.kept = true
		c.mu.Lock()
		for filter, sub := range row.Filters {
			c.filters[filter] = sub
		}
		c.mu.Unlock()
	}
	return c, present, 0, nil
}

func aliveFor(seconds uint16) time.Duration {
	if seconds == 0 || seconds > maxKeepAlive {
		seconds = maxKeepAlive
	}
	return time.Duration(seconds) * time.Second
}

// lifeOf is how long the session of a client outlives its connection.
func lifeOf(p *mqtt.Packet) time.Duration {
	switch {
	case p.Version == mqtt.V5:
		return min(time.Duration(aws.Value(p.Properties.SessionExpiry))*time.Second, maxSession)
	case p.Clean:
		return 0
	}
	return usualSession
}

// promise says what a client of version 5 may count on.
func (c *client) promise(p *mqtt.Packet, of *mqtt.Properties) {
	of.MaxQoS, of.RetainAvailable, of.Shared = new(byte(1)), new(byte(1)), new(byte(0))
	of.ReceiveMax, of.AliasMax, of.MaxPacket = new(uint16(receiveMaximum)), new(uint16(maxAliases)), new(uint32(mqtt.MaxPacket))
	if p.ClientID == "" {
		of.AssignedID = &c.id
	}
	if seconds := uint16(c.alive / time.Second); seconds != p.KeepAlive {
		of.ServerKeepAlive = &seconds
	}
	if c.kept {
		of.SessionExpiry = new(uint32(c.life / time.Second))
	}
}

// resume tells of the connection, and has what waited for it be sent.
func (c *client) resume(ctx context.Context) error {
	c.more.Ring()
	return c.tell(ctx, "presence/connected", map[string]any{"eventType": "connected", "ipAddress": c.who.call.SourceIP, "versionNumber": 0})
}

// leave does what is to be done when a connection has ended.
func (c *client) leave(ctx context.Context) {
	c.end(0)
	ctx = context.WithoutCancel(ctx)
	gone := c.s.broker.remove(c)
	c.mu.Lock()
	reason := c.reason
	c.mu.Unlock()
	if err := c.farewell(ctx, gone, reason); err != nil {
		c.s.Log.Error("the end of a connection of IoT cannot be kept", "client", c.id, "err", err)
	}
}

// disconnectReasons are what events say for what clients are told.
var disconnectReasons = map[byte]string{
	reasonKeepAlive: "MQTT_KEEP_ALIVE_TIMEOUT", reasonTakenOver: "DUPLICATE_CLIENTID", reasonNotAuthorized: "AUTH_ERROR",
	reasonShutdown: "SERVER_INITIATED_DISCONNECT", 0: "CONNECTION_LOST",
}

func (c *client) farewell(ctx context.Context, gone bool, reason byte) error {
	if c.will != nil && !c.clean && reason != reasonShutdown {
		m := c.message(c.will.Topic, c.will.Payload, c.will.QoS, c.will.Retain, &c.will.Properties)
		if may, err := c.mayPublish(ctx, m); err != nil {
			return err
		} else if may {
			if err := c.s.publish(ctx, c.who.call, m); err != nil {
				return err
			}
		}
	}
	why := disconnectReasons[reason]
	switch {
	case c.clean:
		why = "CLIENT_INITIATED_DISCONNECT"
	case why == "":
		why = "CLIENT_ERROR"
	}
	err := c.tell(ctx, "presence/disconnected", map[string]any{
		"eventType": "disconnected", "clientInitiatedDisconnect": c.clean, "disconnectReason": why, "versionNumber": 0,
	})
	if err != nil || !c.kept || !gone {
		return err
	}
	return c.s.closeSession(ctx, c.key(), c.life)
}
