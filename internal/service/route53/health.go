package route53

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/route53"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func errNoCheck(id string) error {
	return api.NoSuchHealthCheck.Errorf("A health check with id %s does not exist.", id)
}

func findCheck(tx *store.Tx, call *aws.Call, id string) (aws.ARN, check, error) {
	arn := keyOf(call, checkKind, id)
	c, err := checks.Get(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return arn, c, errNoCheck(id)
	}
	return arn, c, err
}

func (c *check) describe(arn aws.ARN) *api.HealthCheck {
	return &api.HealthCheck{Id: idOf(arn), CallerReference: c.Reference, HealthCheckConfig: &c.Config, HealthCheckVersion: c.Version}
}

// complete fills in what is usual.
func complete(in *api.HealthCheckConfig) api.HealthCheckConfig {
	c := *in
	c.Inverted, c.Disabled = new(aws.Value(c.Inverted)), new(aws.Value(c.Disabled))
	if c.Type == "CALCULATED" || c.Type == "CLOUDWATCH_METRIC" || c.Type == "RECOVERY_CONTROL" {
		return c
	}
	c.RequestInterval, c.FailureThreshold = new(aws.Or(c.RequestInterval, 30)), new(aws.Or(c.FailureThreshold, 3))
	c.MeasureLatency = new(aws.Value(c.MeasureLatency))
	c.EnableSNI = new(aws.Or(c.EnableSNI, strings.HasPrefix(c.Type, "HTTPS")))
	if c.Port == nil && c.Type != "TCP" {
		c.Port = new(int32(80))
		if strings.HasPrefix(c.Type, "HTTPS") {
			c.Port = new(int32(443))
		}
	}
	return c
}

// CreateHealthCheck keeps a health check.
func (s *Service) CreateHealthCheck(ctx context.Context, call *aws.Call, in *api.CreateHealthCheckInput) (*api.CreateHealthCheckOutput, error) {
	c := check{Reference: in.CallerReference, Config: complete(in.HealthCheckConfig), Version: 1}
	if c.Config.Type == "TCP" && c.Config.Port == nil {
		return nil, api.InvalidInput.Errorf("Invalid parameter : Port must be specified for TCP health checks")
	}
	arn := keyOf(call, checkKind, aws.NewRequestID())
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		for was, old := range checks.Scan(tx, shelf(call)) {
			if old.Reference != c.Reference {
				continue
			}
			if !reflect.DeepEqual(old.Config, c.Config) {
				return api.HealthCheckAlreadyExists.Errorf("The health check you attempted to create has a CallerReference that already exists.")
			}
			arn, c = was, old
			return nil
		}
		if err := homes.Put(tx, homeOf(arn), call.Account); err != nil {
			return err
		}
		s.changed(tx)
		return checks.Put(tx, arn, c)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateHealthCheckOutput{HealthCheck: c.describe(arn), Location: "https://route53.amazonaws.com/2013-04-01/healthcheck/" + idOf(arn)}, nil
}

// GetHealthCheck tells all about a health check.
func (s *Service) GetHealthCheck(ctx context.Context, call *aws.Call, in *api.GetHealthCheckInput) (*api.GetHealthCheckOutput, error) {
	out := &api.GetHealthCheckOutput{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		arn, c, err := findCheck(tx, call, in.HealthCheckId)
		out.HealthCheck = c.describe(arn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateHealthCheck changes what is given of a health check.
func (s *Service) UpdateHealthCheck(ctx context.Context, call *aws.Call, in *api.UpdateHealthCheckInput) (*api.UpdateHealthCheckOutput, error) {
	out := &api.UpdateHealthCheckOutput{}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, c, err := findCheck(tx, call, in.HealthCheckId)
		if err != nil {
			return err
		}
		if in.HealthCheckVersion != nil && *in.HealthCheckVersion != c.Version {
			return api.HealthCheckVersionMismatch.Errorf("The value of HealthCheckVersion in the request doesn't match the value of HealthCheckVersion in the health check.")
		}
		for _, name := range in.ResetElements {
			switch name {
			case "FullyQualifiedDomainName":
				c.Config.FullyQualifiedDomainName = nil
			case "Regions":
				c.Config.Regions = nil
			case "ResourcePath":
				c.Config.ResourcePath = nil
			case "ChildHealthChecks":
				c.Config.ChildHealthChecks = nil
			}
		}
		given, config := reflect.ValueOf(in).Elem(), reflect.ValueOf(&c.Config).Elem()
		for i := range config.NumField() { // members of the same name and type
			v := given.FieldByName(config.Type().Field(i).Name)
			if v.IsValid() && !v.IsZero() {
				config.Field(i).Set(v)
			}
		}
		c.Version++
		out.HealthCheck = c.describe(arn)
		return checks.Put(tx, arn, c)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteHealthCheck removes a health check.
func (s *Service) DeleteHealthCheck(ctx context.Context, call *aws.Call, in *api.DeleteHealthCheckInput) (*api.DeleteHealthCheckOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findCheck(tx, call, in.HealthCheckId)
		if err != nil {
			return err
		}
		s.changed(tx)
		if err := homes.Delete(tx, homeOf(arn)); err != nil {
			return err
		}
		return checks.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteHealthCheckOutput{}, nil
}

func (s *Service) healthChecks(ctx context.Context, call *aws.Call) ([]api.HealthCheck, error) {
	var out []api.HealthCheck
	err := s.db.View(ctx, func(tx *store.Tx) error {
		out = []api.HealthCheck{}
		for arn, c := range checks.Scan(tx, shelf(call)) {
			out = append(out, *c.describe(arn))
		}
		return tx.Err()
	})
	return out, err
}

// ListHealthChecks lists the health checks of an account.
func (s *Service) ListHealthChecks(ctx context.Context, call *aws.Call, in *api.ListHealthChecksInput) (*api.ListHealthChecksOutput, error) {
	n, text, err := limit(in.MaxItems)
	if err != nil {
		return nil, err
	}
	found, err := s.healthChecks(ctx, call)
	if err != nil {
		return nil, err
	}
	marker := aws.Value(in.Marker)
	i, _ := slices.BinarySearchFunc(found, marker, func(c api.HealthCheck, id string) int { return cmp.Compare(c.Id, id) })
	out := &api.ListHealthChecksOutput{HealthChecks: found[i:], Marker: marker, MaxItems: text}
	if len(out.HealthChecks) > n {
		out.IsTruncated, out.NextMarker, out.HealthChecks = true, &out.HealthChecks[n].Id, out.HealthChecks[:n]
	}
	return out, nil
}

// GetHealthCheckCount counts the health checks of an account.
func (s *Service) GetHealthCheckCount(ctx context.Context, call *aws.Call, _ *api.GetHealthCheckCountInput) (*api.GetHealthCheckCountOutput, error) {
	found, err := s.healthChecks(ctx, call)
	if err != nil {
		return nil, err
	}
	return &api.GetHealthCheckCountOutput{HealthCheckCount: int64(len(found))}, nil
}
