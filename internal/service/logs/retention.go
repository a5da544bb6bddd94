package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// days are the retentions that there are.
var days = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// PutRetentionPolicy says how long a log group keeps events.
func (s *Service) PutRetentionPolicy(ctx context.Context, call *aws.Call, in *api.PutRetentionPolicyInput) (*api.PutRetentionPolicyOutput, error) {
	if !slices.Contains(days, in.RetentionInDays) {
		set := strings.ReplaceAll(fmt.Sprint(days), " ", ", ")
		return nil, api.InvalidParameterException.Errorf("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: %s", in.RetentionInDays, set)
	}
	if err := s.retain(ctx, groupARN(call, in.LogGroupName), in.RetentionInDays); err != nil {
		return nil, err
	}
	return &api.PutRetentionPolicyOutput{}, nil
}

// DeleteRetentionPolicy lets a log group keep events for ever.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, call *aws.Call, in *api.DeleteRetentionPolicyInput) (*api.DeleteRetentionPolicyOutput, error) {
	if err := s.retain(ctx, groupARN(call, in.LogGroupName), 0); err != nil {
		return nil, err
	}
	return &api.DeleteRetentionPolicyOutput{}, nil
}

// retain sets the retention of a group in days, 0 for ever.
func (s *Service) retain(ctx context.Context, arn aws.ARN, days int32) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		row, err := findGroup(tx, arn)
		if err != nil {
			return err
		}
		row.Days = days
		if days == 0 {
			return errors.Join(groups.Put(tx, arn, row), retentions.Delete(tx, arn))
		}
		tx.AfterCommit(s.expiry.Ring)
		return errors.Join(groups.Put(tx, arn, row), retentions.Put(tx, arn, retention{Due: time.Now()}))
	})
}
