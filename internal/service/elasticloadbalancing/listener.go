package elasticloadbalancing

import (
	"context"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxListeners = 50
	usualPolicy  = "ELBSecurityPolicy-2016-08"
)

// CreateListener has a load balancer listen at a port.
func (s *Service) CreateListener(ctx context.Context, call *aws.Call, in *api.CreateListenerInput) (*api.CreateListenerOutput, error) {
	l := listener{Listener: api.Listener{Port: in.Port, Protocol: in.Protocol, SslPolicy: in.SslPolicy, Certificates: in.Certificates, AlpnPolicy: in.AlpnPolicy}}
	if err := checkMutual(in.MutualAuthentication); err != nil {
		return nil, err
	}
	var err error
	if l.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	actions, secret, err := s.prepare(ctx, call, in.DefaultActions, nil)
	if err != nil {
		return nil, err
	}
	if l.Names, err = s.certified(ctx, in.Certificates); err != nil {
		return nil, err
	}
	var shown api.Listener
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		l := l
		arn, b, err := balancers.find(tx, call, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		if err := checkListener(&b, &l.Listener); err != nil {
			return err
		}
		if err := checkPort(tx, arn, aws.ARN{}, &l.Listener); err != nil {
			return err
		}
		if err := checkActions(tx, call, &b, *l.Protocol, actions); err != nil {
			return err
		}
		at := listeners.belowARN(arn)
		l.Default = rules.belowARN(at)
		l.ListenerArn, l.LoadBalancerArn = new(at.String()), b.LoadBalancerArn
		shown = l.show(actions)
		last := rule{Secret: secret, Rule: api.Rule{
			RuleArn: new(l.Default.String()), Priority: new("default"), IsDefault: new(true), Actions: actions, Conditions: []api.RuleCondition{},
		}}
		if err := rules.Put(tx, l.Default, last); err != nil {
			return err
		}
		s.index.Changed(tx)
		return listeners.Put(tx, at, l)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateListenerOutput{Listeners: []api.Listener{shown}}, nil
}

// show is l as answers show it, with the actions of its last rule.
func (l *listener) show(actions []api.Action) api.Listener {
	out := l.Listener
	out.DefaultActions = actions
	if encrypts(&out) {
		out.MutualAuthentication = &api.MutualAuthenticationAttributes{Mode: new("off")}
	}
	return out
}

func encrypts(l *api.Listener) bool {
	return *l.Protocol == api.ProtocolEnumHttps || *l.Protocol == api.ProtocolEnumTls
}

func checkMutual(m *api.MutualAuthenticationAttributes) error {
	if m != nil && aws.Or(m.Mode, "off") != "off" {
		return notYet("certificates of clients")
	}
	return nil
}

// checkListener refuses what a load balancer of that type cannot have, and
// completes the rest.
func checkListener(b *balancer, l *api.Listener) error {
	protocols := []string{api.ProtocolEnumHttp, api.ProtocolEnumHttps}
	if b.network() {
		protocols = []string{api.ProtocolEnumTcp, api.ProtocolEnumTls}
	}
	switch protocol := aws.Value(l.Protocol); {
	case protocol == "":
		return bad("A listener protocol must be specified")
	case l.Port == nil:
		return bad("A listener port must be specified")
	case b.network() && slices.Contains([]string{api.ProtocolEnumUdp, api.ProtocolEnumTcpUdp, api.ProtocolEnumQuic, api.ProtocolEnumTcpQuic}, protocol):
		return notYet("listeners for " + protocol)
	case !slices.Contains(protocols, protocol):
		return bad("Listener protocol '%s' must be one of '%s'", protocol, strings.Join(protocols, ", "))
	case encrypts(l) && len(l.Certificates) == 0:
		return bad("A certificate must be specified for %s listeners", protocol)
	case !encrypts(l) && len(l.Certificates) > 0:
		return bad("You cannot specify certificates for %s listeners", protocol)
	case len(l.Certificates) > 1:
		return bad("Only one certificate can be specified")
	case encrypts(l):
		return checkPolicy(l)
	}
	l.SslPolicy = nil
	return nil
}

func checkPolicy(l *api.Listener) error {
	if l.SslPolicy == nil {
		l.SslPolicy = new(usualPolicy)
	}
	if _, known := sslPolicies[*l.SslPolicy]; !known {
		return api.SSLPolicyNotFoundException.Errorf("SSL policy '%s' not found", *l.SslPolicy)
	}
	l.Certificates = []api.Certificate{{CertificateArn: l.Certificates[0].CertificateArn}}
	return nil
}

// checkPort refuses a port that another listener of the load balancer has.
func checkPort(tx *store.Tx, arn, except aws.ARN, l *api.Listener) error {
	count := 0
	for at, other := range listeners.below(tx, arn) {
		if at == except {
			continue
		}
		if count++; *other.Port == *l.Port {
			return api.DuplicateListenerException.Errorf("A listener already exists on this port for this load balancer '%s'", arn)
		}
	}
	if count >= maxListeners {
		return api.TooManyListenersException.Errorf("The maximum number of listeners has been reached on load balancer '%s'", arn)
	}
	return tx.Err()
}

// defaultsOf are the actions of a listener's last rule.
func defaultsOf(tx *store.Tx, l *listener) ([]api.Action, error) {
	r, err := rules.Get(tx, l.Default)
	return r.Actions, err
}

// DescribeListeners tells of listeners: of a load balancer's, or those that are named.
func (s *Service) DescribeListeners(ctx context.Context, call *aws.Call, in *api.DescribeListenersInput) (*api.DescribeListenersOutput, error) {
	if in.LoadBalancerArn == nil && len(in.ListenerArns) == 0 {
		return nil, bad("You must specify either listener ARNs or a load balancer ARN")
	}
	all := []api.Listener{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		add := func(l listener) error {
			actions, err := defaultsOf(tx, &l)
			all = append(all, l.show(actions))
			return err
		}
		for _, text := range in.ListenerArns {
			_, l, err := listeners.find(tx, call, text)
			if err != nil {
				return err
			}
			if err := add(l); err != nil {
				return err
			}
		}
		if in.LoadBalancerArn == nil {
			return nil
		}
		arn, _, err := balancers.find(tx, call, *in.LoadBalancerArn)
		if err != nil {
			return err
		}
		for _, l := range listeners.below(tx, arn) {
			if err := add(l); err != nil {
				return err
			}
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeListenersOutput)
	out.Listeners, out.NextMarker = page(all, in.PageSize, in.Marker, func(l *api.Listener) string { return *l.ListenerArn })
	return out, nil
}

// ModifyListener changes a listener in what is given.
func (s *Service) ModifyListener(ctx context.Context, call *aws.Call, in *api.ModifyListenerInput) (*api.ModifyListenerOutput, error) {
	if err := checkMutual(in.MutualAuthentication); err != nil {
		return nil, err
	}
	names, err := s.certified(ctx, in.Certificates)
	if err != nil {
		return nil, err
	}
	was, err := s.secretOf(ctx, call, in.ListenerArn)
	if err != nil {
		return nil, err
	}
	actions, secret, err := s.prepare(ctx, call, in.DefaultActions, was)
	if err != nil {
		return nil, err
	}
	var shown api.Listener
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		at, l, err := listeners.find(tx, call, in.ListenerArn)
		if err != nil {
			return err
		}
		arn, b, err := balancers.find(tx, call, *l.LoadBalancerArn)
		if err != nil {
			return err
		}
		l.alter(in, names)
		if err := checkListener(&b, &l.Listener); err != nil {
			return err
		}
		if err := checkPort(tx, arn, at, &l.Listener); err != nil {
			return err
		}
		last, err := rules.Get(tx, l.Default)
		if err != nil {
			return err
		}
		if in.DefaultActions != nil {
			last.Actions, last.Secret = actions, secret
		}
		if err := checkActions(tx, call, &b, *l.Protocol, last.Actions); err != nil {
			return err
		}
		if err := rules.Put(tx, l.Default, last); err != nil {
			return err
		}
		shown = l.show(last.Actions)
		s.index.Changed(tx)
		return listeners.Put(tx, at, l)
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyListenerOutput{Listeners: []api.Listener{shown}}, nil
}

// alter sets what in gives; names are those of its certificate.
func (l *listener) alter(in *api.ModifyListenerInput, names map[string][]string) {
	if in.Port != nil {
		l.Port = in.Port
	}
	if in.Protocol != nil {
		l.Protocol = in.Protocol
	}
	if in.SslPolicy != nil {
		l.SslPolicy = in.SslPolicy
	}
	if in.AlpnPolicy != nil {
		l.AlpnPolicy = in.AlpnPolicy
	}
	if in.Certificates != nil {
		l.Certificates = in.Certificates
		l.name(names)
	}
	if !encrypts(&l.Listener) && in.Certificates == nil {
		l.Certificates, l.Names, l.More = nil, nil, nil
	}
}

// DeleteListener removes a listener with its rules.
func (s *Service) DeleteListener(ctx context.Context, call *aws.Call, in *api.DeleteListenerInput) (*api.DeleteListenerOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		at, _, err := listeners.find(tx, call, in.ListenerArn)
		if err != nil {
			return err
		}
		s.index.Changed(tx)
		return s.dropListener(tx, at)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteListenerOutput{}, nil
}

func (s *Service) dropListener(tx *store.Tx, at aws.ARN) error {
	for of := range rules.below(tx, at) {
		if err := rules.Delete(tx, of); err != nil {
			return err
		}
	}
	return listeners.Delete(tx, at)
}
