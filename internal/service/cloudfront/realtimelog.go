package cloudfront

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/cloudfront"
	"github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/accesslog"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	realtimeLog = "realtime" // the stream of lines of logs to streams of Kinesis
	maxRecords  = 500        // of one request to Kinesis
)

func (s *Service) realtimeLogOperations() []service.Operation {
	const lacks = "What only AWS knows of a viewer, its country and its network, is a hyphen, as are fields of media."
	return []service.Operation{
		service.OpEach(api.CreateRealtimeLogConfig, s.CreateRealtimeLogConfig, func(call *aws.Call, in *api.CreateRealtimeLogConfigInput, check func(service.Access) error) error {
			return checkRealtime("CreateRealtimeLogConfig", realtimeLogs.arn(call, in.Name), in.EndPoints, check)
		}).But(lacks),
		service.Op(api.GetRealtimeLogConfig, s.GetRealtimeLogConfig, func(call *aws.Call, in *api.GetRealtimeLogConfigInput) aws.ARN {
			return realtimeNamed(call, in.Name, in.ARN)
		}),
		service.OpEach(api.UpdateRealtimeLogConfig, s.UpdateRealtimeLogConfig, func(call *aws.Call, in *api.UpdateRealtimeLogConfigInput, check func(service.Access) error) error {
			return checkRealtime("UpdateRealtimeLogConfig", realtimeNamed(call, in.Name, in.ARN), in.EndPoints, check)
		}).But(lacks),
		service.Op(api.DeleteRealtimeLogConfig, s.DeleteRealtimeLogConfig, func(call *aws.Call, in *api.DeleteRealtimeLogConfigInput) aws.ARN {
			return realtimeNamed(call, in.Name, in.ARN)
		}),
		service.Op(api.ListRealtimeLogConfigs, s.ListRealtimeLogConfigs, service.Any),
		service.Op(api.ListDistributionsByRealtimeLogConfig, s.ListDistributionsByRealtimeLogConfig, service.Any),
	}
}

// checkRealtime asks whether the caller may change a configuration, and have
// CloudFront be the roles that it names.
func checkRealtime(action string, arn aws.ARN, to []api.EndPoint, check func(service.Access) error) error {
	if err := check(service.Access{Action: "cloudfront:" + action, Resource: arn}); err != nil {
		return err
	}
	for _, e := range to {
		if e.KinesisStreamConfig == nil {
			continue
		}
		if err := check(auth.PassRole(e.KinesisStreamConfig.RoleARN, "cloudfront")); err != nil {
			return err
		}
	}
	return nil
}

// realtimeNamed is the configuration that a caller means, by its name or its ARN.
func realtimeNamed(call *aws.Call, name, arn *string) aws.ARN {
	if arn != nil {
		return service.Named(*arn)
	}
	return realtimeLogs.arn(call, aws.Value(name))
}

// realtimeOf is the configuration that a behaviour names, or nil.
func realtimeOf(tx *store.Tx, call *aws.Call, b *api.CacheBehavior) (*api.RealtimeLogConfig, error) {
	if aws.Value(b.RealtimeLogConfigArn) == "" {
		return nil, nil
	}
	_, h, err := realtimeLogs.find(tx, call, realtimeLogs.id(service.Named(*b.RealtimeLogConfigArn)))
	return &h.Config, err
}

// realtimeFields are what real-time logs can have.
var realtimeFields = []string{
	"timestamp", "c-ip", "time-to-first-byte", "sc-status", "sc-bytes", "cs-method", "cs-protocol", "cs-host", "cs-uri-stem", "cs-bytes", "x-edge-location", "x-edge-request-id",
	"x-host-header", "time-taken", "cs-protocol-version", "c-ip-version", "cs-user-agent", "cs-referer", "cs-cookie", "cs-uri-query", "x-edge-response-result-type", "x-forwarded-for",
	"ssl-protocol", "ssl-cipher", "x-edge-result-type", "fle-encrypted-fields", "fle-status", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end", "c-port",
	"x-edge-detailed-result-type", "c-country", "cs-accept-encoding", "cs-accept", "cache-behavior-path-pattern", "cs-headers", "cs-header-names", "cs-headers-count",
	"primary-distribution-id", "primary-distribution-dns-name", "origin-fbl", "origin-lbl", "asn",
	"cmcd-encoded-bitrate", "cmcd-buffer-length", "cmcd-buffer-starvation", "cmcd-content-id", "cmcd-object-duration", "cmcd-deadline", "cmcd-measured-throughput",
	"cmcd-next-object-request", "cmcd-next-range-request", "cmcd-object-type", "cmcd-playback-rate", "cmcd-requested-maximum-throughput", "cmcd-streaming-format",
	"cmcd-session-id", "cmcd-stream-type", "cmcd-startup", "cmcd-top-bitrate", "cmcd-version",
	"r-host", "sr-reason", "x-edge-mqcs", "distribution-tenant-id", "connection-id",
}

func checkRealtimeConfig(c *api.RealtimeLogConfig) error {
	switch {
	case c.SamplingRate < 1 || c.SamplingRate > 100:
		return api.InvalidArgument.Errorf("The parameter SamplingRate must be between 1 and 100.")
	case len(c.EndPoints) != 1 || c.EndPoints[0].StreamType != "Kinesis" || c.EndPoints[0].KinesisStreamConfig == nil:
		return api.InvalidArgument.Errorf("The parameter EndPoints must name one Kinesis data stream.")
	case len(c.Fields) == 0:
		return api.InvalidArgument.Errorf("The parameter Fields is required.")
	}
	if arn := service.Named(c.EndPoints[0].KinesisStreamConfig.StreamARN); arn.Service != "kinesis" {
		return api.InvalidArgument.Errorf("The parameter StreamARN is not valid: %s.", c.EndPoints[0].KinesisStreamConfig.StreamARN)
	}
	for _, f := range c.Fields {
		if !slices.Contains(realtimeFields, f) {
			return api.InvalidArgument.Errorf("The parameter Fields contains a field that is not valid: %s.", f)
		}
	}
	return nil
}

// CreateRealtimeLogConfig makes a configuration of real-time logs.
func (s *Service) CreateRealtimeLogConfig(ctx context.Context, call *aws.Call, in *api.CreateRealtimeLogConfigInput) (*api.CreateRealtimeLogConfigOutput, error) {
	c := api.RealtimeLogConfig{ARN: realtimeLogs.arn(call, in.Name).String(), Name: in.Name, SamplingRate: in.SamplingRate, EndPoints: in.EndPoints, Fields: in.Fields}
	if err := checkRealtimeConfig(&c); err != nil {
		return nil, err
	}
	_, h, err := realtimeLogs.create(ctx, s, call, held[api.RealtimeLogConfig]{Config: c}, nil)
	return &api.CreateRealtimeLogConfigOutput{RealtimeLogConfig: &h.Config}, err
}

// GetRealtimeLogConfig returns a configuration.
func (s *Service) GetRealtimeLogConfig(ctx context.Context, call *aws.Call, in *api.GetRealtimeLogConfigInput) (*api.GetRealtimeLogConfigOutput, error) {
	h, err := realtimeLogs.view(ctx, s, call, realtimeLogs.id(realtimeNamed(call, in.Name, in.ARN)))
	return &api.GetRealtimeLogConfigOutput{RealtimeLogConfig: &h.Config}, err
}

// UpdateRealtimeLogConfig changes what it names of a configuration.
func (s *Service) UpdateRealtimeLogConfig(ctx context.Context, call *aws.Call, in *api.UpdateRealtimeLogConfigInput) (*api.UpdateRealtimeLogConfigOutput, error) {
	var h held[api.RealtimeLogConfig]
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, was, err := realtimeLogs.find(tx, call, realtimeLogs.id(realtimeNamed(call, in.Name, in.ARN)))
		if err != nil {
			return err
		}
		h = was
		if in.EndPoints != nil {
			h.Config.EndPoints = in.EndPoints
		}
		if in.Fields != nil {
			h.Config.Fields = in.Fields
		}
		if in.SamplingRate != nil {
			h.Config.SamplingRate = *in.SamplingRate
		}
		if err := checkRealtimeConfig(&h.Config); err != nil {
			return err
		}
		h.Modified = now()
		s.index.Changed(tx)
		return realtimeLogs.rows.Put(tx, arn, h)
	})
	return &api.UpdateRealtimeLogConfigOutput{RealtimeLogConfig: &h.Config}, err
}

// DeleteRealtimeLogConfig removes a configuration that no behaviour names.
func (s *Service) DeleteRealtimeLogConfig(ctx context.Context, call *aws.Call, in *api.DeleteRealtimeLogConfigInput) (*api.DeleteRealtimeLogConfigOutput, error) {
	return &api.DeleteRealtimeLogConfigOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := realtimeLogs.find(tx, call, realtimeLogs.id(realtimeNamed(call, in.Name, in.ARN)))
		if err != nil {
			return err
		}
		err = checkUnused(tx, call, func(b *api.CacheBehavior) bool { return aws.Value(b.RealtimeLogConfigArn) == arn.String() },
			api.RealtimeLogConfigInUse.Errorf("Cannot delete the real-time log configuration because it is attached to one or more cache behaviors."))
		if err != nil {
			return err
		}
		return realtimeLogs.rows.Delete(tx, arn)
	})
}

// ListRealtimeLogConfigs lists the configurations of an account.
func (s *Service) ListRealtimeLogConfigs(ctx context.Context, call *aws.Call, in *api.ListRealtimeLogConfigsInput) (*api.ListRealtimeLogConfigsOutput, error) {
	p, err := pageOf(ctx, s, realtimeLogs, call, in.GetMarker(), in.GetMaxItems(), func(_ aws.ARN, h *held[api.RealtimeLogConfig]) api.RealtimeLogConfig { return h.Config })
	if err != nil {
		return nil, err
	}
	return &api.ListRealtimeLogConfigsOutput{RealtimeLogConfigs: &api.RealtimeLogConfigs{
		Marker: p.Marker, NextMarker: p.Next, MaxItems: p.MaxItems, IsTruncated: p.Truncated, Items: p.Items,
	}}, nil
}

// ListDistributionsByRealtimeLogConfig lists the distributions that tell a
// configuration's stream of requests.
func (s *Service) ListDistributionsByRealtimeLogConfig(ctx context.Context, call *aws.Call, in *api.ListDistributionsByRealtimeLogConfigInput) (*api.ListDistributionsByRealtimeLogConfigOutput, error) {
	arn := realtimeNamed(call, in.RealtimeLogConfigName, in.RealtimeLogConfigArn).String()
	list := &api.DistributionList{Marker: in.GetMarker(), MaxItems: pageSize}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		list.Items = []api.DistributionSummary{}
		for of, d := range distributions.rows.Scan(tx, global(call, "")) {
			if slices.ContainsFunc(behaviors(&d.Config), func(b api.CacheBehavior) bool { return aws.Value(b.RealtimeLogConfigArn) == arn }) {
				list.Items = append(list.Items, summary(of, &d))
			}
		}
		return tx.Err()
	})
	list.Quantity = int32(len(list.Items))
	return &api.ListDistributionsByRealtimeLogConfigOutput{DistributionList: list}, err
}

// sendLines puts lines into the stream of a configuration, as the role that it
// names.
func (s *Service) sendLines(ctx context.Context, arn aws.ARN, lines []accesslog.Line) error {
	var h held[api.RealtimeLogConfig]
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		h, err = realtimeLogs.rows.Get(tx, arn)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil // it went meanwhile
	}
	if err != nil {
		return err
	}
	to := h.Config.EndPoints[0].KinesisStreamConfig
	session, err := s.cfg.Sessions.Assume(ctx, aws.ServiceCall("cloudfront", arn), to.RoleARN)
	if err != nil {
		return fmt.Errorf("%s: %w", arn, err)
	}
	stream := service.Named(to.StreamARN)
	call := session.Call(&aws.Call{Account: stream.Account, Region: stream.Region})
	for some := range slices.Chunk(lines, maxRecords) {
		in := &kinesis.PutRecordsInput{StreamARN: &to.StreamARN}
		for _, line := range some {
			in.Records = append(in.Records, kinesis.PutRecordsRequestEntry{Data: []byte(line.Text), PartitionKey: new(rand.Text())})
		}
		if _, err := dispatch.Call(ctx, s.cfg.Table, call, kinesis.PutRecords, in); err != nil {
			return fmt.Errorf("%s: %w", arn, err)
		}
	}
	return nil
}
