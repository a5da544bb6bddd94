package ses

import (
	"context"
	"errors"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/ses"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	countSpan = 15 * time.Minute // that one count is of
	countLast = 14 * 24 * time.Hour
)

// What may be sent in a day and a second: AWS's first numbers, in the sandbox
// and out of it. They are said, and nobody is held to them.
const (
	sandboxDaily, sandboxRate = 200, 1
	daily, rate               = 50_000, 14
)

// reasons are those for which addresses of the account's list get nothing.
func (a *account) reasons() []string {
	if a.Suppress == nil {
		return []string{"BOUNCE", "COMPLAINT"}
	}
	return a.Suppress
}

func (a *account) quota() (perDay, perSecond float64) {
	if a.Sandbox {
		return sandboxDaily, sandboxRate
	}
	return daily, rate
}

// count counts what is sent, and forgets what was long ago.
func (s *Service) count(tx *store.Tx, m *outgoing, add func(*count)) error {
	key := countKey{accountARN(m.call), m.at.UTC().Truncate(countSpan)}
	row, err := counts.Get(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
		for old := range counts.Scan(tx, countKey{Account: key.Account}) {
			if m.at.Sub(old.At) < countLast {
				break
			}
			if err := counts.Delete(tx, old); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	add(&row)
	return counts.Put(tx, key, row)
}

// sentLately is what was sent in the last day.
func sentLately(tx *store.Tx, arn aws.ARN, now time.Time) (sent float64) {
	for key, c := range counts.Scan(tx, countKey{Account: arn}) {
		if now.Sub(key.At) < 24*time.Hour {
			sent += float64(c.Attempts)
		}
	}
	return sent
}

// GetSendQuota says how much may be sent, and how much was.
func (s *Service) GetSendQuota(ctx context.Context, call *aws.Call, _ *api.GetSendQuotaInput) (*api.GetSendQuotaOutput, error) {
	var out *api.GetSendQuotaOutput
	err := s.view(ctx, func(tx *store.Tx) error {
		a, err := findAccount(tx, accountARN(call))
		perDay, perSecond := a.quota()
		out = &api.GetSendQuotaOutput{Max24HourSend: &perDay, MaxSendRate: &perSecond, SentLast24Hours: new(sentLately(tx, accountARN(call), time.Now()))}
		return err
	})
	return out, err
}

// GetSendStatistics returns what was sent, by quarters of an hour.
func (s *Service) GetSendStatistics(ctx context.Context, call *aws.Call, _ *api.GetSendStatisticsInput) (*api.GetSendStatisticsOutput, error) {
	out := &api.GetSendStatisticsOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		out.SendDataPoints = []api.SendDataPoint{}
		for key, c := range counts.Scan(tx, countKey{Account: accountARN(call)}) {
			out.SendDataPoints = append(out.SendDataPoints, api.SendDataPoint{Timestamp: &key.At, DeliveryAttempts: &c.Attempts, Bounces: &c.Bounces, Complaints: &c.Complaints, Rejects: &c.Rejects})
		}
		return nil
	})
	return out, err
}

// changeAccount changes what is set for an account.
func (s *Service) changeAccount(ctx context.Context, call *aws.Call, change func(*account)) error {
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		row, err := findAccount(tx, accountARN(call))
		if err != nil {
			return err
		}
		change(&row)
		return accounts.Put(tx, accountARN(call), row)
	})
}

// GetAccountSendingEnabled says whether the account may send.
func (s *Service) GetAccountSendingEnabled(ctx context.Context, call *aws.Call, _ *api.GetAccountSendingEnabledInput) (*api.GetAccountSendingEnabledOutput, error) {
	out := &api.GetAccountSendingEnabledOutput{}
	err := s.view(ctx, func(tx *store.Tx) error {
		row, err := findAccount(tx, accountARN(call))
		out.Enabled = new(!row.Paused)
		return err
	})
	return out, err
}

// UpdateAccountSendingEnabled lets the account send, or not.
func (s *Service) UpdateAccountSendingEnabled(ctx context.Context, call *aws.Call, in *api.UpdateAccountSendingEnabledInput) (*api.UpdateAccountSendingEnabledOutput, error) {
	return &api.UpdateAccountSendingEnabledOutput{}, s.changeAccount(ctx, call, func(row *account) { row.Paused = !aws.Value(in.Enabled) })
}
