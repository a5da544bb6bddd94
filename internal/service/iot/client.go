package iot

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/mqtt"
	"github.com/aloft-cloud/aloft/internal/service/iot/topic"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

const (
	connectWithin  = 10 * time.Second
	maxKeepAlive   = 1200 // seconds
	maxQueue       = 1000 // messages on their way to a client; one that does not read them is gone
	maxFilters     = 8    // of one subscribe
	maxOfClient    = 50   // subscriptions
	maxAliases     = 8
	receiveMaximum = 100 // messages that a client has not acknowledged
)

// A line is a connection on which packets are sent.
type line interface {
	Write(b []byte) error
	ReadBy(t time.Time) error
	Close()
}

// A client is one that is connected.
type client struct {
	s       *Service
	line    line
	in      *bufio.Reader
	who     *identity
	id      string
	session string // identifier of the connection, in events
	version byte
	kept    bool          // its session outlives the connection
	life    time.Duration // so long; 0: it ends with the connection
	alive   time.Duration
	will    *mqtt.Will
	aliases map[uint16]string
	most    int // bytes of a packet that the client takes
	out     chan outgoing
	acks    chan uint16   // what the client acknowledged, by id of the packet
	more    task.Bell     // rung when something waits for its session
	done    chan struct{} // closed when the connection ends
	written chan struct{} // closed when the client was told
	flight  flight        // of write alone

	mu      sync.Mutex
	filters map[string]subscription
	ended   bool
	reason  byte // told the client when it ended
	clean   bool // the client said that it would go
}

func (c *client) home() home { return home{c.who.call.Account, c.who.call.Region} }

func (c *client) key() sessionKey { return sessionOf(c.who.call, c.id) }

func (c *client) matching(name string) (subscription, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return matching(c.filters, name)
}

// end has the connection end, for a reason that clients of version 5 are told.
func (c *client) end(reason byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.reason = true, reason
		close(c.done)
	}
}

// serve takes what a client sends until the connection ends.
func (c *client) serve(ctx context.Context) {
	for {
		patience := time.Now().Add(c.alive + c.alive/2)
		over := !c.who.until.IsZero() && c.who.until.Before(patience)
		if over {
			patience = c.who.until
		}
		c.line.ReadBy(patience)
		p, err := mqtt.Read(c.in, c.version)
		if err == nil {
			err = c.take(ctx, p)
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, errDone):
		case errors.Is(err, mqtt.ErrTooLarge):
			c.end(reasonTooLarge)
		case errors.Is(err, mqtt.ErrMalformed):
			c.end(reasonMalformed)
		case over && errors.Is(err, os.ErrDeadlineExceeded):
			c.end(reasonNotAuthorized)
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.end(reasonKeepAlive)
		default:
			c.end(0)
		}
		return
	}
}

// errDone is of a connection that was ended, with its reason.
var errDone = errors.New("iot: the connection is ended")

// refuse ends the connection.
func (c *client) refuse(reason byte) error {
	c.end(reason)
	return errDone
}

// take does what a packet asks.
func (c *client) take(ctx context.Context, p *mqtt.Packet) error {
	select {
	case <-c.done:
		return errDone
	default:
	}
	switch p.Kind {
	case mqtt.Publish:
		return c.takePublish(ctx, p)
	case mqtt.Puback:
		select {
		case c.acks <- p.ID:
			return nil
		case <-c.done:
			return errDone
		}
	case mqtt.Subscribe:
		return c.subscribe(ctx, p)
	case mqtt.Unsubscribe:
		return c.unsubscribe(ctx, p)
	case mqtt.Pingreq:
		c.answer(&mqtt.Packet{Kind: mqtt.Pingresp})
		return nil
	case mqtt.Disconnect:
		c.clean = p.Code != 0x04 // which asks for the will
		if life := p.Properties.SessionExpiry; life != nil && c.life > 0 {
			c.life = min(time.Duration(*life)*time.Second, maxSession)
		}
		return c.refuse(0)
	}
	return c.refuse(reasonProtocol)
}

// takePublish publishes a message of the client's. It is acknowledged when what
// is to become of it is kept.
func (c *client) takePublish(ctx context.Context, p *mqtt.Packet) error {
	if p.QoS == 2 {
		return c.refuse(reasonNoQoS2)
	}
	if alias := p.Properties.Alias; alias != nil {
		switch {
		case *alias == 0 || *alias > maxAliases:
			return c.refuse(0x94) // no such alias
		case p.Topic == "":
			p.Topic = c.aliases[*alias]
		default:
			c.aliases[*alias] = p.Topic
		}
	}
	m := c.message(p.Topic, p.Payload, p.QoS, p.Retain, &p.Properties)
	if err := m.check(); err != nil {
		return c.refuse(reasonBadTopic)
	}
	may, err := c.mayPublish(ctx, m)
	if err != nil {
		return err
	}
	ack := &mqtt.Packet{Kind: mqtt.Puback, ID: p.ID}
	switch {
	case may:
		if err := c.s.publish(ctx, c.who.call, m); err != nil {
			return err
		}
	case p.QoS > 0 && c.version == mqtt.V5:
		ack.Code = reasonNotAuthorized
	default:
		return c.refuse(reasonNotAuthorized)
	}
	if p.QoS > 0 {
		c.answer(ack)
	}
	return nil
}

func (c *client) mayPublish(ctx context.Context, m *message) (bool, error) {
	may, err := c.s.may(ctx, c.who, "iot:Publish", "topic/"+m.Topic)
	if err != nil || !may || !m.Retain {
		return may, err
	}
	return c.s.may(ctx, c.who, "iot:RetainPublish", "topic/"+m.Topic)
}

// message is one that the client sends.
func (c *client) message(name string, payload []byte, qos byte, retain bool, of *mqtt.Properties) *message {
	m := newMessage(c.who.call, name, payload)
	m.ClientID, m.Principal, m.QoS, m.Retain = c.id, c.who.principal, qos, retain
	p := properties{
		ContentType: aws.Value(of.ContentType), ResponseTopic: aws.Value(of.ResponseTopic), Correlation: of.Correlation,
		UTF8: aws.Value(of.PayloadFormat) == 1, User: of.User,
	}
	if of.MessageExpiry != nil {
		p.Expires = m.At.Add(time.Duration(*of.MessageExpiry) * time.Second)
	}
	if of.ContentType != nil || of.ResponseTopic != nil || of.Correlation != nil || of.PayloadFormat != nil || of.User != nil || of.MessageExpiry != nil {
		m.Properties = &p
	}
	return m
}

// subscribe has the client be sent what it subscribes to, and what is retained
// of that first.
func (c *client) subscribe(ctx context.Context, p *mqtt.Packet) error {
	ack := &mqtt.Packet{Kind: mqtt.Suback, ID: p.ID}
	if len(p.Filters) > maxFilters {
		return c.refuse(reasonProtocol)
	}
	id := uint32(0)
	if len(p.Properties.Subscription) > 0 {
		id = p.Properties.Subscription[0]
	}
	added, names := make(map[string]subscription), []string(nil)
	var first []mqtt.Filter // of which retained messages are sent
	for _, f := range p.Filters {
		code, err := c.checkFilter(ctx, &f)
		if err != nil {
			return err
		}
		if code <= 1 {
			c.mu.Lock()
			_, had := c.filters[f.Topic]
			if !had && len(c.filters)+len(added) >= maxOfClient {
				code = 0x97 // quota exceeded
			}
			c.mu.Unlock()
			if code <= 1 {
				added[f.Topic] = subscription{f.QoS, f.NoLocal, f.RetainAsPublished, id}
				names = append(names, f.Topic)
				if f.RetainHandling == 0 || f.RetainHandling == 1 && !had {
					first = append(first, f)
				}
			}
		}
		if code > 1 && c.version != mqtt.V5 {
			code = 0x80
		}
		ack.Codes = append(ack.Codes, code)
	}
	c.mu.Lock()
	maps.Copy(c.filters, added)
	c.mu.Unlock()
	if c.kept && len(added) > 0 {
		if err := c.s.changeFilters(ctx, c.key(), func(filters map[string]subscription) { maps.Copy(filters, added) }); err != nil {
			return err
		}
	}
	c.answer(ack)
	if err := c.sendRetained(ctx, first, id); err != nil || len(names) == 0 {
		return err
	}
	return c.tell(ctx, "subscriptions/subscribed", map[string]any{"eventType": "subscribed", "topics": names})
}

// checkFilter returns the code for a filter: its quality, or why it is refused.
func (c *client) checkFilter(ctx context.Context, f *mqtt.Filter) (byte, error) {
	switch {
	case f.QoS == 2:
		return reasonNoQoS2, nil
	case strings.HasPrefix(f.Topic, "$share/"):
		return reasonNoShared, nil
	case topic.CheckFilter(f.Topic) != nil:
		return reasonBadFilter, nil
	}
	may, err := c.s.may(ctx, c.who, "iot:Subscribe", "topicfilter/"+f.Topic)
	if err != nil {
		return 0, err
	}
	if !may {
		return reasonNotAuthorized, nil
	}
	return f.QoS, nil
}

// sendRetained sends the messages that topics have.
func (c *client) sendRetained(ctx context.Context, filters []mqtt.Filter, id uint32) error {
	if len(filters) == 0 {
		return nil
	}
	var list []outgoing
	add := func(m message, f mqtt.Filter) {
		list = append(list, outgoing{m: &m, sub: subscription{ID: id}, qos: min(f.QoS, m.QoS), retained: true})
	}
	err := c.s.DB.View(ctx, func(tx *store.Tx) error {
		list = nil
		home := retainedKey{Account: c.who.call.Account, Region: c.who.call.Region}
		var wild []mqtt.Filter
		for _, f := range filters {
			if topic.IsWild(f.Topic) {
				wild = append(wild, f)
				continue
			}
			m, err := retained.Get(tx, retainedKey{home.Account, home.Region, f.Topic})
			if err == nil {
				add(m, f)
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		if len(wild) == 0 {
			return nil
		}
		for k, m := range retained.Scan(tx, home) {
			for _, f := range wild {
				if topic.Match(f.Topic, k.Topic) {
					add(m, f)
					break
				}
			}
		}
		return nil
	})
	for _, o := range list {
		c.reply(o)
	}
	return err
}

func (c *client) unsubscribe(ctx context.Context, p *mqtt.Packet) error {
	ack := &mqtt.Packet{Kind: mqtt.Unsuback, ID: p.ID}
	var names []string
	c.mu.Lock()
	for _, f := range p.Filters {
		code := byte(0x11) // there was none
		if _, had := c.filters[f.Topic]; had {
			code = 0
			delete(c.filters, f.Topic)
			names = append(names, f.Topic)
		}
		ack.Codes = append(ack.Codes, code)
	}
	c.mu.Unlock()
	if c.kept && len(names) > 0 {
		err := c.s.changeFilters(ctx, c.key(), func(filters map[string]subscription) {
			for _, name := range names {
				delete(filters, name)
			}
		})
		if err != nil {
			return err
		}
	}
	c.answer(ack)
	if len(names) == 0 {
		return nil
	}
	return c.tell(ctx, "subscriptions/unsubscribed", map[string]any{"eventType": "unsubscribed", "topics": names})
}

// tell publishes an event of the client's course.
func (c *client) tell(ctx context.Context, kind string, event map[string]any) error {
	event["clientId"], event["timestamp"] = c.id, time.Now().UnixMilli()
	event["sessionIdentifier"], event["principalIdentifier"] = c.session, c.who.principal
	m := newMessage(c.who.call, "$aws/events/"+kind+"/"+c.id, encode(event))
	m.ClientID = "n/a"
	return c.s.publish(ctx, c.who.call, m)
}
