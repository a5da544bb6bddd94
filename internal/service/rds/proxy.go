package rds

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"crypto/rand"

	api "github.com/aloft-cloud/aloft/internal/api/rds"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// A proxy is another name for a database: who connects to it is connected with the
// database that is its target, and signs in there.
type proxy struct {
	Is     api.DBProxy
	Group  api.DBProxyTargetGroup
	Target aws.ARN   // a cluster or an instance; zero: there is none
	Tags   []api.Tag `json:",omitempty"`
}

// A proxyEndpoint is an endpoint of a proxy's besides its own.
type proxyEndpoint struct {
	Is   api.DBProxyEndpoint
	Tags []api.Tag `json:",omitempty"`
}

// proxyID is an id of RDS's for what belongs to proxies.
func proxyID(prefix string) string {
	var b [9]byte
	rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])[:17]
}

// proxyPorts are where proxies of a family of engines listen.
var proxyPorts = map[string]int32{api.EngineFamilyMysql: 3306, api.EngineFamilyPostgresql: 5432}

// authOf is how clients of a proxy sign in, as answers show it.
func authOf(all []api.UserAuthConfig) ([]api.UserAuthConfigInfo, error) {
	out := []api.UserAuthConfigInfo{}
	for i := range all {
		a := api.UserAuthConfigInfo(all[i])
		a.AuthScheme, a.IAMAuth = new(aws.Or(a.AuthScheme, api.AuthSchemeSecrets)), new(aws.Or(a.IAMAuth, api.IAMAuthModeDisabled))
		if *a.IAMAuth == api.IAMAuthModeEnabled {
			return nil, bad("IAMAuth ENABLED is for the engine family SQLSERVER.")
		}
		if a.SecretArn == nil {
			return nil, bad("SecretArn must be specified for the authentication scheme SECRETS.")
		}
		out = append(out, a)
	}
	return out, nil
}

// CreateDBProxy makes a proxy.
func (s *Service) CreateDBProxy(ctx context.Context, call *aws.Call, in *api.CreateDBProxyInput) (*api.CreateDBProxyOutput, error) {
	switch {
	case proxyPorts[in.EngineFamily] == 0:
		return nil, notYet("proxies of the engine family " + in.EngineFamily)
	case aws.Or(in.DefaultAuthScheme, "NONE") != "NONE":
		return nil, notYet("proxies that sign in by IAM at databases")
	case len(in.VpcSubnetIds) < 2:
		return nil, api.InvalidSubnet.Errorf("The subnets must be in at least two Availability Zones.")
	}
	auth, err := authOf(in.Auth)
	if err != nil {
		return nil, err
	}
	now, id := time.Now().Truncate(time.Millisecond), proxyID("prx-")
	name := strings.ToLower(in.DBProxyName)
	p := proxy{Tags: tagged(nil, in.Tags), Is: api.DBProxy{
		DBProxyName: &name, DBProxyArn: new(call.ARN(serviceName, "db-proxy:"+id).String()), Status: new(available), EngineFamily: &in.EngineFamily, VpcId: new("vpc-0"),
		VpcSecurityGroupIds: append([]string{}, in.VpcSecurityGroupIds...), VpcSubnetIds: in.VpcSubnetIds, DefaultAuthScheme: new("NONE"), Auth: auth, RoleArn: &in.RoleArn,
		Endpoint: new(host(call, name, "proxy-")), RequireTLS: new(aws.Value(in.RequireTLS)), IdleClientTimeout: new(aws.Or(in.IdleClientTimeout, 1800)),
		DebugLogging: new(aws.Value(in.DebugLogging)), CreatedDate: &now, UpdatedDate: &now, EndpointNetworkType: new(aws.Or(in.EndpointNetworkType, "IPV4")),
		TargetConnectionNetworkType: new(aws.Or(in.TargetConnectionNetworkType, "IPV4")),
	}, Group: api.DBProxyTargetGroup{
		DBProxyName: &name, TargetGroupName: new("default"), TargetGroupArn: new(call.ARN(serviceName, "target-group:"+proxyID("prx-tg-")).String()), IsDefault: new(true),
		Status: new(available), CreatedDate: &now, UpdatedDate: &now, ConnectionPoolConfig: poolOf(&api.ConnectionPoolConfigurationInfo{
			MaxConnectionsPercent: new(int32(100)), MaxIdleConnectionsPercent: new(int32(50)), ConnectionBorrowTimeout: new(int32(120)), SessionPinningFilters: []string{},
		}, nil),
	}}
	arn := proxies.arn(call, name)
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if there, err := proxies.Has(tx, arn); err != nil || there {
			return errorOr(err, api.DBProxyAlreadyExistsFault.Errorf("The proxy %s already exists.", name))
		}
		s.index.Changed(tx)
		if err := s.addEndpoint(tx, call, &endpoint{Host: *p.Is.Endpoint, Of: arn, Kind: "proxy"}); err != nil {
			return err
		}
		return proxies.Put(tx, arn, p)
	})
	out := p.Is
	out.Status = new(creating)
	return &api.CreateDBProxyOutput{DBProxy: &out}, err
}

func poolOf(was *api.ConnectionPoolConfigurationInfo, c *api.ConnectionPoolConfiguration) *api.ConnectionPoolConfigurationInfo {
	if c == nil {
		return was
	}
	is := *was
	setIf(&is.MaxConnectionsPercent, c.MaxConnectionsPercent)
	setIf(&is.MaxIdleConnectionsPercent, c.MaxIdleConnectionsPercent)
	setIf(&is.ConnectionBorrowTimeout, c.ConnectionBorrowTimeout)
	setIf(&is.InitQuery, c.InitQuery)
	if c.SessionPinningFilters != nil {
		is.SessionPinningFilters = c.SessionPinningFilters
	}
	return &is
}

// changeProxy changes a proxy.
func (s *Service) changeProxy(ctx context.Context, call *aws.Call, name string, change func(tx *store.Tx, arn aws.ARN, p *proxy) error) (proxy, error) {
	var out proxy
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, p, err := proxies.find(tx, call, name)
		if err != nil {
			return err
		}
		if err := change(tx, arn, &p); err != nil {
			return err
		}
		s.index.Changed(tx)
		out = p
		return proxies.Put(tx, arn, p)
	})
	return out, err
}

// ModifyDBProxy changes a proxy.
func (s *Service) ModifyDBProxy(ctx context.Context, call *aws.Call, in *api.ModifyDBProxyInput) (*api.ModifyDBProxyOutput, error) {
	switch {
	case in.NewDBProxyName != nil:
		return nil, notYet("new names for proxies")
	case aws.Or(in.DefaultAuthScheme, "NONE") != "NONE":
		return nil, notYet("proxies that sign in by IAM at databases")
	}
	auth, err := authOf(in.Auth)
	if err != nil {
		return nil, err
	}
	p, err := s.changeProxy(ctx, call, in.DBProxyName, func(_ *store.Tx, _ aws.ARN, p *proxy) error {
		if in.Auth != nil {
			p.Is.Auth = auth
		}
		if in.SecurityGroups != nil {
			p.Is.VpcSecurityGroupIds = in.SecurityGroups
		}
		setIf(&p.Is.RequireTLS, in.RequireTLS)
		setIf(&p.Is.IdleClientTimeout, in.IdleClientTimeout)
		setIf(&p.Is.DebugLogging, in.DebugLogging)
		setIf(&p.Is.RoleArn, in.RoleArn)
		p.Is.UpdatedDate = new(time.Now().Truncate(time.Millisecond))
		return nil
	})
	return &api.ModifyDBProxyOutput{DBProxy: &p.Is}, err
}

// DeleteDBProxy removes a proxy, and its endpoints.
func (s *Service) DeleteDBProxy(ctx context.Context, call *aws.Call, in *api.DeleteDBProxyInput) (*api.DeleteDBProxyOutput, error) {
	var out api.DBProxy
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, p, err := proxies.find(tx, call, in.DBProxyName)
		if err != nil {
			return err
		}
		out = p.Is
		out.Status = new(deleting)
		s.index.Changed(tx)
		for at, e := range proxyEndpoints.of(tx, call) {
			if *e.Is.DBProxyName == *p.Is.DBProxyName {
				if err := errorOr(s.removeEndpoints(tx, at), proxyEndpoints.Delete(tx, at)); err != nil {
					return err
				}
			}
		}
		if err := s.removeEndpoints(tx, arn); err != nil {
			return err
		}
		return proxies.Delete(tx, arn)
	})
	return &api.DeleteDBProxyOutput{DBProxy: &out}, err
}

// DescribeDBProxies lists proxies.
func (s *Service) DescribeDBProxies(ctx context.Context, call *aws.Call, in *api.DescribeDBProxiesInput) (*api.DescribeDBProxiesOutput, error) {
	if len(in.Filters) > 0 {
		return nil, bad("Filters are not supported by this operation.")
	}
	all, err := listOf(ctx, s, call, &proxies, in.DBProxyName)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeDBProxiesOutput{DBProxies: []api.DBProxy{}}
	some, next := page(all, in.MaxRecords, in.Marker, func(p *proxy) string { return *p.Is.DBProxyName })
	for i := range some {
		out.DBProxies = append(out.DBProxies, some[i].Is)
	}
	out.Marker = next
	return out, nil
}

// listOf returns what has a name, or all of a kind that the caller has.
func listOf[V any](ctx context.Context, s *Service, call *aws.Call, k *kind[V], name *string) (all []V, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		all = nil
		if name != nil {
			_, v, err := k.find(tx, call, *name)
			all = append(all, v)
			return err
		}
		for _, v := range k.of(tx, call) {
			all = append(all, v)
		}
		return tx.Err()
	})
	return all, err
}

// CreateDBProxyEndpoint makes another endpoint of a proxy.
func (s *Service) CreateDBProxyEndpoint(ctx context.Context, call *aws.Call, in *api.CreateDBProxyEndpointInput) (*api.CreateDBProxyEndpointOutput, error) {
	name, now := strings.ToLower(in.DBProxyEndpointName), time.Now().Truncate(time.Millisecond)
	arn := proxyEndpoints.arn(call, name)
	e := proxyEndpoint{Tags: tagged(nil, in.Tags), Is: api.DBProxyEndpoint{
		DBProxyEndpointName: &name, DBProxyEndpointArn: new(call.ARN(serviceName, "db-proxy-endpoint:"+proxyID("prx-endpoint-")).String()), Status: new(available), VpcId: new("vpc-0"),
		VpcSecurityGroupIds: append([]string{}, in.VpcSecurityGroupIds...), VpcSubnetIds: in.VpcSubnetIds, Endpoint: new(host(call, name+".endpoint", "proxy-")), CreatedDate: &now,
		TargetRole: new(aws.Or(in.TargetRole, api.DBProxyEndpointTargetRoleReadWrite)), IsDefault: new(false), EndpointNetworkType: new(aws.Or(in.EndpointNetworkType, "IPV4")),
	}}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		_, p, err := proxies.find(tx, call, in.DBProxyName)
		if err != nil {
			return err
		}
		if there, err := proxyEndpoints.Has(tx, arn); err != nil || there {
			return errorOr(err, api.DBProxyEndpointAlreadyExistsFault.Errorf("The proxy endpoint %s already exists.", name))
		}
		e.Is.DBProxyName = p.Is.DBProxyName
		s.index.Changed(tx)
		if err := s.addEndpoint(tx, call, &endpoint{Host: *e.Is.Endpoint, Of: arn, Kind: "proxy"}); err != nil {
			return err
		}
		return proxyEndpoints.Put(tx, arn, e)
	})
	out := e.Is
	out.Status = new(creating)
	return &api.CreateDBProxyEndpointOutput{DBProxyEndpoint: &out}, err
}

// ModifyDBProxyEndpoint changes an endpoint of a proxy.
func (s *Service) ModifyDBProxyEndpoint(ctx context.Context, call *aws.Call, in *api.ModifyDBProxyEndpointInput) (*api.ModifyDBProxyEndpointOutput, error) {
	if in.NewDBProxyEndpointName != nil {
		return nil, notYet("new names for endpoints of proxies")
	}
	var out api.DBProxyEndpoint
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, e, err := proxyEndpoints.find(tx, call, in.DBProxyEndpointName)
		if err != nil {
			return err
		}
		if in.VpcSecurityGroupIds != nil {
			e.Is.VpcSecurityGroupIds = in.VpcSecurityGroupIds
		}
		out = e.Is
		return proxyEndpoints.Put(tx, arn, e)
	})
	return &api.ModifyDBProxyEndpointOutput{DBProxyEndpoint: &out}, err
}

// DeleteDBProxyEndpoint removes an endpoint of a proxy.
func (s *Service) DeleteDBProxyEndpoint(ctx context.Context, call *aws.Call, in *api.DeleteDBProxyEndpointInput) (*api.DeleteDBProxyEndpointOutput, error) {
	var out api.DBProxyEndpoint
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, e, err := proxyEndpoints.find(tx, call, in.DBProxyEndpointName)
		if err != nil {
			return err
		}
		out = e.Is
		out.Status = new(deleting)
		s.index.Changed(tx)
		if err := s.removeEndpoints(tx, arn); err != nil {
			return err
		}
		return proxyEndpoints.Delete(tx, arn)
	})
	return &api.DeleteDBProxyEndpointOutput{DBProxyEndpoint: &out}, err
}

// DescribeDBProxyEndpoints lists endpoints of proxies: those that were made, and with
// a proxy's name, those of that proxy.
func (s *Service) DescribeDBProxyEndpoints(ctx context.Context, call *aws.Call, in *api.DescribeDBProxyEndpointsInput) (*api.DescribeDBProxyEndpointsOutput, error) {
	if in.DBProxyName != nil {
		if _, err := listOf(ctx, s, call, &proxies, in.DBProxyName); err != nil {
			return nil, err
		}
	}
	all, err := listOf(ctx, s, call, &proxyEndpoints, in.DBProxyEndpointName)
	if err != nil {
		return nil, err
	}
	if in.DBProxyName != nil {
		all = slices.DeleteFunc(all, func(e proxyEndpoint) bool { return !strings.EqualFold(*e.Is.DBProxyName, *in.DBProxyName) })
	}
	out := &api.DescribeDBProxyEndpointsOutput{DBProxyEndpoints: []api.DBProxyEndpoint{}}
	some, next := page(all, in.MaxRecords, in.Marker, func(e *proxyEndpoint) string { return *e.Is.DBProxyEndpointName })
	for i := range some {
		out.DBProxyEndpoints = append(out.DBProxyEndpoints, some[i].Is)
	}
	out.Marker = next
	return out, nil
}
