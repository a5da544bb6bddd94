package iot

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/iot/topic"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/due"
)

// A session outlives its connection: what it subscribes to, and the messages
// that its client has not acknowledged, are rows.
var (
	sessions    = store.NewTable[sessionKey, sessionRow]("iot.session")
	waiting     = store.NewTable[waitingKey, message]("iot.waiting")
	sessionEnds = due.NewTimes[sessionKey]("iot.sessionend")
)

type sessionKey struct{ Account, Region, Client string }

// A sessionRow is a session that outlives its connection.
type sessionRow struct {
	Filters map[string]subscription `json:",omitempty"` // by topic filter
	Life    time.Duration           // without a connection
	Until   time.Time               // it ends, if its client is not connected then
}

// A subscription is one of a client.
type subscription struct {
	QoS        byte   `json:",omitempty"`
	NoLocal    bool   `json:",omitempty"`
	AsReceived bool   `json:",omitempty"` // messages keep what they say of being retained
	ID         uint32 `json:",omitempty"` // which the client gave it
}

// A waitingKey is a message of a session, in order.
type waitingKey struct {
	Session sessionKey
	At      time.Time
	ID      string
}

const (
	usualSession = time.Hour
	maxSession   = 7 * 24 * time.Hour
)

// A sessionIndex is the sessions that outlive their connections.
type sessionIndex map[home][]keptSession

type keptSession struct {
	key     sessionKey
	filters map[string]subscription
}

func indexSessions(tx *store.Tx) (*sessionIndex, error) {
	index := make(sessionIndex)
	for k, row := range sessions.Scan(tx, sessionKey{}) {
		h := home{k.Account, k.Region}
		index[h] = append(index[h], keptSession{k, row.Filters})
	}
	return &index, nil
}

// matching returns the subscription of the best quality that a topic matches.
func matching(filters map[string]subscription, name string) (best subscription, ok bool) {
	for filter, sub := range filters {
		if topic.Match(filter, name) && (!ok || sub.QoS > best.QoS) {
			best, ok = sub, true
		}
	}
	return best, ok
}

// keepFor has messages of quality 1 wait for the sessions that subscribe to them.
func (s *Service) keepFor(tx *store.Tx, e *emitter, m *message) error {
	if m.QoS == 0 {
		return nil
	}
	for _, k := range (*e.sessions)[home{m.Account, m.Region}] {
		sub, ok := matching(k.filters, m.Topic)
		if !ok || sub.QoS == 0 || sub.NoLocal && m.ClientID == k.key.Client {
			continue
		}
		if there, err := sessions.Has(tx, k.key); err != nil || !there {
			if err != nil {
				return err
			}
			continue // it ended meanwhile
		}
		if err := waiting.Put(tx, waitingKey{k.key, m.At, rand.Text()}, *m); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.broker.tell(k.key) })
	}
	return nil
}

// openSession finds or makes the session of a client, and says whether it was
// there. With no life it is not made; one that is there ends with the connection.
func (s *Service) openSession(ctx context.Context, key sessionKey, clean bool, life time.Duration) (row sessionRow, present bool, err error) {
	err = s.DB.Update(ctx, func(tx *store.Tx) error {
		found, err := sessions.Get(tx, key)
		if err := ignoreMissing(err); err != nil {
			return err
		}
		present = err == nil && !clean
		if clean && err == nil {
			if err := s.dropSession(tx, key, found); err != nil {
				return err
			}
			found = sessionRow{}
		}
		if row = found; life <= 0 {
			return nil
		}
		row.Life = life
		return s.keepSession(tx, key, &row)
	})
	return row, present, err
}

// closeSession has a session end some time after its connection, or now. What
// another connection has taken over, or ended, is left to that.
func (s *Service) closeSession(ctx context.Context, key sessionKey, life time.Duration) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := sessions.Get(tx, key)
		if err != nil || s.broker.connected(key) {
			return ignoreMissing(err)
		}
		if life <= 0 {
			return s.dropSession(tx, key, row)
		}
		row.Life = life
		return s.keepSession(tx, key, &row)
	})
}

// keepSession keeps a session, which lasts from now on.
func (s *Service) keepSession(tx *store.Tx, key sessionKey, row *sessionRow) error {
	s.sessions.Changed(tx)
	if err := sessionEnds.Move(tx, key, &row.Until, time.Now().Add(row.Life), s.ends); err != nil {
		return err
	}
	return sessions.Put(tx, key, *row)
}

// dropSession ends a session, and what waits for it is gone.
func (s *Service) dropSession(tx *store.Tx, key sessionKey, row sessionRow) error {
	s.sessions.Changed(tx)
	if err := sessionEnds.Move(tx, key, &row.Until, time.Time{}, s.ends); err != nil {
		return err
	}
	if err := waiting.DeletePrefix(tx, waitingKey{Session: key}); err != nil {
		return err
	}
	return sessions.Delete(tx, key)
}

// runSessions ends the sessions whose time has come.
func (s *Service) runSessions(ctx context.Context) (time.Duration, error) {
	return sessionEnds.Run(ctx, s.DB, func(tx *store.Tx, _ time.Time, key sessionKey) error {
		row, err := sessions.Get(tx, key)
		if err != nil {
			return ignoreMissing(err)
		}
		row.Until = time.Time{} // it was taken from what is due
		if s.broker.connected(key) {
			return s.keepSession(tx, key, &row)
		}
		return s.dropSession(tx, key, row)
	})
}

// changeFilters changes what a session that is kept subscribes to.
func (s *Service) changeFilters(ctx context.Context, key sessionKey, change func(map[string]subscription)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := sessions.Get(tx, key)
		if err != nil {
			return ignoreMissing(err)
		}
		filters := make(map[string]subscription, len(row.Filters)+1)
		for filter, sub := range row.Filters {
			filters[filter] = sub
		}
		change(filters)
		row.Filters = filters
		s.sessions.Changed(tx)
		return sessions.Put(tx, key, row)
	})
}

// stillWaiting returns what waits for a session, in order: so many messages, but
// those that its client has.
func (s *Service) stillWaiting(ctx context.Context, key sessionKey, has map[string]bool, most int) (keys []waitingKey, messages []message, err error) {
	err = s.DB.View(ctx, func(tx *store.Tx) error {
		keys, messages = nil, nil
		for k, m := range waiting.Scan(tx, waitingKey{Session: key}) {
			if has[k.ID] {
				continue
			}
			keys, messages = append(keys, k), append(messages, m)
			if len(keys) == most {
				break
			}
		}
		return nil
	})
	return keys, messages, err
}

// acknowledged forgets messages that their client has.
func (s *Service) acknowledged(ctx context.Context, keys []waitingKey) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		for _, key := range keys {
			if err := ignoreMissing(waiting.Delete(tx, key)); err != nil {
				return err
			}
		}
		return nil
	})
}

func sessionOf(call *aws.Call, client string) sessionKey {
	return sessionKey{call.Account, call.Region, client}
}
