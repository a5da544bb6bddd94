package elasticloadbalancing

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/sandbox/names"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An index is all load balancers, by the names that requests have.
type index struct {
	labels map[string]*served // first labels of their own hosts
	names  map[string]*served // names of certificates: "app.example.com", "*.example.com"
	arns   map[string]*served
	groups map[string]*servedGroup // target groups, by ARN
}

// A served is a load balancer, ready to serve. It never changes.
type served struct {
	arn        aws.ARN
	row        balancer
	attributes map[string]string
	listeners  []*servedListener // by port
}

type servedListener struct {
	arn        aws.ARN
	row        listener
	port       int32
	attributes map[string]string
	rules      []*servedRule // in the order in which they are tried
}

type servedRule struct {
	row        rule
	conditions []condition
	groups     map[string]*servedGroup // by ARN
}

// A servedGroup is a target group. Its targets are taken one after another.
type servedGroup struct {
	row        group
	attributes map[string]string
	targets    []*servedTarget
	next       atomic.Uint64
}

// A servedTarget is where requests go.
type servedTarget struct {
	group        *servedGroup
	id           string
	scheme, port string
	balancer     *served      // that it is, if it is one
	rests        atomic.Int64 // until when it is left alone, since it failed, in nanoseconds
}

// makeIndex makes all that is kept ready to serve.
func makeIndex(tx *store.Tx) (*index, error) {
	all := &index{labels: make(map[string]*served), names: make(map[string]*served), arns: make(map[string]*served), groups: make(map[string]*servedGroup)}
	for arn, row := range groups.Scan(tx, aws.ARN{}) {
		g := &servedGroup{row: row, attributes: row.usual()}
		maps.Copy(g.attributes, row.Attributes)
		for i := range row.Targets {
			t := newTarget(&row, &row.Targets[i])
			t.group = g
			g.targets = append(g.targets, t)
		}
		all.groups[arn.String()] = g
	}
	for arn, row := range balancers.Scan(tx, aws.ARN{}) {
		b := &served{arn: arn, row: row, attributes: row.usual()}
		maps.Copy(b.attributes, row.Attributes)
		all.arns[arn.String()], all.labels[row.Label] = b, b
		for at, l := range listeners.below(tx, arn) {
			b.listeners = append(b.listeners, all.listener(tx, at, l))
			all.name(b, &l)
		}
		slices.SortFunc(b.listeners, func(a, b *servedListener) int { return int(a.port - b.port) })
	}
	for _, g := range all.groups {
		for _, t := range g.targets {
			t.balancer = all.arns[t.id]
		}
	}
	return all, tx.Err()
}

func (all *index) listener(tx *store.Tx, at aws.ARN, row listener) *servedListener {
	l := &servedListener{arn: at, row: row, port: *row.Port, attributes: maps.Clone(listenerAttributes)}
	maps.Copy(l.attributes, row.Attributes)
	for _, r := range rules.below(tx, at) {
		made := &servedRule{row: r, groups: all.groups}
		for i := range r.Conditions {
			made.conditions = append(made.conditions, newCondition(&r.Conditions[i]))
		}
		l.rules = append(l.rules, made)
	}
	slices.SortFunc(l.rules, func(a, b *servedRule) int { return order(&a.row.Rule, &b.row.Rule) })
	return l
}

// name leads requests for the names of a listener's certificates to b, unless
// they are led to an older one: who has a certificate may not take a name away.
func (all *index) name(b *served, l *listener) {
	for _, list := range l.Names {
		for _, name := range list {
			name = strings.ToLower(name)
			if was := all.names[name]; !names.IsAWS(name) && (was == nil || b.row.CreatedTime.Before(*was.row.CreatedTime)) {
				all.names[name] = b
			}
		}
	}
}

// newTarget is a target of g, ready.
func newTarget(g *group, t *api.TargetDescription) *servedTarget {
	scheme := "http"
	if p := aws.Value(g.Protocol); p == api.ProtocolEnumHttps || p == api.ProtocolEnumTls {
		scheme = "https"
	}
	return &servedTarget{group: &servedGroup{row: *g, attributes: g.usual()}, id: t.Id, scheme: scheme, port: itoa(g.port(t))}
}

// name is what a target is called in cookies.
func (t *servedTarget) name() string { return t.id + " " + t.port }

// pick returns the target that is next, or nil if there is none. Those that
// failed lately are left alone, unless all did.
func (g *servedGroup) pick() *servedTarget {
	n := uint64(len(g.targets))
	if n == 0 {
		return nil
	}
	from, now := g.next.Add(1)-1, time.Now().UnixNano()
	for i := range n {
		if t := g.targets[(from+i)%n]; t.rests.Load() <= now {
			return t
		}
	}
	return g.targets[from%n]
}

// failed leaves a target alone for as long as its health would not be asked for.
func (t *servedTarget) failed() {
	t.rests.Store(time.Now().Add(time.Duration(*t.group.row.HealthCheckIntervalSeconds) * time.Second).UnixNano())
}

// find returns the load balancer of a host: of its own, or of a user's, whose
// name is that of a certificate of a listener's, or leads there by DNS.
func (s *Service) find(ctx context.Context, host string) (*served, error) {
	all, err := s.index.Get(ctx)
	if err != nil || len(all.labels) == 0 {
		return nil, err
	}
	host = strings.ToLower(host)
	if label := ownLabel(host); label != "" {
		return all.labels[label], nil
	}
	if b := all.names[host]; b != nil {
		return b, nil
	}
	_, parent, _ := strings.Cut(host, ".")
	if b := all.names["*."+parent]; b != nil {
		return b, nil
	}
	if s.cfg.Names == nil {
		return nil, nil
	}
	to, err := s.cfg.Names.LeadsTo(ctx, host)
	return all.labels[ownLabel(strings.ToLower(to))], err
}

// ownLabel is the first label of a host that load balancers have by themselves:
// web-1.us-east-1.elb.amazonaws.com, tcp-1.elb.us-east-1.amazonaws.com. It is ""
// of other hosts.
func ownLabel(host string) string {
	label, rest, _ := strings.Cut(host, ".")
	if strings.Contains("."+rest, ".elb.") {
		return label
	}
	return ""
}

// owns reports whether a host of no service's is a user's name for a load
// balancer, or has the key of claims.
func (s *Service) owns(ctx context.Context, host string) bool {
	if strings.HasPrefix(host, keyHost) {
		return true
	}
	b, err := s.find(ctx, host)
	return err == nil && b != nil && strings.Contains(host, ".")
}

// Certificate returns the ARN of the certificate that the load balancer of a
// host shows, or "" if there is none.
func (s *Service) Certificate(ctx context.Context, host string) (string, error) {
	b, err := s.find(ctx, host)
	if b == nil || err != nil {
		return "", err
	}
	_, parent, _ := strings.Cut(strings.ToLower(host), ".")
	usual := ""
	for _, l := range b.listeners {
		for arn, names := range l.row.Names {
			if slices.Contains(names, strings.ToLower(host)) || slices.Contains(names, "*."+parent) {
				return arn, nil
			}
		}
		for _, c := range l.row.Certificates { // the default one, unless it is not here
			if len(l.row.Names[*c.CertificateArn]) > 0 && usual == "" {
				usual = *c.CertificateArn
			}
		}
	}
	return usual, nil
}

// Showing returns the ARNs of the load balancers that show a certificate.
func (s *Service) Showing(ctx context.Context, certificate string) ([]string, error) {
	all, err := s.index.Get(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for arn, b := range all.arns {
		if slices.ContainsFunc(b.listeners, func(l *servedListener) bool { _, has := l.row.Names[certificate]; return has }) {
			out = append(out, arn)
		}
	}
	slices.Sort(out)
	return out, nil
}
