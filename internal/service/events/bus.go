package events

import (
	"context"
	"iter"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/events"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// maxBuses is how many buses an account has in a region.
const maxBuses = 100

// CreateEventBus creates a bus.
func (s *Service) CreateEventBus(ctx context.Context, call *aws.Call, in *api.CreateEventBusInput) (*api.CreateEventBusOutput, error) {
	switch {
	case in.EventSourceName != nil:
		return nil, errAbsent("event buses of partners")
	case strings.Contains(in.Name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	if err := checkBus(in.KmsKeyIdentifier, in.LogConfig); err != nil {
		return nil, err
	}
	arn, now := busARN(call, in.Name), time.Now()
	tags, err := s.tags().With("", nil, tagMap(in.Tags))
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		exists, err := buses.Has(tx, arn)
		if err != nil {
			return err
		}
		if exists || in.Name == defaultBus {
			return api.ResourceAlreadyExistsException.Errorf("Event bus %s already exists.", in.Name)
		}
		n := 0
		for range busesOf(tx, call) {
			n++
		}
		if n > maxBuses {
			return errLimit()
		}
		return buses.Put(tx, arn, bus{
			Description: aws.Value(in.Description), DeadLetter: in.DeadLetterConfig, Log: in.LogConfig, Tags: tags, Created: now, Modified: now,
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateEventBusOutput{EventBusArn: new(arn.String()), Description: in.Description, DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig}, nil
}

// checkBus refuses what buses do not have yet.
func checkBus(key *string, log *api.LogConfig) error {
	if log != nil && aws.Or(log.Level, api.LevelOff) != api.LevelOff {
		return errAbsent("logs of event buses")
	}
	return checkKey(key)
}

// UpdateEventBus changes a bus.
func (s *Service) UpdateEventBus(ctx context.Context, call *aws.Call, in *api.UpdateEventBusInput) (*api.UpdateEventBusOutput, error) {
	if err := checkBus(in.KmsKeyIdentifier, in.LogConfig); err != nil {
		return nil, err
	}
	arn := busARN(call, aws.Value(in.Name))
	var b bus
	err := s.changeBus(ctx, arn, func(row *bus) error {
		row.Description, row.DeadLetter, row.Log = aws.Value(in.Description), in.DeadLetterConfig, in.LogConfig
		b = *row
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateEventBusOutput{
		Arn: new(arn.String()), Name: new(busName(arn)), Description: optional(b.Description), DeadLetterConfig: b.DeadLetter, LogConfig: b.Log,
	}, nil
}

// changeBus changes the row of a bus; the default one gets one, if need be.
func (s *Service) changeBus(ctx context.Context, arn aws.ARN, change func(*bus) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		b, err := findBus(tx, arn)
		if err != nil {
			return err
		}
		if err := change(&b); err != nil {
			return err
		}
		b.Modified = time.Now()
		if b.Created.IsZero() {
			b.Created = b.Modified
		}
		tx.AfterCommit(func() { s.epoch.Add(1) })
		return buses.Put(tx, arn, b)
	})
}

// ensureDefault gives the default bus a row, so that it has a time of creation.
func (s *Service) ensureDefault(ctx context.Context, call *aws.Call) error {
	arn := busARN(call, defaultBus)
	var exists bool
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		exists, err = buses.Has(tx, arn)
		return err
	})
	if err != nil || exists {
		return err
	}
	return s.changeBus(ctx, arn, func(*bus) error { return nil })
}

// DeleteEventBus deletes a bus that has no rules.
func (s *Service) DeleteEventBus(ctx context.Context, call *aws.Call, in *api.DeleteEventBusInput) (*api.DeleteEventBusOutput, error) {
	arn := busARN(call, in.Name)
	if busName(arn) == defaultBus {
		return nil, invalid("Cannot delete event bus default.")
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := findBus(tx, arn); err != nil {
			return err
		}
		for range rules.Scan(tx, ruleKey{Bus: arn}) {
			return invalid("Event bus %s can't be deleted since it has rules.", busName(arn))
		}
		tx.AfterCommit(func() {
			s.epoch.Add(1)
			s.matchers.Drop(arn.String())
		})
		return buses.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteEventBusOutput{}, nil
}

// DescribeEventBus describes a bus.
func (s *Service) DescribeEventBus(ctx context.Context, call *aws.Call, in *api.DescribeEventBusInput) (*api.DescribeEventBusOutput, error) {
	if err := s.ensureDefault(ctx, call); err != nil {
		return nil, err
	}
	arn := busARN(call, aws.Value(in.Name))
	var b bus
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		b, err = findBus(tx, arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &api.DescribeEventBusOutput{
		Name: new(busName(arn)), Arn: new(arn.String()), Description: optional(b.Description), DeadLetterConfig: b.DeadLetter, LogConfig: b.Log,
		Policy: optional(b.Policy), CreationTime: &b.Created, LastModifiedTime: &b.Modified,
	}, nil
}

// ListEventBuses lists buses.
func (s *Service) ListEventBuses(ctx context.Context, call *aws.Call, in *api.ListEventBusesInput) (*api.ListEventBusesOutput, error) {
	p, err := newPage(in.Limit, in.NextToken, in.NamePrefix)
	if err != nil {
		return nil, err
	}
	if err := s.ensureDefault(ctx, call); err != nil {
		return nil, err
	}
	out := &api.ListEventBusesOutput{}
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.EventBuses = []api.EventBus{}
		out.NextToken = fill(p, busesOf(tx, call), func(name string, b bus) bool {
			out.EventBuses = append(out.EventBuses, api.EventBus{
				Name: &name, Arn: new(busARN(call, name).String()), Description: optional(b.Description), Policy: optional(b.Policy),
				CreationTime: &b.Created, LastModifiedTime: &b.Modified,
			})
			return true
		})
		return nil
	})
	return out, err
}

// busesOf yields the buses of the call's account and region by name.
func busesOf(tx *store.Tx, call *aws.Call) iter.Seq2[string, bus] {
	return func(yield func(string, bus) bool) {
		for arn, b := range buses.Scan(tx, aws.ARN{Account: call.Account, Region: call.Region, Service: "events"}) {
			if !yield(busName(arn), b) {
				return
			}
		}
	}
}

// optional is nil for nothing.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
