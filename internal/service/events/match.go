package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event/pattern"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An incoming is an event on its way onto a bus.
type incoming struct {
	bus      aws.ARN
	event    envelope
	ingested time.Time
	trace    string   // of the request that it came with
	only     []string // ARNs of the rules that may see it; nil: all
	replayed bool     // from an archive, which does not keep it again
}

// A matcher is what the rules and archives of a bus ask of events.
type matcher struct {
	missing  bool // there is no such bus
	rules    []matchingRule
	archives []matchingArchive
}

type matchingRule struct {
	key     ruleKey
	pattern *pattern.Pattern
	row     rule
}

type matchingArchive struct {
	arn     aws.ARN
	pattern *pattern.Pattern // nil: all
}

// put matches an event with the rules of its bus, and makes of it deliveries
// and what archives keep.
func (s *Service) put(tx *store.Tx, in *incoming) error {
	m, err := s.matcher(tx, in.bus)
	if err != nil || m.missing {
		return err
	}
	text, err := encode(&in.event)
	if err != nil {
		return err
	}
	e, err := pattern.ParseEvent(text)
	if err != nil {
		return nil // it nests so deep that no rule sees it
	}
	for i := range m.rules {
		r := &m.rules[i]
		if in.only != nil && !slices.Contains(in.only, r.key.ARN().String()) || !r.pattern.Matches(e) {
			continue
		}
		if err := s.deliver(tx, r.key, &r.row, &happening{text: text, event: &in.event, ingested: in.ingested, trace: in.trace}); err != nil {
			return err
		}
	}
	if in.replayed {
		return nil
	}
	for _, a := range m.archives {
		if a.pattern == nil || a.pattern.Matches(e) {
			if err := keep(tx, a.arn, in, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode writes an event as targets see it.
func encode(e *envelope) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// matcher returns that of a bus, from memory or from the rows.
func (s *Service) matcher(tx *store.Tx, bus aws.ARN) (*matcher, error) {
	m, changes := s.matchers.Get(bus.String())
	if m != nil {
		return m, nil
	}
	m, err := newMatcher(tx, bus)
	if err != nil {
		return nil, err
	}
	if tx.Err() == nil && !m.missing {
		s.matchers.Put(bus.String(), m, changes)
	}
	return m, tx.Err()
}

func newMatcher(tx *store.Tx, bus aws.ARN) (*matcher, error) {
	m := &matcher{}
	if _, err := findBus(tx, bus); err != nil {
		if refusal := (*aws.Error)(nil); errors.As(err, &refusal) {
			return &matcher{missing: true}, nil
		}
		return nil, err
	}
	for key, r := range rules.Scan(tx, ruleKey{Bus: bus}) {
		if r.Pattern == "" || !r.enabled() {
			continue
		}
		p, err := pattern.Parse([]byte(r.Pattern))
		if err != nil {
			return nil, err // it was parsed when the rule was put
		}
		m.rules = append(m.rules, matchingRule{key, p, r})
	}
	for key := range archivesOf.Scan(tx, archiveKey{Bus: bus}) {
		a, err := archives.Get(tx, key.Archive)
		if err != nil {
			return nil, err
		}
		made := matchingArchive{arn: key.Archive}
		if a.Pattern != "" {
			if made.pattern, err = pattern.Parse([]byte(a.Pattern)); err != nil {
				return nil, err
			}
		}
		m.archives = append(m.archives, made)
	}
	return m, nil
}
