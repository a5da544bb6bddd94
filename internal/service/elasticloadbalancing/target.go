package elasticloadbalancing

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/store"
)

const maxTargets = 1000 // of a group

// RegisterTargets adds targets to a group.
func (s *Service) RegisterTargets(ctx context.Context, call *aws.Call, in *api.RegisterTargetsInput) (*api.RegisterTargetsOutput, error) {
	var kind string
	err := s.db.View(ctx, func(tx *store.Tx) error {
		_, g, err := groups.find(tx, call, in.TargetGroupArn)
		kind = aws.Value(g.TargetType)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if err := s.checkTarget(ctx, in.TargetGroupArn, kind, &t); err != nil {
			return nil, err
		}
	}
	err = s.changeGroup(ctx, call, in.TargetGroupArn, func(tx *store.Tx, _ aws.ARN, g *group) error {
		g.Targets = slices.Clone(g.Targets)
		for _, t := range in.Targets {
			if kind == api.TargetTypeEnumAlb {
				if _, _, err := balancers.find(tx, call, t.Id); err != nil {
					return api.InvalidTargetException.Errorf("The following targets are not valid application load balancers: '%s'", t.Id)
				}
			}
			if g.target(&t) < 0 {
				g.Targets = append(g.Targets, t)
			}
		}
		switch single := kind == api.TargetTypeEnumLambda || kind == api.TargetTypeEnumAlb; {
		case single && len(g.Targets) > 1:
			return api.TooManyTargetsException.Errorf("Only one target can be registered with target groups of target type '%s'", kind)
		case len(g.Targets) > maxTargets:
			return api.TooManyTargetsException.Errorf("The maximum number of targets has been reached for target group '%s'", in.TargetGroupArn)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.RegisterTargetsOutput{}, nil
}

// target is where t is among the targets of g, or -1.
func (g *group) target(t *api.TargetDescription) int {
	return slices.IndexFunc(g.Targets, func(has api.TargetDescription) bool { return has.Id == t.Id && g.port(&has) == g.port(t) })
}

// port is that of a target of g: its own, or the group's.
func (g *group) port(t *api.TargetDescription) int32 { return aws.Or(t.Port, aws.Value(g.Port)) }

// checkTarget refuses what no group of the kind can have.
func (s *Service) checkTarget(ctx context.Context, of, kind string, t *api.TargetDescription) error {
	switch kind {
	case api.TargetTypeEnumLambda:
		return s.checkFunction(ctx, of, t)
	case api.TargetTypeEnumIp:
		if _, err := netip.ParseAddr(t.Id); err != nil {
			return bad("The IP address '%s' is not a valid IPv4 address", t.Id)
		}
	case api.TargetTypeEnumInstance:
		if !strings.HasPrefix(t.Id, "i-") {
			return bad("Instance ID '%s' is not valid", t.Id)
		}
	}
	return nil
}

// checkFunction refuses a function that the load balancer may not invoke.
func (s *Service) checkFunction(ctx context.Context, of string, t *api.TargetDescription) error {
	arn, err := aws.ParseARN(t.Id)
	if err != nil || arn.Service != "lambda" {
		return bad("'%s' is not a valid function ARN", t.Id)
	}
	group, err := aws.ParseARN(of)
	if err != nil {
		return err
	}
	_, err = dispatch.CallChecked(ctx, s.cfg.Table, aws.ServiceCall(serviceName, group), lambda.Invoke, &lambda.InvokeInput{FunctionName: t.Id, InvocationType: new(lambda.InvocationTypeDryRun)})
	switch {
	case errors.Is(err, aws.AccessDenied):
		return aws.AccessDenied.Errorf("elasticloadbalancing principal does not have permission to invoke %s from target group %s", t.Id, of)
	case err != nil:
		return api.InvalidTargetException.Errorf("The following targets are not valid: '%s': %s", t.Id, aws.Refusal(err).Message)
	}
	return nil
}

// DeregisterTargets takes targets from a group.
func (s *Service) DeregisterTargets(ctx context.Context, call *aws.Call, in *api.DeregisterTargetsInput) (*api.DeregisterTargetsOutput, error) {
	err := s.changeGroup(ctx, call, in.TargetGroupArn, func(_ *store.Tx, _ aws.ARN, g *group) error {
		g.Targets = slices.DeleteFunc(slices.Clone(g.Targets), func(has api.TargetDescription) bool {
			return slices.ContainsFunc(in.Targets, func(t api.TargetDescription) bool {
				return has.Id == t.Id && (t.Port == nil || g.port(&has) == *t.Port)
			})
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &api.DeregisterTargetsOutput{}, nil
}

// DescribeTargetHealth asks the targets of a group how they are, and tells.
func (s *Service) DescribeTargetHealth(ctx context.Context, call *aws.Call, in *api.DescribeTargetHealthInput) (*api.DescribeTargetHealthOutput, error) {
	var g group
	used := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		var arn aws.ARN
		if arn, g, err = groups.find(tx, call, in.TargetGroupArn); err != nil {
			return err
		}
		users, err := usersOf(tx, arn)
		used = len(users) > 0
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted := in.Targets
	if wanted == nil {
		wanted = g.Targets
	}
	out := &api.DescribeTargetHealthOutput{TargetHealthDescriptions: []api.TargetHealthDescription{}}
	for _, t := range wanted {
		d := api.TargetHealthDescription{Target: &t}
		switch at := g.target(&t); {
		case at < 0:
			d.TargetHealth = health(api.TargetHealthStateEnumUnused, api.TargetHealthReasonEnumTargetNotRegistered, "Target is not registered to the target group")
		case !used:
			d.TargetHealth = health(api.TargetHealthStateEnumUnused, api.TargetHealthReasonEnumTargetNotInUse, "Target group is not configured to receive traffic from the load balancer")
		default:
			d.TargetHealth = s.examine(ctx, &g, &g.Targets[at])
		}
		if !g.is(api.TargetTypeEnumLambda) {
			d.HealthCheckPort = new(g.checkedPort(&t))
			if t.Port == nil {
				t.Port = g.Port
			}
		}
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, d)
	}
	return out, nil
}

func health(state, reason, words string) *api.TargetHealth {
	h := &api.TargetHealth{State: &state}
	if reason != "" {
		h.Reason, h.Description = &reason, &words
	}
	return h
}

// checkedPort is where the health of a target is asked for.
func (g *group) checkedPort(t *api.TargetDescription) string {
	if p := aws.Value(g.HealthCheckPort); p != "" && p != "traffic-port" {
		return p
	}
	return itoa(g.port(t))
}

// examine asks a target how it is.
func (s *Service) examine(ctx context.Context, g *group, t *api.TargetDescription) *api.TargetHealth {
	if !*g.HealthCheckEnabled {
		return health(api.TargetHealthStateEnumUnavailable, api.TargetHealthReasonEnumTargetHealthCheckDisabled, "Health checks are not enabled for this target")
	}
	ctx, done := context.WithTimeout(ctx, time.Duration(*g.HealthCheckTimeoutSeconds)*time.Second)
	defer done()
	status, err := s.probe(ctx, g, t)
	switch {
	case ctx.Err() != nil:
		return health(api.TargetHealthStateEnumUnhealthy, api.TargetHealthReasonEnumTargetTimeout, "Request timed out")
	case err != nil:
		return health(api.TargetHealthStateEnumUnhealthy, api.TargetHealthReasonEnumTargetFailedHealthChecks, "Health checks failed")
	case g.Matcher != nil && !inCodes(aws.Value(g.Matcher.HttpCode), status):
		return health(api.TargetHealthStateEnumUnhealthy, api.TargetHealthReasonEnumTargetResponseCodeMismatch, "Health checks failed with these codes: ["+strconv.Itoa(status)+"]")
	}
	return health(api.TargetHealthStateEnumHealthy, "", "")
}

// probe makes the request of a health check, and returns the status of the answer.
func (s *Service) probe(ctx context.Context, g *group, t *api.TargetDescription) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.Id+aws.Or(g.HealthCheckPath, "/"), nil)
	if g.is(api.TargetTypeEnumLambda) || g.is(api.TargetTypeEnumAlb) {
		r, err = http.NewRequestWithContext(ctx, http.MethodGet, "http://target"+aws.Or(g.HealthCheckPath, "/"), nil)
	}
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	v := newTarget(g, t)
	if g.is(api.TargetTypeEnumLambda) {
		r.Header.Set("X-Amzn-Trace-Id", newTrace())
		a, err := s.invoke(ctx, v, r, nil)
		if err != nil {
			return 0, err
		}
		return a.Status, nil
	}
	v.scheme, v.port = strings.ToLower(strings.Replace(aws.Value(g.HealthCheckProtocol), api.ProtocolEnumTcp, api.ProtocolEnumHttp, 1)), g.checkedPort(t)
	resp, err := s.roundTrip(v, r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// inCodes reports whether a status is one of "200", "200,301" or "200-299".
func inCodes(codes string, status int) bool {
	for part := range strings.SplitSeq(codes, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		low, err := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if err == nil && err2 == nil && low <= status && status <= high {
			return true
		}
	}
	return false
}
