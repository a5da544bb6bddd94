package ec2

import (
	"context"
	"slices"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// regions are those that accounts have without asking for them.
var regions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
	"eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// DescribeAvailabilityZones describes the zones of the region.
func (s *Service) DescribeAvailabilityZones(_ context.Context, call *aws.Call, in *api.DescribeAvailabilityZonesInput) (*api.DescribeAvailabilityZonesOutput, error) {
	out := &api.DescribeAvailabilityZonesOutput{AvailabilityZones: []api.AvailabilityZone{}}
	for i, letter := range zoneLetters {
		name, id := call.Region+string(letter), zoneID(call.Region, i)
		z := api.AvailabilityZone{
			State: new("available"), OptInStatus: new("opt-in-not-required"), RegionName: &call.Region, ZoneName: &name, ZoneId: &id,
			GroupName: new(call.Region + "-zg-1"), NetworkBorderGroup: &call.Region, ZoneType: new("availability-zone"),
		}
		ok, err := matches(&z, nil, in.Filters, nil)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.ZoneNames) == 0 || slices.Contains(in.ZoneNames, name)) && (len(in.ZoneIds) == 0 || slices.Contains(in.ZoneIds, id)) {
			out.AvailabilityZones = append(out.AvailabilityZones, z)
		}
	}
	if len(out.AvailabilityZones) < len(in.ZoneNames)+len(in.ZoneIds) {
		return nil, refused("InvalidParameterValue", "Invalid availability zone: [%s]", append(in.ZoneNames, in.ZoneIds...)[0])
	}
	return out, nil
}

// DescribeRegions describes the regions there are.
func (s *Service) DescribeRegions(_ context.Context, _ *aws.Call, in *api.DescribeRegionsInput) (*api.DescribeRegionsOutput, error) {
	out := &api.DescribeRegionsOutput{Regions: []api.Region{}}
	for _, name := range regions {
		r := api.Region{RegionName: &name, Endpoint: new("ec2." + name + ".amazonaws.com"), OptInStatus: new("opt-in-not-required")}
		ok, err := matches(&r, nil, in.Filters, nil)
		if err != nil {
			return nil, err
		}
		if ok && (len(in.RegionNames) == 0 || slices.Contains(in.RegionNames, name)) {
			out.Regions = append(out.Regions, r)
		}
	}
	if len(out.Regions) < len(in.RegionNames) {
		return nil, refused("InvalidParameterValue", "Invalid region: [%s]", in.RegionNames[0])
	}
	return out, nil
}

// DescribeAccountAttributes describes what the account has.
func (s *Service) DescribeAccountAttributes(ctx context.Context, call *aws.Call, in *api.DescribeAccountAttributesInput) (*api.DescribeAccountAttributesOutput, error) {
	vpcID := ""
	err := s.db.View(ctx, func(tx *store.Tx) error {
		vpcID = defaultVPC(tx, call)
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	if vpcID == "" {
		vpcID = "none"
	}
	out := &api.DescribeAccountAttributesOutput{AccountAttributes: []api.AccountAttribute{}}
	for _, a := range [][2]string{{"supported-platforms", "VPC"}, {"vpc-max-security-groups-per-interface", "5"}, {"max-elastic-ips", "5"},
		{"max-instances", "0"}, {"vpc-max-elastic-ips", "5"}, {"default-vpc", vpcID}} {
		if len(in.AttributeNames) == 0 || slices.Contains(in.AttributeNames, a[0]) {
			out.AccountAttributes = append(out.AccountAttributes, api.AccountAttribute{AttributeName: &a[0], AttributeValues: []api.AccountAttributeValue{{AttributeValue: &a[1]}}})
		}
	}
	return out, nil
}

// DescribeInstances finds none: no instance runs here.
func (s *Service) DescribeInstances(_ context.Context, _ *aws.Call, in *api.DescribeInstancesInput) (*api.DescribeInstancesOutput, error) {
	if len(in.InstanceIds) > 0 {
		return nil, refused("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", in.InstanceIds[0])
	}
	return &api.DescribeInstancesOutput{Reservations: []api.Reservation{}}, nil
}

// DescribeNetworkInterfaces finds none: nothing is connected to networks here.
func (s *Service) DescribeNetworkInterfaces(_ context.Context, _ *aws.Call, in *api.DescribeNetworkInterfacesInput) (*api.DescribeNetworkInterfacesOutput, error) {
	if len(in.NetworkInterfaceIds) > 0 {
		return nil, refused("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", in.NetworkInterfaceIds[0])
	}
	return &api.DescribeNetworkInterfacesOutput{NetworkInterfaces: []api.NetworkInterface{}}, nil
}

// DescribeVpnGateways finds none.
func (s *Service) DescribeVpnGateways(_ context.Context, _ *aws.Call, in *api.DescribeVpnGatewaysInput) (*api.DescribeVpnGatewaysOutput, error) {
	if len(in.VpnGatewayIds) > 0 {
		return nil, refused("InvalidVpnGatewayID.NotFound", "The vpnGateway ID '%s' does not exist", in.VpnGatewayIds[0])
	}
	return &api.DescribeVpnGatewaysOutput{VpnGateways: []api.VpnGateway{}}, nil
}
