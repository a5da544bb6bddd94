package rds

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/store"
)

const idle = 24 * time.Hour

// work makes what is to be made, each on its own, since one may wait for a
// download, and removes databases that nobody has.
func (s *Service) work(ctx context.Context) (time.Duration, error) {
	if failure := s.unfinished.Swap(nil); failure != nil {
		return 0, *failure
	}
	var all []aws.ARN
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		for arn := range pending.Scan(tx, aws.ARN{}) {
			all = append(all, arn)
		}
		return tx.Err()
	})
	if err != nil {
		return 0, err
	}
	for _, arn := range all {
		if _, works := s.making.LoadOrStore(arn, true); works {
			continue
		}
		s.group.Go(func() {
			again, err := s.finish(ctx, arn)
			if err != nil && ctx.Err() == nil {
				err = fmt.Errorf("finish %s: %w", arn, err)
				s.unfinished.Store(&err)
				again = true
			}
			s.making.Delete(arn)
			if again {
				s.bell.Ring()
			}
		})
	}
	return idle, s.sweep(ctx)
}

// finish makes what is pending, and reports whether to look at all again. The error says
// that it could not even be noted.
func (s *Service) finish(ctx context.Context, arn aws.ARN) (again bool, err error) {
	b, ready, err := s.order(ctx, arn)
	if err != nil || !ready {
		return false, err
	}
	if b != nil {
		err = s.build(ctx, b)
	}
	if ctx.Err() != nil {
		return false, nil // it goes on at the next start
	}
	if err != nil {
		s.cfg.Log.Error("a database could not be made", "resource", arn.String(), "err", err)
	}
	err = s.settle(ctx, arn, err)
	return err == nil, err
}

// build makes the database of a row: as a copy, or for its owner.
func (s *Service) build(ctx context.Context, b *base) error {
	if b.Source != "" {
		return s.cfg.Fleet.Copy(ctx, b.Source, b.ID)
	}
	db, err := b.database()
	if err != nil {
		return err
	}
	password, err := s.unseal(b)
	if err != nil {
		return fmt.Errorf("read the password of the master user: %w", err)
	}
	return s.cfg.Fleet.Make(ctx, db, &database.Owner{User: b.User, Password: password, Database: b.First})
}

// order says what is to be made for arn: nothing for a member, which is ready when its
// cluster is.
func (s *Service) order(ctx context.Context, arn aws.ARN) (b *base, ready bool, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		b, ready = nil, false
		if b, err = snapshotBase(tx, arn); err != nil || b != nil {
			ready = b != nil
			return err
		}
		c, err := clusters.Get(tx, arn)
		if err == nil {
			b, ready = &c.Base, true
			return nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		i, err := instances.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil // it was removed meanwhile
		}
		if err == nil && !i.member() {
			b, ready = &i.Base, true
		}
		if err != nil || !i.member() {
			return err
		}
		c, err = clusters.Get(tx, aws.ARN{Service: arn.Service, Region: arn.Region, Account: arn.Account, Resource: clusters.prefix + *i.Is.DBClusterIdentifier})
		ready = err == nil && *c.Is.Status != creating
		return err
	})
	return b, ready, err
}

// snapshotBase is the base of a snapshot, or nil if arn is no snapshot's.
func snapshotBase(tx *store.Tx, arn aws.ARN) (*base, error) {
	c, err := clusterSnapshots.Get(tx, arn)
	if err == nil {
		return &c.Base, nil
	}
	i, err := dbSnapshots.Get(tx, arn)
	if err == nil {
		return &i.Base, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return nil, err
}

// settleSnapshot notes that a snapshot was made, or that it was not: what it was to be
// made of is kept then. It is false if arn is no snapshot's.
func settleSnapshot(tx *store.Tx, arn aws.ARN, state, why string) (bool, error) {
	note := func(b *base, status **string, progress **int32) {
		b.Failure, *status = why, &state
		if state == available {
			b.Source, *progress = "", new(int32(100))
		}
	}
	c, err := clusterSnapshots.Get(tx, arn)
	if err == nil {
		note(&c.Base, &c.Is.Status, &c.Is.PercentProgress)
		return true, clusterSnapshots.Put(tx, arn, c)
	}
	i, err := dbSnapshots.Get(tx, arn)
	if err == nil {
		note(&i.Base, &i.Is.Status, &i.Is.PercentProgress)
		return true, dbSnapshots.Put(tx, arn, i)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return false, err
}

// settle notes that arn was made, or why it was not.
func (s *Service) settle(ctx context.Context, arn aws.ARN, failure error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		state, why := available, ""
		if failure != nil {
			state, why = failed, failure.Error()
		}
		s.index.Changed(tx)
		if err := pending.Delete(tx, arn); err != nil {
			return err
		}
		if done, err := settleSnapshot(tx, arn, state, why); done || err != nil {
			return err
		}
		c, err := clusters.Get(tx, arn)
		if err == nil {
			c.Is.Status, c.Base.Failure, c.Base.Password, c.Base.Source = &state, why, nil, ""
			if c.Is.MasterUserSecret != nil {
				c.Is.MasterUserSecret.SecretStatus = new("active")
			}
			return clusters.Put(tx, arn, c)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		i, err := instances.Get(tx, arn)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		i.Is.DBInstanceStatus, i.Base.Failure, i.Base.Password, i.Base.Source = &state, why, nil, ""
		i.Is.InstanceCreateTime = new(time.Now().Truncate(time.Millisecond))
		i.Is.Endpoint = &api.Endpoint{Address: new(s.hostOf(tx, arn)), Port: new(i.Base.Port), HostedZoneId: new("Z2R2ITUGPM61AM")}
		if i.Is.MasterUserSecret != nil {
			i.Is.MasterUserSecret.SecretStatus = new("active")
		}
		return instances.Put(tx, arn, i)
	})
}

// sweep removes databases that have no rows.
func (s *Service) sweep(ctx context.Context) error {
	ids, err := s.cfg.Fleet.IDs()
	if err != nil || len(ids) == 0 {
		return err
	}
	known := make(map[string]bool)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		keep := func(b *base) { known[b.ID], known[b.Source] = true, true }
		for _, c := range clusters.Scan(tx, aws.ARN{}) {
			keep(&c.Base)
		}
		for _, i := range instances.Scan(tx, aws.ARN{}) {
			keep(&i.Base)
		}
		for _, c := range clusterSnapshots.Scan(tx, aws.ARN{}) {
			keep(&c.Base)
		}
		for _, i := range dbSnapshots.Scan(tx, aws.ARN{}) {
			keep(&i.Base)
		}
		return tx.Err()
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !known[id] {
			err = errors.Join(err, s.cfg.Fleet.Remove(id))
		}
	}
	return err
}

// endAfter ends the server of a database once tx is kept.
func (s *Service) endAfter(tx *store.Tx, id string) {
	tx.AfterCommit(func() { s.group.Go(func() { s.cfg.Fleet.Stop(id) }) })
}
