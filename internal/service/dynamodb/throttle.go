package dynamodb

import (
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
)

// burst is for how long capacity that is not used can be used later.
const burst = 300 * time.Second

// A meter has what is left of the capacity of tables and indexes. It is not
// kept: a restart gives all of them what they can have at most.
type meter struct{ buckets sync.Map } // bucketKey to *bucket

// A bucketKey names a table or an index, and what is done with it.
type bucketKey struct {
	rows  rowsKey
	write bool
}

// A bucket holds the units that are left.
type bucket struct {
	mu    sync.Mutex
	units float64
	rate  float64 // units that come in a second
	at    time.Time
}

// limited reports whether there is a limit to what is done with a table or index.
func (b *billing) limited(write bool) bool { return b.rate(write) > 0 }

// rate is how many units a second it may take, or 0: any.
func (b *billing) rate(write bool) float64 {
	if write {
		return float64(b.Write)
	}
	return float64(b.Read)
}

// take takes units from the bucket of a table or index, and reports whether
// there was anything left before.
func (m *meter) take(b *billing, rows rowsKey, write bool, units float64) bool {
	rate := b.rate(write)
	if rate == 0 {
		return true
	}
	v, ok := m.buckets.Load(bucketKey{rows, write})
	if !ok {
		v, _ = m.buckets.LoadOrStore(bucketKey{rows, write}, new(bucket))
	}
	left := v.(*bucket)
	left.mu.Lock()
	defer left.mu.Unlock()
	now := time.Now()
	if left.at.IsZero() || rate > left.rate {
		left.units = rate * burst.Seconds()
	} else {
		left.units += rate * now.Sub(left.at).Seconds()
	}
	left.rate, left.at = rate, now
	left.units = min(left.units, rate*burst.Seconds())
	had := left.units > 0
	left.units -= units
	return had
}

// limited reports whether there is a limit to what is written to t or read of it.
func (t *table) limited(write bool) bool {
	if t.Billing.limited(write) {
		return true
	}
	for _, ix := range t.Globals {
		if ix.Billing.limited(write) {
			return true
		}
	}
	return false
}

func (t *table) bucketOf(ix *index) rowsKey {
	if ix == nil {
		return rowsKey{Table: t.ID}
	}
	return rowsKey{Table: t.ID, Index: ix.ID}
}

// admitWrite refuses a write to t if its capacity, or that of an index, is used up.
func (s *Service) admitWrite(t *table) error {
	if !t.limited(true) {
		return nil
	}
	if !s.meter.take(&t.Billing, t.bucketOf(nil), true, 0) {
		return errThrottled(t, nil, true)
	}
	for _, ix := range t.Globals {
		if !s.meter.take(&ix.Billing, t.bucketOf(ix), true, 0) {
			return errThrottled(t, ix, true)
		}
	}
	return nil
}

// admitRead refuses to read t, or ix, a global index of it, if its capacity is
// used up.
func (s *Service) admitRead(t *table, ix *index) error {
	b := &t.Billing
	if ix != nil && !ix.local {
		b = &ix.Billing
	} else {
		ix = nil
	}
	if !s.meter.take(b, t.bucketOf(ix), false, 0) {
		return errThrottled(t, ix, false)
	}
	return nil
}

// charge takes what c has cost.
func (s *Service) charge(t *table, c *cost, factor float64) {
	s.consumed(t, c, factor)
	if !t.limited(!c.read) {
		return
	}
	units := c.table
	for _, u := range c.locals {
		units += u
	}
	s.meter.take(&t.Billing, t.bucketOf(nil), !c.read, units*factor)
	for _, ix := range t.Globals {
		if u := c.globals[ix.Name]; u > 0 {
			s.meter.take(&ix.Billing, t.bucketOf(ix), !c.read, u*factor)
		}
	}
}

// errThrottled refuses what there is no capacity left for.
func errThrottled(t *table, ix *index, write bool) error {
	what, b, arn := "Table", &t.Billing, t.arn.String()
	message := "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."
	if ix != nil {
		what, b, arn = "Index", &ix.Billing, *ix.arn(t)
		message = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. " +
			"Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API"
	}
	if write {
		what += "Write"
	} else {
		what += "Read"
	}
	if b.OnDemand {
		reasons := []api.ThrottlingReason{{Reason: new(what + "MaxOnDemandThroughputExceeded"), Resource: &arn}}
		return api.ThrottlingException.With(&api.ThrottlingExceptionDetail{ThrottlingReasons: reasons}, "Throughput exceeds the maximum OnDemandThroughput configured on table or index")
	}
	reasons := []api.ThrottlingReason{{Reason: new(what + "ProvisionedThroughputExceeded"), Resource: &arn}}
	return api.ProvisionedThroughputExceededException.With(&api.ProvisionedThroughputExceededExceptionDetail{ThrottlingReasons: reasons}, message)
}
