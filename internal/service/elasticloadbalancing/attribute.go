package elasticloadbalancing

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// Attributes that are more than kept.
const (
	deletionProtection = "deletion_protection.enabled"
	idleTimeout        = "idle_timeout.timeout_seconds"
	forwardedFor       = "routing.http.xff_header_processing.mode"
	forwardedPort      = "routing.http.xff_client_port.enabled"
	keepsHost          = "routing.http.preserve_host_header.enabled"
	dropsInvalid       = "routing.http.drop_invalid_header_fields.enabled"
	multiValues        = "lambda.multi_value_headers.enabled"
	stickyOn           = "stickiness.enabled"
	stickyKind         = "stickiness.type"
	stickyLasts        = "stickiness.lb_cookie.duration_seconds"
	appCookie          = "stickiness.app_cookie.cookie_name"
	appLasts           = "stickiness.app_cookie.duration_seconds"
	namesServer        = "routing.http.response.server.enabled"
)

// attributes have what those of a kind are when nobody has changed them.
var (
	balancerAttributes = map[string]string{
		"access_logs.s3.enabled": "false", "access_logs.s3.bucket": "", "access_logs.s3.prefix": "", deletionProtection: "false", "load_balancing.cross_zone.enabled": "true",
		"ipv6.deny_all_igw_traffic": "false", "zonal_shift.config.enabled": "false",
	}
	applicationAttributes = map[string]string{
		idleTimeout: "60", "client_keep_alive.seconds": "3600", "connection_logs.s3.enabled": "false", "connection_logs.s3.bucket": "", "connection_logs.s3.prefix": "",
		"health_check_logs.s3.enabled": "false", "health_check_logs.s3.bucket": "", "health_check_logs.s3.prefix": "",
		"routing.http.desync_mitigation_mode": "defensive", dropsInvalid: "false", keepsHost: "false", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
		forwardedPort: "false", forwardedFor: "append", "routing.http2.enabled": "true", "waf.fail_open.enabled": "false",
	}
	networkAttributes = map[string]string{"dns_record.client_routing_policy": "any_availability_zone", "load_balancing.cross_zone.enabled": "false"}

	groupAttributes = map[string]string{
		"target_group_health.dns_failover.minimum_healthy_targets.count": "1", "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
		"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1", "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
	}
	serverAttributes = map[string]string{
		stickyOn: "false", stickyKind: "lb_cookie", stickyLasts: "86400", appCookie: "", appLasts: "86400", "deregistration_delay.timeout_seconds": "300", "slow_start.duration_seconds": "0",
		"load_balancing.algorithm.type": "round_robin", "load_balancing.algorithm.anomaly_mitigation": "off", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
	}
	streamAttributes = map[string]string{
		stickyOn: "false", stickyKind: "source_ip", "deregistration_delay.timeout_seconds": "300", "deregistration_delay.connection_termination.enabled": "false",
		"proxy_protocol_v2.enabled": "false", "preserve_client_ip.enabled": "true", "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
		"target_health_state.unhealthy.connection_termination.enabled": "true", "target_health_state.unhealthy.draining_interval_seconds": "0",
	}
	functionAttributes = map[string]string{multiValues: "false"}

	listenerAttributes = map[string]string{namesServer: "true"}
)

// given are the response headers that a listener may be told to give, by the
// attribute that has their value.
var given = map[string]string{
	"strict_transport_security": "Strict-Transport-Security", "access_control_allow_origin": "Access-Control-Allow-Origin", "access_control_allow_methods": "Access-Control-Allow-Methods",
	"access_control_allow_headers": "Access-Control-Allow-Headers", "access_control_allow_credentials": "Access-Control-Allow-Credentials", "access_control_expose_headers": "Access-Control-Expose-Headers",
	"access_control_max_age": "Access-Control-Max-Age", "content_security_policy": "Content-Security-Policy", "x_content_type_options": "X-Content-Type-Options", "x_frame_options": "X-Frame-Options",
}

func init() {
	for name := range given {
		listenerAttributes["routing.http.response."+name+".header_value"] = ""
	}
}

// usual are the attributes of b as they are unless changed.
func (b *balancer) usual() map[string]string {
	all := maps.Clone(balancerAttributes)
	if b.network() {
		maps.Copy(all, networkAttributes)
	} else {
		maps.Copy(all, applicationAttributes)
	}
	return all
}

// usual are the attributes of g as they are unless changed.
func (g *group) usual() map[string]string {
	all := maps.Clone(groupAttributes)
	switch {
	case g.is(api.TargetTypeEnumLambda):
		maps.Copy(all, functionAttributes)
	case isTCP(aws.Value(g.Protocol)):
		maps.Copy(all, streamAttributes)
	default:
		maps.Copy(all, serverAttributes)
	}
	return all
}

// An attribute is a name and a value, whatever it is of.
type attribute interface {
	api.LoadBalancerAttribute | api.TargetGroupAttribute | api.ListenerAttribute
}

// listed are attributes as answers list them: those that are usual, or changed.
func listed[A attribute](usual, changed map[string]string) []A {
	maps.Copy(usual, changed)
	var all []A
	for _, name := range slices.Sorted(maps.Keys(usual)) {
		all = append(all, A(api.ListenerAttribute{Key: &name, Value: new(usual[name])}))
	}
	return all
}

// altered returns what was changed, with the attributes of in. Those that are
// not among the usual ones are refused.
func altered[A attribute](what string, usual, changed map[string]string, in []A) (map[string]string, error) {
	out := maps.Clone(changed)
	if out == nil {
		out = make(map[string]string)
	}
	for _, of := range in {
		a := api.ListenerAttribute(of)
		name, value := aws.Value(a.Key), aws.Value(a.Value)
		was, known := usual[name]
		if !known {
			return nil, bad("%s attribute key '%s' is not recognized", what, name)
		}
		if err := checkAttribute(what, name, value, was); err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

// refusedAttributes are those whose value true asks for what is not done.
var refusedAttributes = []string{"access_logs.s3.enabled", "connection_logs.s3.enabled", "health_check_logs.s3.enabled", "proxy_protocol_v2.enabled"}

// checkAttribute refuses a value of another kind than the usual one.
func checkAttribute(what, name, value, usual string) error {
	wrong := false
	switch _, err := strconv.Atoi(usual); {
	case usual == "true" || usual == "false":
		wrong = value != "true" && value != "false"
	case err == nil && strings.HasSuffix(name, "seconds"):
		n, err := strconv.Atoi(value)
		wrong = err != nil || n < 0 || n > weekSeconds
	case name == forwardedFor:
		wrong = !slices.Contains([]string{"append", "preserve", "remove"}, value)
	case name == stickyKind:
		wrong = !slices.Contains([]string{"lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"}, value)
	}
	if wrong {
		return bad("%s attribute value '%s' is not valid for key '%s'", what, value, name)
	}
	if value == "true" && slices.Contains(refusedAttributes, name) {
		return notYet(name)
	}
	return nil
}

// seconds is an attribute as a time.
func seconds(attributes map[string]string, name string) time.Duration {
	n, _ := strconv.Atoi(attributes[name]) // it was checked
	return time.Duration(n) * time.Second
}

// DescribeLoadBalancerAttributes lists the attributes of a load balancer.
func (s *Service) DescribeLoadBalancerAttributes(ctx context.Context, call *aws.Call, in *api.DescribeLoadBalancerAttributesInput) (*api.DescribeLoadBalancerAttributesOutput, error) {
	out := new(api.DescribeLoadBalancerAttributesOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, b, err := balancers.find(tx, call, in.LoadBalancerArn)
		if err == nil {
			out.Attributes = listed[api.LoadBalancerAttribute](b.usual(), b.Attributes)
		}
		return err
	})
}

// ModifyLoadBalancerAttributes changes attributes of a load balancer.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, call *aws.Call, in *api.ModifyLoadBalancerAttributesInput) (*api.ModifyLoadBalancerAttributesOutput, error) {
	out := new(api.ModifyLoadBalancerAttributesOutput)
	return out, s.changeBalancer(ctx, call, in.LoadBalancerArn, func(b *balancer) (err error) {
		b.Attributes, err = altered("Load balancer", b.usual(), b.Attributes, in.Attributes)
		out.Attributes = listed[api.LoadBalancerAttribute](b.usual(), b.Attributes)
		return err
	})
}

// DescribeTargetGroupAttributes lists the attributes of a target group.
func (s *Service) DescribeTargetGroupAttributes(ctx context.Context, call *aws.Call, in *api.DescribeTargetGroupAttributesInput) (*api.DescribeTargetGroupAttributesOutput, error) {
	out := new(api.DescribeTargetGroupAttributesOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, g, err := groups.find(tx, call, in.TargetGroupArn)
		if err == nil {
			out.Attributes = listed[api.TargetGroupAttribute](g.usual(), g.Attributes)
		}
		return err
	})
}

// ModifyTargetGroupAttributes changes attributes of a target group.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, call *aws.Call, in *api.ModifyTargetGroupAttributesInput) (*api.ModifyTargetGroupAttributesOutput, error) {
	out := new(api.ModifyTargetGroupAttributesOutput)
	return out, s.changeGroup(ctx, call, in.TargetGroupArn, func(_ *store.Tx, _ aws.ARN, g *group) (err error) {
		g.Attributes, err = altered("Target group", g.usual(), g.Attributes, in.Attributes)
		out.Attributes = listed[api.TargetGroupAttribute](g.usual(), g.Attributes)
		return err
	})
}

// DescribeListenerAttributes lists the attributes of a listener.
func (s *Service) DescribeListenerAttributes(ctx context.Context, call *aws.Call, in *api.DescribeListenerAttributesInput) (*api.DescribeListenerAttributesOutput, error) {
	out := new(api.DescribeListenerAttributesOutput)
	return out, s.db.View(ctx, func(tx *store.Tx) error {
		_, l, err := listeners.find(tx, call, in.ListenerArn)
		out.Attributes = listed[api.ListenerAttribute](maps.Clone(listenerAttributes), l.Attributes)
		return err
	})
}

// ModifyListenerAttributes changes attributes of a listener.
func (s *Service) ModifyListenerAttributes(ctx context.Context, call *aws.Call, in *api.ModifyListenerAttributesInput) (*api.ModifyListenerAttributesOutput, error) {
	out := new(api.ModifyListenerAttributesOutput)
	return out, s.db.Update(ctx, func(tx *store.Tx) error {
		at, l, err := listeners.find(tx, call, in.ListenerArn)
		if err != nil {
			return err
		}
		if l.Attributes, err = altered("Listener", listenerAttributes, l.Attributes, in.Attributes); err != nil {
			return err
		}
		out.Attributes = listed[api.ListenerAttribute](maps.Clone(listenerAttributes), l.Attributes)
		s.index.Changed(tx)
		return listeners.Put(tx, at, l)
	})
}
