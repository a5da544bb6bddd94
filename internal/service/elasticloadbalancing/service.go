package elasticloadbalancing

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/dispatch"
	"github.com/aloft-cloud/aloft/internal/gateway/backend"
	"github.com/aloft-cloud/aloft/internal/gateway/outbound"
	"github.com/aloft-cloud/aloft/internal/meter"
	"github.com/aloft-cloud/aloft/internal/sandbox/names"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/store"
	"github.com/aloft-cloud/aloft/internal/store/master"
)

// Names know where users have their names lead.
type Names interface {
	// LeadsTo returns the host that a name is an alias of, or "".
	LeadsTo(ctx context.Context, host string) (string, error)
}

// Config is what Elastic Load Balancing works with.
type Config struct {
	DB    *store.DB
	Table *dispatch.Table
	Meter *meter.Meter
	Edge  http.Handler // answers for providers that are the platform itself
	Names Names
	Key   string // file of the key that seals secrets and cookies; "" forgets it

	// Certificates returns the names that a certificate is for, or store.ErrNotFound.
	Certificates func(ctx context.Context, arn string) ([]string, error)

	Local   bool // clients need no TLS, whatever listeners say: there is none
	Private bool // targets may be on this host and its networks
	Log     *slog.Logger
}

// Service is Elastic Load Balancing.
type Service struct {
	cfg       Config
	db        *store.DB
	key       cipher.AEAD
	client    http.RoundTripper // to servers that are targets
	providers http.RoundTripper // to who knows browsers
	index     *store.Derived[index]
	signs     atomic.Pointer[signer]
}

// New returns Elastic Load Balancing.
func New(cfg Config) (*Service, error) {
	key, err := master.Open(cfg.Key)
	if err != nil {
		return nil, err
	}
	ours := func(_ context.Context, host string) bool {
		return names.IsAWS(host) || strings.HasSuffix(host, ".localhost")
	}
	return &Service{
		cfg: cfg, db: cfg.DB, key: key, index: store.Derive(cfg.DB, makeIndex), client: newTransport(cfg.Private),
		providers: backend.Within(cfg.Edge, ours, outbound.NewTransport(cfg.Private)),
	}, nil
}

// Definition implements the contract in package service.
func (s *Service) Definition() service.Definition {
	return service.Definition{
		API:        api.API,
		Hosts:      []service.Host{{Suffix: "elb", Serve: s.serveOwn}, {Owns: s.owns, Serve: s.Serve}},
		Operations: append(s.balancerOperations(), s.groupOperations()...),
	}
}

func (s *Service) balancerOperations() []service.Operation {
	const lacks = "A network load balancer passes on HTTP alone; gateway load balancers are refused. Subnets, zones and security groups are kept as they are named: there is no network, and no VpcId."
	const listens = "A platform has one port: a listener is found by the port in the Host header, and one that no listener has leads to the listener for the scheme, 443 and 80 first. In development, an HTTPS listener is asked without TLS too, and its certificate need not be here. UDP, QUIC and certificates of clients are refused; ciphers are the platform's, whatever the policy."
	const acts = "Actions of type jwt-validation and transforms are refused. Logins are not refreshed before their session is over."
	return []service.Operation{
		service.Op(api.CreateLoadBalancer, s.CreateLoadBalancer, func(call *aws.Call, in *api.CreateLoadBalancerInput) aws.ARN {
			return call.ARN(serviceName, balancers.prefix+"app/"+in.Name+"/*")
		}).But(lacks),
		service.Op(api.DescribeLoadBalancers, s.DescribeLoadBalancers, service.Any),
		onBalancer(api.DeleteLoadBalancer, s.DeleteLoadBalancer),
		onBalancer(api.DescribeLoadBalancerAttributes, s.DescribeLoadBalancerAttributes),
		onBalancer(api.ModifyLoadBalancerAttributes, s.ModifyLoadBalancerAttributes).But("Logs are refused. HTTP/2, cross-zone balancing, desync mitigation and keeping connections are kept as settings."),
		onBalancer(api.SetIpAddressType, s.SetIpAddressType).But("The setting is kept."),
		onBalancer(api.SetSecurityGroups, s.SetSecurityGroups).But("The groups are kept; they let everything through."),
		onBalancer(api.SetSubnets, s.SetSubnets).But("The subnets are kept."),
		onBalancer(api.CreateListener, s.CreateListener).But(listens + " " + acts),
		service.Op(api.DescribeListeners, s.DescribeListeners, service.Any),
		onListener(api.ModifyListener, s.ModifyListener).But(listens),
		onListener(api.DeleteListener, s.DeleteListener),
		service.Op(api.DescribeListenerAttributes, s.DescribeListenerAttributes, service.Any),
		onListener(api.ModifyListenerAttributes, s.ModifyListenerAttributes),
		onListener(api.AddListenerCertificates, s.AddListenerCertificates).But("Certificates of IAM are refused."),
		onListener(api.RemoveListenerCertificates, s.RemoveListenerCertificates),
		service.Op(api.DescribeListenerCertificates, s.DescribeListenerCertificates, service.Any),
		onListener(api.CreateRule, s.CreateRule).But(acts),
		service.Op(api.DescribeRules, s.DescribeRules, service.Any),
		service.Op(api.ModifyRule, s.ModifyRule, func(_ *aws.Call, in *api.ModifyRuleInput) aws.ARN { return service.Named(in.RuleArn) }).But(acts),
		service.OpEach(api.SetRulePriorities, s.SetRulePriorities, func(_ *aws.Call, in *api.SetRulePrioritiesInput, check func(service.Access) error) error {
			var all []string
			for _, p := range in.RulePriorities {
				all = append(all, aws.Value(p.RuleArn))
			}
			return onEach("SetRulePriorities", all, check)
		}),
		service.Op(api.DeleteRule, s.DeleteRule, func(_ *aws.Call, in *api.DeleteRuleInput) aws.ARN { return service.Named(in.RuleArn) }),
		service.Op(api.DescribeAccountLimits, s.DescribeAccountLimits, service.Any),
		service.Op(api.DescribeSSLPolicies, s.DescribeSSLPolicies, service.Any).But("Ciphers are not listed."),
	}
}

func (s *Service) groupOperations() []service.Operation {
	const lacks = "There are no machines: instances can be registered, and never answer. gRPC, UDP and QUIC are refused."
	const health = "Targets are asked how they are when somebody wants to know, and left alone for an interval after they failed a request; nothing checks them all the time."
	return []service.Operation{
		service.Op(api.CreateTargetGroup, s.CreateTargetGroup, func(call *aws.Call, in *api.CreateTargetGroupInput) aws.ARN {
			return call.ARN(serviceName, groups.prefix+in.Name+"/*")
		}).But(lacks),
		service.Op(api.DescribeTargetGroups, s.DescribeTargetGroups, service.Any),
		onGroup(api.ModifyTargetGroup, s.ModifyTargetGroup).But(health),
		onGroup(api.DeleteTargetGroup, s.DeleteTargetGroup),
		service.Op(api.DescribeTargetGroupAttributes, s.DescribeTargetGroupAttributes, service.Any),
		onGroup(api.ModifyTargetGroupAttributes, s.ModifyTargetGroupAttributes).But("Targets are taken in turns, whatever the algorithm; a target that leaves is left at once. Stickiness by address and the proxy protocol are not done."),
		onGroup(api.RegisterTargets, s.RegisterTargets).But(lacks),
		onGroup(api.DeregisterTargets, s.DeregisterTargets).But("Targets are left at once."),
		service.Op(api.DescribeTargetHealth, s.DescribeTargetHealth, service.Any).But(health),
		service.OpEach(api.AddTags, s.AddTags, func(_ *aws.Call, in *api.AddTagsInput, check func(service.Access) error) error {
			return onEach("AddTags", in.ResourceArns, check)
		}),
		service.OpEach(api.RemoveTags, s.RemoveTags, func(_ *aws.Call, in *api.RemoveTagsInput, check func(service.Access) error) error {
			return onEach("RemoveTags", in.ResourceArns, check)
		}),
		service.Op(api.DescribeTags, s.DescribeTags, service.Any),
	}
}

// onEach checks an action on each of several resources.
func onEach(action string, resources []string, check func(service.Access) error) error {
	for _, text := range resources {
		if err := check(service.Access{Action: serviceName + ":" + action, Resource: service.Named(text)}); err != nil {
			return err
		}
	}
	return nil
}

func onBalancer[In, Out any, P interface {
	*In
	GetLoadBalancerArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return service.Named(P(in).GetLoadBalancerArn()) })
}

func onListener[In, Out any, P interface {
	*In
	GetListenerArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return service.Named(P(in).GetListenerArn()) })
}

func onGroup[In, Out any, P interface {
	*In
	GetTargetGroupArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(_ *aws.Call, in *In) aws.ARN { return service.Named(P(in).GetTargetGroupArn()) })
}
