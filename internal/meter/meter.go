// Package meter counts what the platform's own services do, for the metrics
// that AWS has of them.
//
// A Meter is in memory: to count costs a lookup and a few additions, and no
// transaction. CloudWatch takes what was counted when somebody asks, and once a
// minute; what was counted since is lost in a crash, as these are measurements
// and not writes.
package meter

import (
	"sync"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/stat"
	"github.com/aloft-cloud/aloft/internal/task"
)

// A Subject is what something is measured of: up to two dimensions in a
// namespace of an account and region. It is a map's key, and so has no lists.
type Subject struct {
	Account, Region string
	Namespace       string // "AWS/DynamoDB"
	Name1, Value1   string // a dimension; none without a name
	Name2, Value2   string
}

// OfARN is the subject with one dimension of the account and region of a resource.
func OfARN(arn aws.ARN, namespace, name, value string) Subject {
	return Subject{Account: arn.Account, Region: arn.Region, Namespace: namespace, Name1: name, Value1: value}
}

// And is s with one dimension more.
func (s Subject) And(name, value string) Subject {
	s.Name2, s.Value2 = name, value
	return s
}

// A Reading is a number that was measured.
type Reading struct {
	Metric string // "Duration"
	Unit   string // "Milliseconds"
	Value  float64
}

// Count is a reading of things that happened.
func Count(metric string, n float64) Reading { return Reading{metric, "Count", n} }

// Milliseconds is a reading of how long something took.
func Milliseconds(metric string, took time.Duration) Reading {
	return Reading{metric, "Milliseconds", float64(took) / float64(time.Millisecond)}
}

// A Meter counts. A nil Meter does not.
type Meter struct {
	mu     sync.Mutex
	minute int64 // in which counted was counted, since 1970
	counts map[Subject]*counts
	full   []Sample  // of minutes before
	first  time.Time // when something was counted after Rest; zero if nothing was
	bell   task.Bell
}

// A counts is what was measured of a subject in a minute.
type counts struct {
	list []count // few, so they are looked through
}

type count struct {
	metric, unit string
	set          stat.Set
}

// New returns a meter of which nothing was asked yet.
func New() *Meter { return &Meter{counts: make(map[Subject]*counts), bell: task.NewBell()} }

// Bell is rung when something is counted first after Rest.
func (m *Meter) Bell() task.Bell { return m.bell }

// Since returns when something was counted first after Rest, or the zero time
// if nothing was.
func (m *Meter) Since() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first
}

// Add counts readings of a subject at a time.
func (m *Meter) Add(of Subject, at time.Time, readings ...Reading) {
	if m == nil {
		return
	}
	minute := at.Unix() / 60
	m.mu.Lock()
	if minute != m.minute {
		m.turn()
		m.minute = minute
	}
	c := m.counts[of]
	if c == nil {
		c = &counts{}
		m.counts[of] = c
	}
	for i := range readings {
		c.find(&readings[i]).set.Add(readings[i].Value, 1)
	}
	ring := m.first.IsZero()
	if ring {
		m.first = at
	}
	m.mu.Unlock()
	if ring {
		m.bell.Ring()
	}
}

func (c *counts) find(r *Reading) *count {
	for i := range c.list {
		if c.list[i].metric == r.Metric {
			return &c.list[i]
		}
	}
	c.list = append(c.list, count{metric: r.Metric, unit: r.Unit})
	return &c.list[len(c.list)-1]
}

// A Sample is what was measured of a metric in a minute.
type Sample struct {
	Of           Subject
	Metric, Unit string
	At           time.Time // in the minute
	Set          stat.Set
}

// turn makes samples of what was counted in a minute that is over.
func (m *Meter) turn() {
	at := time.Unix(m.minute*60, 0).UTC()
	for of, c := range m.counts {
		for i := range c.list {
			m.full = append(m.full, Sample{of, c.list[i].metric, c.list[i].unit, at, c.list[i].set})
		}
	}
	clear(m.counts)
}

// Take returns what was counted since it was called last.
func (m *Meter) Take() []Sample {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn()
	all := m.full
	m.full = nil
	return all
}

// Rest has the bell rung again by what is counted next, unless something was
// counted since Take.
func (m *Meter) Rest() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.counts) == 0 && len(m.full) == 0 {
		m.first = time.Time{}
	} else {
		m.first = time.Now()
	}
}
