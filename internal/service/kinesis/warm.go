package kinesis

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// accounts have what accounts said of their streams in a region.
var accounts = store.NewTable[aws.ARN, account]("kinesis.account")

// An account is one in a region. It may have bound itself to pay for the least
// throughput, which nobody asks it for here.
type account struct {
	Committed bool
	Started   time.Time
	Ended     time.Time
}

// leastCommitment is how long a commitment lasts at least.
const leastCommitment = 24 * time.Hour

// commitment is what an account has bound itself to at a time.
func (a *account) commitment(now time.Time) *api.MinimumThroughputBillingCommitmentOutput {
	c := &api.MinimumThroughputBillingCommitmentOutput{Status: api.MinimumThroughputBillingCommitmentOutputStatusDisabled}
	if !a.Started.IsZero() {
		c.StartedAt = &a.Started
	}
	switch {
	case a.Committed:
		c.Status, c.EarliestAllowedEndAt = api.MinimumThroughputBillingCommitmentOutputStatusEnabled, new(a.Started.Add(leastCommitment))
	case now.Before(a.Ended):
		c.Status, c.EarliestAllowedEndAt = api.MinimumThroughputBillingCommitmentOutputStatusEnabledUntilEarliestAllowedEnd, &a.Ended
	case !a.Ended.IsZero():
		c.EndedAt = &a.Ended
	}
	return c
}

// findAccount returns that of a caller, which need not have said anything.
func findAccount(tx *store.Tx, call *aws.Call) (aws.ARN, account, error) {
	key := call.ARN("kinesis", "account")
	a, err := accounts.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return key, a, err
}

// DescribeAccountSettings returns what an account has bound itself to.
func (s *Service) DescribeAccountSettings(ctx context.Context, call *aws.Call, _ *api.DescribeAccountSettingsInput) (*api.DescribeAccountSettingsOutput, error) {
	out := &api.DescribeAccountSettingsOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, a, err := findAccount(tx, call)
		out.MinimumThroughputBillingCommitment = a.commitment(time.Now())
		return err
	})
	return out, err
}

// UpdateAccountSettings begins a commitment, or ends it once it may end.
func (s *Service) UpdateAccountSettings(ctx context.Context, call *aws.Call, in *api.UpdateAccountSettingsInput) (*api.UpdateAccountSettingsOutput, error) {
	wanted := in.MinimumThroughputBillingCommitment.Status == api.MinimumThroughputBillingCommitmentInputStatusEnabled
	out, now := &api.UpdateAccountSettingsOutput{}, time.Now()
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		key, a, err := findAccount(tx, call)
		if err != nil {
			return err
		}
		switch {
		case wanted && !a.Committed && now.Before(a.Ended): // it never ended
			a = account{Committed: true, Started: a.Started}
		case wanted && !a.Committed:
			a = account{Committed: true, Started: now}
		case !wanted && a.Committed:
			a.Committed, a.Ended = false, now
			if may := a.Started.Add(leastCommitment); may.After(now) {
				a.Ended = may
			}
		}
		out.MinimumThroughputBillingCommitment = a.commitment(now)
		return accounts.Put(tx, key, a)
	})
	return out, err
}

// checkWarm refuses warm throughput of a stream that cannot have any.
func checkWarm(tx *store.Tx, call *aws.Call, row *stream) error {
	if row.Mode != api.StreamModeOnDemand {
		return api.ValidationException.Errorf("Warm throughput is only supported for data streams with the on-demand capacity mode.")
	}
	_, a, err := findAccount(tx, call)
	if err == nil && a.commitment(time.Now()).Status == api.MinimumThroughputBillingCommitmentOutputStatusDisabled {
		err = api.ValidationException.Errorf("Warm throughput is only supported in accounts that have MinimumThroughputBillingCommitment enabled.")
	}
	return err
}

// warm is the warm throughput of a stream as callers see it. What a stream on
// demand takes it takes at once, so it always has what it is to have.
func (s *stream) warm() *api.WarmThroughputObject {
	if s.Warm == nil {
		return nil
	}
	return &api.WarmThroughputObject{TargetMiBps: s.Warm, CurrentMiBps: s.Warm}
}

// UpdateStreamWarmThroughput says what a stream on demand is to take at once.
func (s *Service) UpdateStreamWarmThroughput(ctx context.Context, call *aws.Call, in *api.UpdateStreamWarmThroughputInput) (*api.UpdateStreamWarmThroughputOutput, error) {
	out := &api.UpdateStreamWarmThroughputOutput{}
	err := s.change(ctx, call, in, func(tx *store.Tx, arn aws.ARN, row *stream) error {
		row.Warm = &in.WarmThroughputMiBps
		*out = api.UpdateStreamWarmThroughputOutput{StreamARN: new(arn.String()), StreamName: new(streamName(arn)), WarmThroughput: row.warm()}
		return checkWarm(tx, call, row)
	})
	return out, err
}

// UpdateMaxRecordSize says how large a record of a stream may be.
func (s *Service) UpdateMaxRecordSize(ctx context.Context, call *aws.Call, in *api.UpdateMaxRecordSizeInput) (*api.UpdateMaxRecordSizeOutput, error) {
	if err := checkLargest(in.MaxRecordSizeInKiB); err != nil {
		return nil, err
	}
	err := s.change(ctx, call, byARN(in.GetStreamARN()), func(_ *store.Tx, _ aws.ARN, row *stream) error {
		row.MaxKiB = in.MaxRecordSizeInKiB
		return nil
	})
	return &api.UpdateMaxRecordSizeOutput{}, err
}

// checkLargest refuses records larger than the store can keep.
func checkLargest(kib int32) error {
	if kib > mostKiB {
		return errAbsent("records of more than 2046 KiB")
	}
	return nil
}
