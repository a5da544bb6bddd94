package rds

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/database"
	"github.com/aloft-cloud/aloft/internal/sandbox/fence"
	"github.com/aloft-cloud/aloft/internal/store"
)

// An endpoint is a host that leads to a database.
type endpoint struct {
	Host   string
	Number uint16 // its addresses have
	Of     aws.ARN
	Kind   string `json:",omitempty"` // "ro" of one for readers, "proxy"
}

// inside is the address at which functions find the endpoint of a number, and here
// that of this host.
func inside(n uint16) netip.Addr {
	b := fence.Beside.Addr().As4()
	return netip.AddrFrom4([4]byte{b[0], b[1], byte(n >> 8), byte(n)})
}

func here(n uint16) netip.Addr { return netip.AddrFrom4([4]byte{127, 19, byte(n >> 8), byte(n)}) }

// numberOf is the number of an address that functions mean.
func numberOf(a netip.Addr) (uint16, bool) {
	if !fence.Beside.Contains(a) {
		return 0, false
	}
	b := a.As4()
	return uint16(b[2])<<8 | uint16(b[3]), true
}

// addEndpoint keeps an endpoint, with a number that no other has.
func (s *Service) addEndpoint(tx *store.Tx, call *aws.Call, e *endpoint) error {
	taken := make(map[uint16]bool)
	for _, other := range endpoints.Scan(tx, aws.ARN{}) {
		taken[other.Number] = true
	}
	n := uint32(2166136261) // FNV-1a, so that platforms of one host do not all begin alike
	for _, b := range []byte(e.Of.String() + s.cfg.Name) {
		n = (n ^ uint32(b)) * 16777619
	}
	made := *e
	for made.Number = uint16(n ^ n>>16); taken[made.Number] || byte(made.Number) == 0 || byte(made.Number) == 255; made.Number++ {
	}
	tx.AfterCommit(s.doors.Ring)
	return endpoints.Put(tx, endpoints.arn(call, e.Host), made)
}

// removeEndpoints removes the endpoints of a resource.
func (s *Service) removeEndpoints(tx *store.Tx, of aws.ARN) error {
	tx.AfterCommit(s.doors.Ring)
	for arn, e := range endpoints.Scan(tx, aws.ARN{Service: serviceName, Region: of.Region, Account: of.Account}) {
		if e.Of == of {
			if err := endpoints.Delete(tx, arn); err != nil {
				return err
			}
		}
	}
	return tx.Err()
}

// hostOf is the host of an instance.
func (s *Service) hostOf(tx *store.Tx, of aws.ARN) string {
	for _, e := range endpoints.Scan(tx, aws.ARN{Service: serviceName, Region: of.Region, Account: of.Account}) {
		if e.Of == of {
			return e.Host
		}
	}
	return ""
}

// An index is all endpoints, by name and by number.
type index struct {
	hosts   map[string]*way
	numbers map[uint16]*way
}

// A way is an endpoint and where it leads. It never changes.
type way struct {
	endpoint
	base base // of the database
	port int32
	open bool // the database takes connections

	secure bool         // they come over TLS
	iam    bool         // they show tokens: all, or those of whom the database says so
	id     string       // of the database or the proxy, in names of its users
	proxy  *api.DBProxy // nil: it is none
}

// makeIndex makes all endpoints ready to be asked for.
func makeIndex(tx *store.Tx) (*index, error) {
	all := &index{hosts: make(map[string]*way), numbers: make(map[uint16]*way)}
	for _, e := range endpoints.Scan(tx, aws.ARN{}) {
		w := &way{endpoint: e}
		if err := w.lead(tx, e.Of); err != nil {
			return nil, err
		}
		all.hosts[e.Host], all.numbers[e.Number] = w, w
	}
	return all, tx.Err()
}

// lead sets where w leads by what its endpoint is of.
func (w *way) lead(tx *store.Tx, of aws.ARN) error {
	switch kind, _, _ := strings.Cut(of.Resource, ":"); kind + ":" {
	case clusters.prefix:
		c, err := clusters.Get(tx, of)
		if err != nil {
			return err
		}
		w.base, w.port, w.open, w.secure = c.Base, c.Base.Port, *c.Is.Status == available, c.Base.secure()
		w.iam, w.id = *c.Is.IAMDatabaseAuthenticationEnabled, *c.Is.DbClusterResourceId
	case instances.prefix:
		i, err := instances.Get(tx, of)
		if err != nil {
			return err
		}
		if i.member() {
			of.Resource = clusters.prefix + *i.Is.DBClusterIdentifier
			return w.lead(tx, of)
		}
		w.base, w.port, w.open, w.secure = i.Base, i.Base.Port, *i.Is.DBInstanceStatus == available, i.Base.secure()
		w.iam, w.id = *i.Is.IAMDatabaseAuthenticationEnabled, *i.Is.DbiResourceId
	case proxyEndpoints.prefix:
		e, err := proxyEndpoints.Get(tx, of)
		if err != nil {
			return err
		}
		of.Resource = proxies.prefix + *e.Is.DBProxyName
		return w.lead(tx, of)
	case proxies.prefix:
		p, err := proxies.Get(tx, of)
		if err != nil {
			return err
		}
		return w.through(tx, &p)
	}
	return nil
}

// through sets where w leads by a proxy, which may have no target, or one that is gone.
func (w *way) through(tx *store.Tx, p *proxy) error {
	err := error(nil)
	if p.Target != (aws.ARN{}) {
		err = w.lead(tx, p.Target)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	w.port, w.secure = proxyPorts[*p.Is.EngineFamily], w.secure || *p.Is.RequireTLS
	w.iam, w.id, w.proxy = iamAuth(&p.Is), nameOf(named(*p.Is.DBProxyArn)), &p.Is
	return err
}

// Address is where functions find a host, if it is a database's.
func (s *Service) Address(ctx context.Context, host string) (netip.Addr, bool) {
	w := s.way(ctx, host)
	if w == nil {
		return netip.Addr{}, false
	}
	return inside(w.Number), true
}

// Here is where programs of this host find a host, if it is a database's.
func (s *Service) Here(ctx context.Context, host string) (netip.Addr, bool) {
	w := s.way(ctx, host)
	if w == nil {
		return netip.Addr{}, false
	}
	return here(w.Number), true
}

// way is that of a host, or nil.
func (s *Service) way(ctx context.Context, host string) *way {
	all, err := s.index.Get(ctx)
	if err != nil {
		return nil
	}
	return all.hosts[strings.ToLower(strings.TrimSuffix(host, "."))]
}

// Serve serves a connection that a function made to an address. It is false if it
// is no database's.
func (s *Service) Serve(ctx context.Context, c net.Conn, to netip.AddrPort) bool {
	n, ours := numberOf(to.Addr())
	if !ours {
		return false
	}
	s.enter(ctx, c, n, int32(to.Port()))
	return true
}

// enter serves a connection to the endpoint of a number.
func (s *Service) enter(ctx context.Context, c net.Conn, n uint16, port int32) {
	defer c.Close()
	all, err := s.index.Get(ctx)
	if err != nil {
		return
	}
	w := all.numbers[n]
	if w == nil || !w.open || w.port != port {
		return
	}
	db, err := w.base.database()
	if err != nil {
		return
	}
	if err := s.cfg.Fleet.Serve(ctx, c, db, s.door(w)); err != nil && ctx.Err() == nil {
		s.cfg.Log.Debug("a connection to a database ended", "host", w.Host, "err", err)
	}
}

// door is what a way's clients are met with.
func (s *Service) door(w *way) *database.Door {
	return &database.Door{Host: w.Host, CA: s.cfg.CA, Secure: w.secure, Tokens: s.tokens(w)}
}
