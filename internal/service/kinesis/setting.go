package kinesis

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxHours = 8760

// IncreaseStreamRetentionPeriod keeps records longer.
func (s *Service) IncreaseStreamRetentionPeriod(ctx context.Context, call *aws.Call, in *api.IncreaseStreamRetentionPeriodInput) (*api.IncreaseStreamRetentionPeriodOutput, error) {
	err := s.setHours(ctx, call, in, in.RetentionPeriodHours, func(name string, had int32) error {
		if in.RetentionPeriodHours < had {
			return api.InvalidArgumentException.Errorf("Requested retention period (%d hours) for stream %s can not be shorter than existing retention period (%d hours). Use DecreaseRetentionPeriod API.", in.RetentionPeriodHours, name, had)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.IncreaseStreamRetentionPeriodOutput{}, nil
}

// DecreaseStreamRetentionPeriod keeps records for less time.
func (s *Service) DecreaseStreamRetentionPeriod(ctx context.Context, call *aws.Call, in *api.DecreaseStreamRetentionPeriodInput) (*api.DecreaseStreamRetentionPeriodOutput, error) {
	err := s.setHours(ctx, call, in, in.RetentionPeriodHours, func(name string, had int32) error {
		if in.RetentionPeriodHours > had {
			return api.InvalidArgumentException.Errorf("Requested retention period (%d hours) for stream %s can not be longer than existing retention period (%d hours). Use IncreaseRetentionPeriod API.", in.RetentionPeriodHours, name, had)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DecreaseStreamRetentionPeriodOutput{}, nil
}

func (s *Service) setHours(ctx context.Context, call *aws.Call, in names, hours int32, check func(name string, had int32) error) error {
	switch {
	case hours < usualHours:
		return api.InvalidArgumentException.Errorf("Minimum allowed retention period is 24 hours. Requested retention period (%d hours) is too short.", hours)
	case hours > maxHours:
		return api.InvalidArgumentException.Errorf("Maximum allowed retention period is %d hours. Requested retention period (%d hours) is too long.", maxHours, hours)
	}
	return s.change(ctx, call, in, func(_ *store.Tx, arn aws.ARN, row *stream) error {
		if err := check(streamName(arn), row.Hours); err != nil {
			return err
		}
		row.Hours = hours
		return nil
	})
}

// UpdateStreamMode changes whether a stream is provisioned or on demand.
func (s *Service) UpdateStreamMode(ctx context.Context, call *aws.Call, in *api.UpdateStreamModeInput) (*api.UpdateStreamModeOutput, error) {
	err := s.change(ctx, call, byARN(in.StreamARN), func(tx *store.Tx, _ aws.ARN, row *stream) error {
		row.Mode = in.StreamModeDetails.StreamMode
		if row.Warm = in.WarmThroughputMiBps; row.Warm != nil {
			return checkWarm(tx, call, row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateStreamModeOutput{}, nil
}

// StartStreamEncryption notes the key that records are to be encrypted with.
func (s *Service) StartStreamEncryption(ctx context.Context, call *aws.Call, in *api.StartStreamEncryptionInput) (*api.StartStreamEncryptionOutput, error) {
	if in.EncryptionType != api.EncryptionTypeKms {
		return nil, api.InvalidArgumentException.Errorf("EncryptionType must be KMS.")
	}
	err := s.change(ctx, call, in, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		row.Key = in.KeyId
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.StartStreamEncryptionOutput{}, nil
}

// StopStreamEncryption is the reverse of StartStreamEncryption.
func (s *Service) StopStreamEncryption(ctx context.Context, call *aws.Call, in *api.StopStreamEncryptionInput) (*api.StopStreamEncryptionOutput, error) {
	err := s.change(ctx, call, in, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		row.Key = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.StopStreamEncryptionOutput{}, nil
}

// shardMetrics are all metrics of shards.
var shardMetrics = []string{
	api.MetricsNameIncomingBytes, api.MetricsNameIncomingRecords, api.MetricsNameOutgoingBytes, api.MetricsNameOutgoingRecords,
	api.MetricsNameWriteProvisionedThroughputExceeded, api.MetricsNameReadProvisionedThroughputExceeded, api.MetricsNameIteratorAgeMilliseconds,
}

// EnableEnhancedMonitoring asks for metrics of shards.
func (s *Service) EnableEnhancedMonitoring(ctx context.Context, call *aws.Call, in *api.EnableEnhancedMonitoringInput) (*api.EnableEnhancedMonitoringOutput, error) {
	out := &api.EnableEnhancedMonitoringOutput{}
	err := s.monitor(ctx, call, in, &out.CurrentShardLevelMetrics, &out.DesiredShardLevelMetrics, func(m string, had bool) bool {
		return had || names1(in.ShardLevelMetrics, m)
	})
	if err != nil {
		return nil, err
	}
	arn, _ := meant(call, in)
	out.StreamName, out.StreamARN = new(streamName(arn)), new(arn.String())
	return out, nil
}

// DisableEnhancedMonitoring is the reverse of EnableEnhancedMonitoring.
func (s *Service) DisableEnhancedMonitoring(ctx context.Context, call *aws.Call, in *api.DisableEnhancedMonitoringInput) (*api.DisableEnhancedMonitoringOutput, error) {
	out := &api.DisableEnhancedMonitoringOutput{}
	err := s.monitor(ctx, call, in, &out.CurrentShardLevelMetrics, &out.DesiredShardLevelMetrics, func(m string, had bool) bool {
		return had && !names1(in.ShardLevelMetrics, m)
	})
	if err != nil {
		return nil, err
	}
	arn, _ := meant(call, in)
	out.StreamName, out.StreamARN = new(streamName(arn)), new(arn.String())
	return out, nil
}

// names1 reports whether a list names a metric, or all.
func names1(list []string, metric string) bool {
	return slices.Contains(list, metric) || slices.Contains(list, api.MetricsNameAll)
}

// monitor sets which metrics a stream is asked for, and tells those before and after.
func (s *Service) monitor(ctx context.Context, call *aws.Call, in names, current, desired *[]string, wanted func(metric string, had bool) bool) error {
	return s.change(ctx, call, in, func(_ *store.Tx, _ aws.ARN, row *stream) error {
		*current = append([]string{}, row.Metrics...)
		row.Metrics = nil
		for _, m := range shardMetrics {
			if wanted(m, slices.Contains(*current, m)) {
				row.Metrics = append(row.Metrics, m)
			}
		}
		*desired = append([]string{}, row.Metrics...)
		return nil
	})
}
