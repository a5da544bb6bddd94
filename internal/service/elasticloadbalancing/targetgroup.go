package elasticloadbalancing

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxGroups = 3000

// CreateTargetGroup makes a target group. One that is there already, and the
// same, is returned.
func (s *Service) CreateTargetGroup(ctx context.Context, call *aws.Call, in *api.CreateTargetGroupInput) (*api.CreateTargetGroupOutput, error) {
	g := group{TargetGroup: api.TargetGroup{
		TargetGroupName: &in.Name, Protocol: in.Protocol, Port: in.Port, VpcId: in.VpcId, ProtocolVersion: in.ProtocolVersion,
		HealthCheckProtocol: in.HealthCheckProtocol, HealthCheckPort: in.HealthCheckPort, HealthCheckEnabled: in.HealthCheckEnabled, HealthCheckPath: in.HealthCheckPath,
		HealthCheckIntervalSeconds: in.HealthCheckIntervalSeconds, HealthCheckTimeoutSeconds: in.HealthCheckTimeoutSeconds,
		HealthyThresholdCount: in.HealthyThresholdCount, UnhealthyThresholdCount: in.UnhealthyThresholdCount, Matcher: in.Matcher,
		TargetType: new(aws.Or(in.TargetType, api.TargetTypeEnumInstance)), IpAddressType: new(aws.Or(in.IpAddressType, api.TargetGroupIpAddressTypeEnumIpv4)),
	}}
	if err := checkGroup(&g); err != nil {
		return nil, err
	}
	var err error
	if g.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	completeGroup(&g)
	arn := call.ARN(serviceName, groups.prefix+in.Name+"/"+newID())
	g.TargetGroupArn = new(arn.String())
	var out api.TargetGroup
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		count := 0
		for at, other := range groups.of(tx, arn) {
			count++
			if *other.TargetGroupName != in.Name {
				continue
			}
			if !sameGroup(&other.TargetGroup, &g.TargetGroup) {
				return api.DuplicateTargetGroupNameException.Errorf("A target group with the same name '%s' exists, but with different settings", in.Name)
			}
			out, err = describeGroup(tx, at, &other)
			return err
		}
		if count >= maxGroups {
			return api.TooManyTargetGroupsException.Errorf("The maximum number of target groups has been reached")
		}
		out = g.TargetGroup
		out.LoadBalancerArns = []string{}
		s.index.Changed(tx)
		return groups.Put(tx, arn, g)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateTargetGroupOutput{TargetGroups: []api.TargetGroup{out}}, nil
}

func sameGroup(a, b *api.TargetGroup) bool {
	return *a.TargetType == *b.TargetType && aws.Value(a.Protocol) == aws.Value(b.Protocol) && aws.Value(a.Port) == aws.Value(b.Port) && aws.Value(a.VpcId) == aws.Value(b.VpcId)
}

// checkGroup refuses what no target group can be.
func checkGroup(g *group) error {
	name, protocol := *g.TargetGroupName, aws.Value(g.Protocol)
	if err := checkName("target group", name); err != nil {
		return err
	}
	if g.is(api.TargetTypeEnumLambda) {
		switch {
		case g.Protocol != nil:
			return bad("Protocol cannot be specified for target groups with target type 'lambda'")
		case g.Port != nil:
			return bad("Port cannot be specified for target groups with target type 'lambda'")
		case g.VpcId != nil:
			return bad("VPC ID cannot be specified for target groups with target type 'lambda'")
		}
		return nil
	}
	switch protocol {
	case api.ProtocolEnumHttp, api.ProtocolEnumHttps, api.ProtocolEnumTcp, api.ProtocolEnumTls:
	case "":
		return bad("A target group protocol must be specified")
	default:
		return notYet("target groups for " + protocol)
	}
	switch {
	case g.Port == nil:
		return bad("A target group port must be specified")
	case g.VpcId == nil:
		return bad("A VPC ID must be specified")
	case g.is(api.TargetTypeEnumAlb) && protocol != api.ProtocolEnumTcp:
		return bad("Target group protocol '%s' is not supported with target type 'alb'", protocol)
	case aws.Value(g.ProtocolVersion) == "GRPC":
		return notYet("target groups for gRPC")
	}
	return nil
}

// completeGroup sets what a target group leaves out.
func completeGroup(g *group) {
	usual := func(at **int32, n int32) { *at = new(aws.Or(*at, n)) }
	protocol := aws.Value(g.Protocol)
	interval, timeout, threshold := int32(30), int32(5), int32(2)
	checks := api.ProtocolEnumHttp
	switch {
	case g.is(api.TargetTypeEnumLambda):
		interval, timeout = 35, 30
		g.HealthCheckEnabled = new(aws.Or(g.HealthCheckEnabled, false))
	case g.is(api.TargetTypeEnumAlb):
		timeout, threshold = 6, 2
	case isTCP(protocol):
		timeout, threshold, checks = 10, 2, api.ProtocolEnumTcp
	}
	if !g.is(api.TargetTypeEnumLambda) {
		g.HealthCheckEnabled = new(true)
		g.HealthCheckProtocol = new(aws.Or(g.HealthCheckProtocol, checks))
		g.HealthCheckPort = new(aws.Or(g.HealthCheckPort, "traffic-port"))
		if !isTCP(protocol) {
			g.ProtocolVersion = new(aws.Or(g.ProtocolVersion, "HTTP1"))
		}
	}
	usual(&g.HealthCheckIntervalSeconds, interval)
	usual(&g.HealthCheckTimeoutSeconds, timeout)
	usual(&g.HealthyThresholdCount, 5)
	usual(&g.UnhealthyThresholdCount, threshold)
	if g.is(api.TargetTypeEnumLambda) || strings.HasPrefix(aws.Value(g.HealthCheckProtocol), api.ProtocolEnumHttp) {
		g.HealthCheckPath = new(aws.Or(g.HealthCheckPath, "/"))
		if g.Matcher == nil {
			g.Matcher = &api.Matcher{HttpCode: new("200")}
		}
	}
}

// describeGroup is a target group as answers show it.
func describeGroup(tx *store.Tx, arn aws.ARN, g *group) (api.TargetGroup, error) {
	out := g.TargetGroup
	users, err := usersOf(tx, arn)
	out.LoadBalancerArns = append([]string{}, users...)
	return out, err
}

// DescribeTargetGroups tells of target groups: those that are service.Named, those of a
// load balancer, or all.
func (s *Service) DescribeTargetGroups(ctx context.Context, call *aws.Call, in *api.DescribeTargetGroupsInput) (*api.DescribeTargetGroupsOutput, error) {
	all := []api.TargetGroup{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		if in.LoadBalancerArn != nil {
			if _, _, err := balancers.find(tx, call, *in.LoadBalancerArn); err != nil {
				return err
			}
		}
		missing := len(in.Names) + len(in.TargetGroupArns)
		named := missing > 0
		for arn, g := range groups.of(tx, call.ARN(serviceName, "")) {
			wanted := slices.Contains(in.Names, *g.TargetGroupName) || slices.Contains(in.TargetGroupArns, arn.String())
			if wanted {
				missing--
			}
			if named && !wanted {
				continue
			}
			shown, err := describeGroup(tx, arn, &g)
			if err != nil {
				return err
			}
			if in.LoadBalancerArn == nil || slices.Contains(shown.LoadBalancerArns, *in.LoadBalancerArn) {
				all = append(all, shown)
			}
		}
		if missing > 0 {
			return groups.missing("")
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeTargetGroupsOutput)
	out.TargetGroups, out.NextMarker = page(all, in.PageSize, in.Marker, func(g *api.TargetGroup) string { return *g.TargetGroupArn })
	return out, nil
}

// changeGroup changes a target group.
func (s *Service) changeGroup(ctx context.Context, call *aws.Call, text string, change func(tx *store.Tx, arn aws.ARN, g *group) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, g, err := groups.find(tx, call, text)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &g); err != nil {
			return err
		}
		s.index.Changed(tx)
		return groups.Put(tx, arn, g)
	})
}

// ModifyTargetGroup changes how the health of targets is checked.
func (s *Service) ModifyTargetGroup(ctx context.Context, call *aws.Call, in *api.ModifyTargetGroupInput) (*api.ModifyTargetGroupOutput, error) {
	var out api.TargetGroup
	err := s.changeGroup(ctx, call, in.TargetGroupArn, func(tx *store.Tx, arn aws.ARN, g *group) (err error) {
		setIf(&g.HealthCheckProtocol, in.HealthCheckProtocol)
		setIf(&g.HealthCheckPort, in.HealthCheckPort)
		setIf(&g.HealthCheckPath, in.HealthCheckPath)
		setIf(&g.HealthCheckEnabled, in.HealthCheckEnabled)
		setIf(&g.HealthCheckIntervalSeconds, in.HealthCheckIntervalSeconds)
		setIf(&g.HealthCheckTimeoutSeconds, in.HealthCheckTimeoutSeconds)
		setIf(&g.HealthyThresholdCount, in.HealthyThresholdCount)
		setIf(&g.UnhealthyThresholdCount, in.UnhealthyThresholdCount)
		setIf(&g.Matcher, in.Matcher)
		if !g.is(api.TargetTypeEnumLambda) && !*g.HealthCheckEnabled {
			return bad("Health checks cannot be disabled for target groups with target type '%s'", *g.TargetType)
		}
		out, err = describeGroup(tx, arn, g)
		return err
	})
	return &api.ModifyTargetGroupOutput{TargetGroups: []api.TargetGroup{out}}, err
}

func setIf[T any](at **T, to *T) {
	if to != nil {
		*at = to
	}
}

// DeleteTargetGroup removes a target group that nothing leads to. That there is
// none is no failure.
func (s *Service) DeleteTargetGroup(ctx context.Context, call *aws.Call, in *api.DeleteTargetGroupInput) (*api.DeleteTargetGroupOutput, error) {
	arn, err := groups.parse(call, in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if users, err := usersOf(tx, arn); err != nil || len(users) > 0 {
			return errorOr(err, api.ResourceInUseException.Errorf("Target group '%s' is currently in use by a listener or a rule", in.TargetGroupArn))
		}
		s.index.Changed(tx)
		return groups.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteTargetGroupOutput{}, nil
}

func errorOr(err, or error) error {
	if err != nil {
		return err
	}
	return or
}
