package ec2

import (
	"context"
	"reflect"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

func isMain(v *api.RouteTable) bool {
	return slices.ContainsFunc(v.Associations, func(a api.RouteTableAssociation) bool { return *a.Main })
}

// mainTable is the main route table of a VPC.
func mainTable(tx *store.Tx, call *aws.Call, vpcID string) *api.RouteTable {
	for _, v := range routeTables.all(tx, call, func(v *api.RouteTable) bool { return *v.VpcId == vpcID && isMain(v) }) {
		return &v
	}
	return nil
}

// associationOf is where a table has the association of a subnet, or -1.
func associationOf(v *api.RouteTable, subnet string) int {
	return slices.IndexFunc(v.Associations, func(a api.RouteTableAssociation) bool { return aws.Value(a.SubnetId) == subnet })
}

func localRoute(block string) api.Route {
	return api.Route{DestinationCidrBlock: &block, GatewayId: new("local"), Origin: new("CreateRouteTable"), State: new("active")}
}

// CreateRouteTable makes a route table of a VPC.
func (s *Service) CreateRouteTable(ctx context.Context, call *aws.Call, in *api.CreateRouteTableInput) (*api.CreateRouteTableOutput, error) {
	tags, err := tagsOf(in.TagSpecifications, routeTables.name)
	if err != nil {
		return nil, err
	}
	v := api.RouteTable{RouteTableId: newID("rtb"), VpcId: &in.VpcId, OwnerId: &call.Account, Tags: tags}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		of, err := vpcs.find(tx, call, in.VpcId)
		if err != nil {
			return err
		}
		v.Routes = nil
		for _, a := range of.Is.CidrBlockAssociationSet {
			v.Routes = append(v.Routes, localRoute(*a.CidrBlock))
		}
		return routeTables.put(tx, call, v)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRouteTableOutput{RouteTable: &v, ClientToken: in.ClientToken}, nil
}

// DescribeRouteTables describes route tables.
func (s *Service) DescribeRouteTables(ctx context.Context, call *aws.Call, in *api.DescribeRouteTablesInput) (*api.DescribeRouteTablesOutput, error) {
	list, next, err := describe(ctx, s, call, routeTables, ask{in.RouteTableIds, in.Filters, in.NextToken, in.MaxResults})
	if err != nil {
		return nil, err
	}
	return &api.DescribeRouteTablesOutput{RouteTables: some(list), NextToken: next}, nil
}

// DeleteRouteTable deletes a route table that no subnet has.
func (s *Service) DeleteRouteTable(ctx context.Context, call *aws.Call, in *api.DeleteRouteTableInput) (*api.DeleteRouteTableOutput, error) {
	return &api.DeleteRouteTableOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		v, err := routeTables.find(tx, call, in.RouteTableId)
		if err != nil {
			return err
		}
		if len(v.Associations) > 0 {
			return refused("DependencyViolation", "The routeTable '%s' has dependencies and cannot be deleted.", in.RouteTableId)
		}
		return routeTables.remove(tx, call, in.RouteTableId)
	})
}

// AssociateRouteTable gives a route table to a subnet, or to a gateway.
func (s *Service) AssociateRouteTable(ctx context.Context, call *aws.Call, in *api.AssociateRouteTableInput) (*api.AssociateRouteTableOutput, error) {
	if in.SubnetId == nil && in.GatewayId == nil {
		return nil, refused("MissingParameter", "The request must contain either subnetId or gatewayId.")
	}
	a := api.RouteTableAssociation{
		Main: new(false), RouteTableAssociationId: newID("rtbassoc"), RouteTableId: &in.RouteTableId, SubnetId: in.SubnetId, GatewayId: in.GatewayId,
		AssociationState: &api.RouteTableAssociationState{State: new("associated")},
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if in.SubnetId != nil {
			if _, err := subnets.find(tx, call, *in.SubnetId); err != nil {
				return err
			}
			if routeTables.some(tx, call, func(v *api.RouteTable) bool { return associationOf(v, *in.SubnetId) >= 0 }) {
				return refused("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", in.RouteTableId)
			}
		}
		return routeTables.change(tx, call, in.RouteTableId, func(v *api.RouteTable) error {
			v.Associations = append(v.Associations, a)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.AssociateRouteTableOutput{AssociationId: a.RouteTableAssociationId, AssociationState: a.AssociationState}, nil
}

// take takes an association from the table that has it.
func take(tx *store.Tx, call *aws.Call, id string) (api.RouteTableAssociation, error) {
	is := func(a api.RouteTableAssociation) bool { return *a.RouteTableAssociationId == id }
	for _, v := range routeTables.all(tx, call, func(v *api.RouteTable) bool { return slices.ContainsFunc(v.Associations, is) }) {
		i := slices.IndexFunc(v.Associations, is)
		a := v.Associations[i]
		v.Associations = append(v.Associations[:i], v.Associations[i+1:]...)
		return a, routeTables.put(tx, call, v)
	}
	return api.RouteTableAssociation{}, refused("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}

// ReplaceRouteTableAssociation gives what has one route table another.
func (s *Service) ReplaceRouteTableAssociation(ctx context.Context, call *aws.Call, in *api.ReplaceRouteTableAssociationInput) (*api.ReplaceRouteTableAssociationOutput, error) {
	out := &api.ReplaceRouteTableAssociationOutput{NewAssociationId: newID("rtbassoc")}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := take(tx, call, in.AssociationId)
		if err != nil {
			return err
		}
		a.RouteTableAssociationId, a.RouteTableId, out.AssociationState = out.NewAssociationId, &in.RouteTableId, a.AssociationState
		return routeTables.change(tx, call, in.RouteTableId, func(v *api.RouteTable) error {
			v.Associations = append(v.Associations, a)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DisassociateRouteTable takes a route table from a subnet.
func (s *Service) DisassociateRouteTable(ctx context.Context, call *aws.Call, in *api.DisassociateRouteTableInput) (*api.DisassociateRouteTableOutput, error) {
	return &api.DisassociateRouteTableOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		a, err := take(tx, call, in.AssociationId)
		if err == nil && *a.Main {
			return refused("InvalidParameterValue", "cannot disassociate the main route table association %s", in.AssociationId)
		}
		return err
	})
}

// routed is a route, as an input describes it: its members have the same names.
func routed(in any) (api.Route, error) {
	r := api.Route{Origin: new("CreateRoute"), State: new("active")}
	to, from := reflect.ValueOf(&r).Elem(), reflect.ValueOf(in).Elem()
	for i := range to.NumField() {
		if v := from.FieldByName(to.Type().Field(i).Name); v.IsValid() {
			to.Field(i).Set(v)
		}
	}
	if id := from.FieldByName("VpcEndpointId").Interface().(*string); id != nil {
		r.GatewayId = id
	}
	if r.DestinationCidrBlock == nil && r.DestinationIpv6CidrBlock == nil && r.DestinationPrefixListId == nil {
		return r, refused("MissingParameter", "The request must contain the parameter destinationCidrBlock")
	}
	return r, nil
}

// destination is where a route leads.
func destination(r *api.Route) string {
	return aws.Value(r.DestinationCidrBlock) + aws.Value(r.DestinationIpv6CidrBlock) + aws.Value(r.DestinationPrefixListId)
}

// routeTo is where a table has the route to the destination of r, or -1.
func routeTo(v *api.RouteTable, r *api.Route) int {
	return slices.IndexFunc(v.Routes, func(other api.Route) bool { return destination(&other) == destination(r) })
}

func errNoRoute(r *api.Route, table string) error {
	return refused("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination(r), table)
}

// checkWay refuses a route by way of what is not there.
func checkWay(tx *store.Tx, call *aws.Call, r *api.Route) error {
	if r.NatGatewayId != nil {
		if _, err := natGateways.find(tx, call, *r.NatGatewayId); err != nil {
			return err
		}
	}
	if id := aws.Value(r.GatewayId); len(id) > 4 && id[:4] == "igw-" {
		if _, err := internetGateways.find(tx, call, id); err != nil {
			return err
		}
	}
	return nil
}

// CreateRoute adds a route to a route table.
func (s *Service) CreateRoute(ctx context.Context, call *aws.Call, in *api.CreateRouteInput) (*api.CreateRouteOutput, error) {
	r, err := routed(in)
	if err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkWay(tx, call, &r); err != nil {
			return err
		}
		return routeTables.change(tx, call, in.RouteTableId, func(v *api.RouteTable) error {
			if routeTo(v, &r) >= 0 {
				return refused("RouteAlreadyExists", "The route identified by %s already exists.", destination(&r))
			}
			v.Routes = append(v.Routes, r)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateRouteOutput{Return: new(true)}, nil
}

// ReplaceRoute has a route lead another way.
func (s *Service) ReplaceRoute(ctx context.Context, call *aws.Call, in *api.ReplaceRouteInput) (*api.ReplaceRouteOutput, error) {
	r, err := routed(in)
	if err != nil {
		return nil, err
	}
	if aws.Value(in.LocalTarget) {
		r.GatewayId = new("local")
	}
	return &api.ReplaceRouteOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		if err := checkWay(tx, call, &r); err != nil {
			return err
		}
		return routeTables.change(tx, call, in.RouteTableId, func(v *api.RouteTable) error {
			i := routeTo(v, &r)
			if i < 0 {
				return errNoRoute(&r, in.RouteTableId)
			}
			v.Routes[i] = r
			return nil
		})
	})
}

// DeleteRoute removes a route from a route table.
func (s *Service) DeleteRoute(ctx context.Context, call *aws.Call, in *api.DeleteRouteInput) (*api.DeleteRouteOutput, error) {
	r := api.Route{DestinationCidrBlock: in.DestinationCidrBlock, DestinationIpv6CidrBlock: in.DestinationIpv6CidrBlock, DestinationPrefixListId: in.DestinationPrefixListId}
	return &api.DeleteRouteOutput{}, s.db.Update(ctx, func(tx *store.Tx) error {
		return routeTables.change(tx, call, in.RouteTableId, func(v *api.RouteTable) error {
			i := routeTo(v, &r)
			if i < 0 {
				return errNoRoute(&r, in.RouteTableId)
			}
			if aws.Value(v.Routes[i].GatewayId) == "local" {
				return refused("InvalidParameterValue", "cannot remove local route %s in route table %s", destination(&r), in.RouteTableId)
			}
			v.Routes = append(v.Routes[:i], v.Routes[i+1:]...)
			return nil
		})
	})
}
