package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/ec2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/store"
)

// zoneLetters are the zones of a region, as Fn::GetAZs has them.
const zoneLetters = "abc"

// zoneID is the id of a zone, which is the same for all accounts: "euc1-az1".
func zoneID(region string, n int) string {
	parts := strings.Split(region, "-")
	id := ""
	for i, p := range parts {
		switch {
		case i == 0 || i == len(parts)-1:
			id += p
		case strings.HasPrefix(p, "north") && len(p) > 5, strings.HasPrefix(p, "south") && len(p) > 5:
			id += p[:1] + p[5:6]
		default:
			id += p[:1]
		}
	}
	return fmt.Sprintf("%s-az%d", id, n+1)
}

// beginRegion makes what an account has from the start, unless that was done.
func (s *Service) beginRegion(ctx context.Context, call *aws.Call) error {
	here := call.ARN("ec2", "")
	done := false
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		done, err = begun.Has(tx, here)
		return err
	})
	if err != nil || done {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if done, err := begun.Has(tx, here); err != nil || done {
			return err
		}
		if err := makeDefault(tx, call); err != nil {
			return err
		}
		return begun.Put(tx, here, struct{}{})
	})
}

// usualID is the id of a record that accounts have from the start. It is the same
// each time, so that what remembers it, as contexts of the CDK do, still finds it
// in a platform that keeps nothing.
func usualID(call *aws.Call, prefix, what string) *string {
	sum := sha256.Sum256([]byte(call.Account + " " + call.Region + " " + prefix + what))
	return new(prefix + "-" + hex.EncodeToString(sum[:])[:17])
}

// makeDefault makes the default VPC, with a subnet in each zone and a way out.
func makeDefault(tx *store.Tx, call *aws.Call) error {
	options := api.DhcpOptions{DhcpOptionsId: usualID(call, "dopt", ""), OwnerId: &call.Account, DhcpConfigurations: []api.DhcpConfiguration{
		{Key: new("domain-name"), Values: []api.AttributeValue{{Value: new(call.Region + ".compute.internal")}}},
		{Key: new("domain-name-servers"), Values: []api.AttributeValue{{Value: new("AmazonProvidedDNS")}}},
	}}
	if err := dhcpOptions.put(tx, call, options); err != nil {
		return err
	}
	gateway := api.InternetGateway{InternetGatewayId: usualID(call, "igw", ""), OwnerId: &call.Account}
	v := vpc{Is: api.Vpc{VpcId: usualID(call, "vpc", ""), CidrBlock: new("172.31.0.0/16"), IsDefault: new(true)}, DNSSupport: true, DNSHostnames: true}
	if err := makeVPC(tx, call, &v, func(prefix string) *string { return usualID(call, prefix, "") }); err != nil {
		return err
	}
	gateway.Attachments = []api.InternetGatewayAttachment{{VpcId: v.Is.VpcId, State: new("available")}}
	if err := internetGateways.put(tx, call, gateway); err != nil {
		return err
	}
	main := mainTable(tx, call, *v.Is.VpcId)
	main.Routes = append(main.Routes, api.Route{DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: gateway.InternetGatewayId, Origin: new("CreateRoute"), State: new("active")})
	if err := routeTables.put(tx, call, *main); err != nil {
		return err
	}
	for i, letter := range zoneLetters {
		zone := call.Region + string(letter)
		sub := api.Subnet{
			SubnetId: usualID(call, "subnet", zone), CidrBlock: new(fmt.Sprintf("172.31.%d.0/20", 16*i)), VpcId: v.Is.VpcId,
			AvailabilityZone: &zone, DefaultForAz: new(true), MapPublicIpOnLaunch: new(true),
		}
		if err := makeSubnet(tx, call, &sub); err != nil {
			return err
		}
	}
	return nil
}
