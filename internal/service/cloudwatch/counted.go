package cloudwatch

import (
	"context"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/cloudwatch"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/store"
)

const idle = 24 * time.Hour

// keepCounted keeps what was counted of other services once the minute of it is
// over, or when the platform stops. What services hold is measured then too, as
// long as it is in use.
func (s *Service) keepCounted(ctx context.Context) (time.Duration, error) {
	due := s.due()
	if due.IsZero() {
		return idle, nil
	}
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	used := false
	if s.Gauge != nil && ctx.Err() == nil {
		var err error
		if used, err = s.Gauge(ctx); err != nil {
			return 0, err
		}
	}
	if err := s.settle(context.WithoutCancel(ctx)); err != nil {
		return 0, err
	}
	s.Meter.Rest()
	s.gauged = time.Time{}
	if used {
		s.gauged = due.Add(time.Minute)
	}
	if next := s.due(); !next.IsZero() {
		return time.Until(next), nil
	}
	return idle, nil
}

// due is when what was counted is to be kept, or what services hold measured;
// zero is never.
func (s *Service) due() time.Time {
	if since := s.Meter.Since(); !since.IsZero() {
		return since.Truncate(time.Minute).Add(time.Minute)
	}
	return s.gauged
}

// settle has all that was counted so far in metrics.
func (s *Service) settle(ctx context.Context) error {
	counted := s.Meter.Take()
	if len(counted) == 0 {
		return nil
	}
	samples := make(map[aws.ARN][]sample)
	for i := range counted {
		c := &counted[i]
		of := aws.ARN{Service: "cloudwatch", Account: c.Of.Account, Region: c.Of.Region, Resource: "metric"}
		samples[of] = append(samples[of], sample{metric: metricOf(c), at: c.At, unit: unitOf(c.Unit), set: c.Set})
	}
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		now := time.Now()
		for of, list := range samples {
			if err := s.put(tx, of, list, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// metricOf is the metric that was counted.
func metricOf(c *meter.Sample) metric {
	var dimensions []api.Dimension
	for _, d := range [...]api.Dimension{{Name: c.Of.Name1, Value: c.Of.Value1}, {Name: c.Of.Name2, Value: c.Of.Value2}} {
		if d.Name != "" {
			dimensions = append(dimensions, d)
		}
	}
	return newMetric(c.Of.Namespace, c.Metric, dimensions)
}
