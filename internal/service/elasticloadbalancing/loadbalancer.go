package elasticloadbalancing

import (
	"context"
	"crypto/rand"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/elasticloadbalancing"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

const (
	maxBalancers = 50
	maxName      = 32
)

var hyphenated = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// checkName refuses what cannot be the name of a load balancer or a target group.
func checkName(what, name string) error {
	switch {
	case len(name) > maxName:
		return bad("The %s name '%s' cannot be longer than '%d' characters", what, name, maxName)
	case !hyphenated.MatchString(name):
		return bad("The %s name '%s' can only contain characters that are alphanumeric characters or hyphens(-)", what, name)
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return bad("The %s name '%s' cannot begin or end with '-'", what, name)
	}
	return nil
}

// CreateLoadBalancer makes a load balancer. One that is there already, and the
// same, is returned.
func (s *Service) CreateLoadBalancer(ctx context.Context, call *aws.Call, in *api.CreateLoadBalancerInput) (*api.CreateLoadBalancerOutput, error) {
	if err := checkBalancer(in); err != nil {
		return nil, err
	}
	made := newBalancer(call, in)
	var err error
	if made.Tags, err = tagged(nil, in.Tags); err != nil {
		return nil, err
	}
	var out api.LoadBalancer
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		count := 0
		for _, b := range balancers.of(tx, call.ARN(serviceName, "")) {
			count++
			if *b.LoadBalancerName != in.Name {
				continue
			}
			if !sameBalancer(&b.LoadBalancer, &made.LoadBalancer) {
				return api.DuplicateLoadBalancerNameException.Errorf("A load balancer with the same name '%s' exists, but with different settings", in.Name)
			}
			out = b.LoadBalancer
			return nil
		}
		if err := tx.Err(); err != nil {
			return err
		}
		if count >= maxBalancers {
			return api.TooManyLoadBalancersException.Errorf("The maximum number of load balancers has been reached")
		}
		out = made.LoadBalancer
		s.index.Changed(tx)
		arn, err := aws.ParseARN(*out.LoadBalancerArn)
		if err != nil {
			return err
		}
		return balancers.Put(tx, arn, made)
	})
	if err != nil {
		return nil, err
	}
	out.State = &api.LoadBalancerState{Code: new(api.LoadBalancerStateEnumProvisioning)}
	return &api.CreateLoadBalancerOutput{LoadBalancers: []api.LoadBalancer{out}}, nil
}

func checkBalancer(in *api.CreateLoadBalancerInput) error {
	if err := checkName("load balancer", in.Name); err != nil {
		return err
	}
	subnets := subnetsOf(in.Subnets, in.SubnetMappings)
	kind := aws.Or(in.Type, api.LoadBalancerTypeEnumApplication)
	switch {
	case strings.HasPrefix(in.Name, "internal-"):
		return bad("The load balancer name '%s' cannot begin with 'internal-'", in.Name)
	case in.Subnets != nil && in.SubnetMappings != nil:
		return bad("You must specify either subnets or subnet mappings")
	case len(subnets) == 0 && kind != api.LoadBalancerTypeEnumGateway:
		return bad("At least one subnet must be specified")
	case kind == api.LoadBalancerTypeEnumApplication && len(subnets) < 2:
		return bad("At least two subnets in two different Availability Zones must be specified")
	case kind == api.LoadBalancerTypeEnumGateway:
		return notYet("gateway load balancers")
	case in.CustomerOwnedIpv4Pool != nil || in.IpamPools != nil:
		return notYet("pools of addresses")
	}
	return nil
}

func subnetsOf(ids []string, mappings []api.SubnetMapping) []string {
	for _, m := range mappings {
		ids = append(ids, aws.Value(m.SubnetId))
	}
	return ids
}

// newBalancer is the load balancer that in asks for.
func newBalancer(call *aws.Call, in *api.CreateLoadBalancerInput) balancer {
	kind, id := aws.Or(in.Type, api.LoadBalancerTypeEnumApplication), newID()
	b := balancer{LoadBalancer: api.LoadBalancer{
		LoadBalancerName: &in.Name, Type: &kind, Scheme: new(aws.Or(in.Scheme, api.LoadBalancerSchemeEnumInternetFacing)),
		CreatedTime: new(time.Now().UTC().Truncate(time.Millisecond)), State: &api.LoadBalancerState{Code: new(api.LoadBalancerStateEnumActive)},
		IpAddressType: new(aws.Or(in.IpAddressType, api.IpAddressTypeIpv4)), SecurityGroups: in.SecurityGroups,
		AvailabilityZones:     zones(call.Region, subnetsOf(in.Subnets, in.SubnetMappings)),
		CanonicalHostedZoneId: new(hostedZone(kind, call.Region)),
	}}
	short := "app"
	if kind == api.LoadBalancerTypeEnumNetwork {
		short, b.Label = "net", in.Name+"-"+id
		b.DNSName = new(b.Label + ".elb." + call.Region + ".amazonaws.com")
		b.EnablePrefixForIpv6SourceNat = new(aws.Or(in.EnablePrefixForIpv6SourceNat, "off"))
	} else {
		b.Label = in.Name + "-" + newNumber()
		if *b.Scheme == api.LoadBalancerSchemeEnumInternal {
			b.Label = "internal-" + b.Label
		}
		b.DNSName = new(b.Label + "." + call.Region + ".elb.amazonaws.com")
	}
	b.Label = strings.ToLower(b.Label)
	b.LoadBalancerArn = new(call.ARN(serviceName, balancers.prefix+short+"/"+in.Name+"/"+id).String())
	return b
}

// newNumber is what follows the name in the host of a load balancer.
func newNumber() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_900_000_000))
	if err != nil {
		return "100000000" // rand.Reader never fails
	}
	return n.Add(n, big.NewInt(100_000_000)).String()
}

// zones are those of subnets, one each: there is no network to ask for them.
func zones(region string, subnets []string) []api.AvailabilityZone {
	all := []api.AvailabilityZone{}
	for i, id := range subnets {
		all = append(all, api.AvailabilityZone{ZoneName: new(region + string(rune('a'+i%3))), SubnetId: &id, LoadBalancerAddresses: []api.LoadBalancerAddress{}})
	}
	return all
}

// sameBalancer reports whether two that have one name are alike.
func sameBalancer(a, b *api.LoadBalancer) bool {
	ids := func(l *api.LoadBalancer) []string {
		var out []string
		for _, z := range l.AvailabilityZones {
			out = append(out, *z.SubnetId)
		}
		return slices.Sorted(slices.Values(out))
	}
	return *a.Type == *b.Type && *a.Scheme == *b.Scheme && slices.Equal(ids(a), ids(b)) && slices.Equal(a.SecurityGroups, b.SecurityGroups)
}

// hostedZones are the zones in which the hosts of load balancers are, by region:
// of application load balancers, and of network load balancers.
var hostedZones = map[string][2]string{
	"us-east-1": {"Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"}, "us-east-2": {"Z3AADJGX6KTTL2", "ZLMOA37VPKANP"},
	"us-west-1": {"Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"}, "us-west-2": {"Z1H1FL5HABSF5", "Z18D5FSROUN65G"},
	"ca-central-1": {"ZQSVJUPU6J1EY", "Z2EPGBW3API2WT"}, "sa-east-1": {"Z2P70J7HTTTPLU", "ZTK26PT1VY4CU"},
	"eu-central-1": {"Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"}, "eu-west-1": {"Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"},
	"eu-west-2": {"ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"}, "eu-west-3": {"Z3Q77PNBQS71R4", "Z1CMS0P5QUZ6D5"}, "eu-north-1": {"Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"},
	"ap-south-1": {"ZP97RAFLXTNZK", "ZVDDRBQ08TROA"}, "ap-northeast-1": {"Z14GRHDCWA56QT", "Z31USIVHYNEOWT"}, "ap-northeast-2": {"ZWKZPGTI48KDX", "ZIBE1TIR4HY56"},
	"ap-southeast-1": {"Z1LMS91P8CMLE5", "ZKVM4W9LS7TM"}, "ap-southeast-2": {"Z1GM3OXH4ZPM65", "ZCT6FZBF4DROD"},
}

// hostedZone is the zone of a load balancer's host.
func hostedZone(kind, region string) string {
	of, known := hostedZones[region]
	if !known {
		of = hostedZones["us-east-1"]
	}
	if kind == api.LoadBalancerTypeEnumNetwork {
		return of[1]
	}
	return of[0]
}

// DescribeLoadBalancers tells of load balancers: those that are service.Named, or all.
func (s *Service) DescribeLoadBalancers(ctx context.Context, call *aws.Call, in *api.DescribeLoadBalancersInput) (*api.DescribeLoadBalancersOutput, error) {
	all := []api.LoadBalancer{}
	err := s.db.View(ctx, func(tx *store.Tx) error {
		all = all[:0]
		for _, text := range in.LoadBalancerArns {
			_, b, err := balancers.find(tx, call, text)
			if err != nil {
				return err
			}
			all = append(all, b.LoadBalancer)
		}
		missing := slices.Clone(in.Names)
		for _, b := range balancers.of(tx, call.ARN(serviceName, "")) {
			wanted := slices.Contains(in.Names, *b.LoadBalancerName)
			if wanted || in.Names == nil && in.LoadBalancerArns == nil {
				all = append(all, b.LoadBalancer)
			}
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == *b.LoadBalancerName })
		}
		if len(missing) > 0 {
			return balancers.missing(strings.Join(missing, ", "))
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	out := new(api.DescribeLoadBalancersOutput)
	out.LoadBalancers, out.NextMarker = page(all, in.PageSize, in.Marker, func(b *api.LoadBalancer) string { return *b.LoadBalancerArn })
	return out, nil
}

// DeleteLoadBalancer removes a load balancer with its listeners. That there is
// none is no failure.
func (s *Service) DeleteLoadBalancer(ctx context.Context, call *aws.Call, in *api.DeleteLoadBalancerInput) (*api.DeleteLoadBalancerOutput, error) {
	arn, err := balancers.parse(call, in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		b, err := balancers.Get(tx, arn)
		if err == nil && b.Attributes[deletionProtection] == "true" {
			return api.OperationNotPermittedException.Errorf("Load balancer '%s' cannot be deleted because deletion protection is enabled", in.LoadBalancerArn)
		}
		for at := range listeners.below(tx, arn) {
			if err := s.dropListener(tx, at); err != nil {
				return err
			}
		}
		s.index.Changed(tx)
		return balancers.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteLoadBalancerOutput{}, nil
}

// change changes a load balancer.
func (s *Service) changeBalancer(ctx context.Context, call *aws.Call, text string, change func(b *balancer) error) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		arn, b, err := balancers.find(tx, call, text)
		if err != nil {
			return err
		}
		if err := change(&b); err != nil {
			return err
		}
		s.index.Changed(tx)
		return balancers.Put(tx, arn, b)
	})
}

// SetIpAddressType says of which kind the addresses of a load balancer are.
func (s *Service) SetIpAddressType(ctx context.Context, call *aws.Call, in *api.SetIpAddressTypeInput) (*api.SetIpAddressTypeOutput, error) {
	err := s.changeBalancer(ctx, call, in.LoadBalancerArn, func(b *balancer) error {
		b.IpAddressType = &in.IpAddressType
		return nil
	})
	return &api.SetIpAddressTypeOutput{IpAddressType: &in.IpAddressType}, err
}

// SetSecurityGroups says which security groups a load balancer is in.
func (s *Service) SetSecurityGroups(ctx context.Context, call *aws.Call, in *api.SetSecurityGroupsInput) (*api.SetSecurityGroupsOutput, error) {
	err := s.changeBalancer(ctx, call, in.LoadBalancerArn, func(b *balancer) error {
		b.SecurityGroups = in.SecurityGroups
		return nil
	})
	return &api.SetSecurityGroupsOutput{SecurityGroupIds: in.SecurityGroups}, err
}

// SetSubnets says in which subnets a load balancer is.
func (s *Service) SetSubnets(ctx context.Context, call *aws.Call, in *api.SetSubnetsInput) (*api.SetSubnetsOutput, error) {
	out := new(api.SetSubnetsOutput)
	err := s.changeBalancer(ctx, call, in.LoadBalancerArn, func(b *balancer) error {
		subnets := subnetsOf(in.Subnets, in.SubnetMappings)
		if len(subnets) < 2 && !b.network() || len(subnets) == 0 {
			return bad("At least two subnets in two different Availability Zones must be specified")
		}
		b.AvailabilityZones = zones(call.Region, subnets)
		if in.IpAddressType != nil {
			b.IpAddressType = in.IpAddressType
		}
		out.AvailabilityZones, out.IpAddressType = b.AvailabilityZones, b.IpAddressType
		return nil
	})
	return out, err
}
