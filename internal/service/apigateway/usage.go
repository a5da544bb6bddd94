package apigateway

import (
	"context"
	"errors"
	"sync"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/task"
)

// usages are how often keys were used, by day, and what more they may be.
var usages = store.NewTable[usageKey, usage]("apigateway.usage")

type usageKey struct {
	Plan aws.ARN
	Key  string
	Day  string // "2026-01-31"
}

type usage struct {
	Used  int64
	Extra int64 `json:",omitempty"` // what UpdateUsage granted in the period that the day is in
}

const dayLayout = time.DateOnly

// A meter counts requests of keys. What it counted is kept by a task soon
// after: a crash may forget the last of it, and no request waits for a disk.
type meter struct {
	bell task.Bell

	mu    sync.Mutex
	used  map[usageKey]int64 // of whole periods, by their first day
	dirty map[usageKey]int64 // counted and not kept, by day
}

func newMeter() *meter {
	return &meter{bell: task.NewBell(), used: make(map[usageKey]int64), dirty: make(map[usageKey]int64)}
}

// periodStart is the first day of the period of a quota that t is in. Its
// offset is how many days after Sunday, or after the first, one begins.
func periodStart(quota *api.QuotaSettings, t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	if quota == nil {
		return t
	}
	offset := int(aws.Value(quota.Offset))
	switch *quota.Period {
	case "WEEK":
		return t.AddDate(0, 0, -(int(t.Weekday())-offset+7)%7)
	case "MONTH":
		if t.Day() <= offset {
			t = t.AddDate(0, 0, -t.Day()) // into the month before, at its last day
		}
		return t.AddDate(0, 0, 1-t.Day()+offset)
	}
	return t
}

// take counts a request with a key, unless the plan's quota for it is used up.
func (s *Service) take(ctx context.Context, plan aws.ARN, quota *api.QuotaSettings, key string) (bool, error) {
	today := time.Now()
	at := usageKey{plan, key, periodStart(quota, today).Format(dayLayout)}
	m := s.meter
	m.mu.Lock()
	_, known := m.used[at]
	m.mu.Unlock()
	if !known {
		if err := s.loadUsage(ctx, at); err != nil {
			return false, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if quota != nil && m.used[at] >= int64(*quota.Limit) {
		return false, nil
	}
	m.used[at]++
	m.dirty[usageKey{plan, key, today.UTC().Format(dayLayout)}]++
	m.bell.Ring()
	return true, nil
}

// loadUsage reads what was used since the first day of a period.
func (s *Service) loadUsage(ctx context.Context, at usageKey) error {
	total := int64(0)
	err := s.db.View(ctx, func(tx *store.Tx) error {
		total = 0
		for key, u := range usages.Scan(tx, usageKey{Plan: at.Plan, Key: at.Key}) {
			if key.Day >= at.Day {
				total += u.Used - u.Extra
			}
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	m := s.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.used[at]; known {
		return nil // another was faster
	}
	for key, n := range m.dirty {
		if key.Plan == at.Plan && key.Key == at.Key && key.Day >= at.Day {
			total += n
		}
	}
	m.used[at] = total
	return nil
}

// keepUsage keeps what was counted.
func (s *Service) keepUsage(ctx context.Context) (time.Duration, error) {
	const long = time.Hour
	m := s.meter
	m.mu.Lock()
	counted := m.dirty
	m.dirty = make(map[usageKey]int64)
	for key := range m.used {
		if key.Day < time.Now().AddDate(0, -1, -1).Format(dayLayout) {
			delete(m.used, key)
		}
	}
	m.mu.Unlock()
	if len(counted) == 0 {
		return long, nil
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for key, n := range counted {
			if there, err := plans.Has(tx, key.Plan); err != nil || !there {
				if err != nil {
					return err
				}
				continue
			}
			u, err := usages.Get(tx, key)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			u.Used += n
			if err := usages.Put(tx, key, u); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // they are still to be kept
		m.mu.Lock()
		defer m.mu.Unlock()
		for key, n := range counted {
			m.dirty[key] += n
		}
	}
	return long, err
}

// GetUsage returns how often keys of a plan were used on each day, and how
// often they still may be.
func (s *Service) GetUsage(ctx context.Context, call *aws.Call, in *api.GetUsageInput) (*api.Usage, error) {
	from, err := time.Parse(dayLayout, in.StartDate)
	if err != nil {
		return nil, errBad("Invalid start date specified: %s", in.StartDate)
	}
	to, err := time.Parse(dayLayout, in.EndDate)
	if err != nil || to.Before(from) || to.Sub(from) > 366*24*time.Hour {
		return nil, errBad("Invalid end date specified: %s", in.EndDate)
	}
	if _, err := s.keepUsage(ctx); err != nil {
		return nil, err
	}
	out := &api.Usage{UsagePlanId: &in.UsagePlanId, StartDate: &in.StartDate, EndDate: &in.EndDate, Items: make(map[string][][]int64)}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		plan, row, err := findPlan(tx, call, in.UsagePlanId)
		if err != nil {
			return err
		}
		for m := range planKeys.Scan(tx, memberKey{Of: plan}) {
			if in.KeyId == nil || *in.KeyId == m.ID {
				if out.Items[m.ID], err = usageOf(tx, plan, m.ID, row.Quota, from, to); err != nil {
					return err
				}
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// usageOf returns, for each day, how often a key was used, and how often it
// still might have been at its end.
func usageOf(tx *store.Tx, plan aws.ARN, key string, quota *api.QuotaSettings, from, to time.Time) ([][]int64, error) {
	days := make(map[string]usage)
	for k, u := range usages.Scan(tx, usageKey{Plan: plan, Key: key}) {
		days[k.Day] = u
	}
	var out [][]int64
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		remaining := int64(0)
		if quota != nil {
			remaining = int64(*quota.Limit)
			for d := periodStart(quota, day); !d.After(day); d = d.AddDate(0, 0, 1) {
				u := days[d.Format(dayLayout)]
				remaining += u.Extra - u.Used
			}
		}
		out = append(out, []int64{days[day.Format(dayLayout)].Used, remaining})
	}
	return out, tx.Err()
}

// UpdateUsage sets how often a key may still be used in the period there is.
func (s *Service) UpdateUsage(ctx context.Context, call *aws.Call, in *api.UpdateUsageInput) (*api.Usage, error) {
	if _, err := s.keepUsage(ctx); err != nil {
		return nil, err
	}
	today := time.Now().UTC()
	day := today.Format(dayLayout)
	out := &api.Usage{UsagePlanId: &in.UsagePlanId, StartDate: &day, EndDate: &day}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		plan, row, err := findPlan(tx, call, in.UsagePlanId)
		if err != nil {
			return err
		}
		if _, err := planKeys.Get(tx, memberKey{plan, in.KeyId}); err != nil {
			return refused(err, "Usage Plan Key")
		}
		if row.Quota == nil {
			return errBad("Usage Plan %s has no quota", in.UsagePlanId)
		}
		err = replace(in.PatchOperations, []string{"/remaining"}, func(c *change) error {
			want, err := c.int32()
			if err != nil {
				return err
			}
			was, err := usageOf(tx, plan, in.KeyId, row.Quota, today, today)
			if err != nil {
				return err
			}
			at := usageKey{plan, in.KeyId, day}
			u, err := usages.Get(tx, at)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			u.Extra += int64(*want) - was[0][1]
			return usages.Put(tx, at, u)
		})
		if err != nil {
			return err
		}
		values, err := usageOf(tx, plan, in.KeyId, row.Quota, today, today)
		out.Items = map[string][][]int64{in.KeyId: values}
		tx.AfterCommit(func() { s.meter.forget(plan, in.KeyId) })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// forget has the usage of a key read anew.
func (m *meter) forget(plan aws.ARN, key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.used {
		if k.Plan == plan && k.Key == key {
			delete(m.used, k)
		}
	}
}
