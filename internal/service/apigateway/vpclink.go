package apigateway

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/apigateway"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/uri"
	"github.com/aloft-cloud/aloft/internal/store"
)

// vpcLinks lead to the load balancers that they name. There is no network: an
// integration whose link names none of ours goes as it would without.
var vpcLinks = store.NewTable[aws.ARN, api.VpcLink]("apigateway.vpcLink")

func findVpcLink(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.VpcLink, error) {
	arn := call.ARN("apigateway", "/vpclinks/"+id)
	row, err := vpcLinks.Get(tx, arn)
	return arn, row, refused(err, "Vpc Link")
}

// CreateVpcLink makes a link to load balancers of a network.
func (s *Service) CreateVpcLink(ctx context.Context, call *aws.Call, in *api.CreateVpcLinkInput) (*api.VpcLink, error) {
	if in.Name == "" {
		return nil, errBad("Name cannot be empty")
	}
	for _, arn := range in.TargetArns {
		if !strings.HasPrefix(arn, "arn:") {
			return nil, errBad("Invalid ARN. ARN is not well formed %s", arn)
		}
	}
	row := api.VpcLink{
		Id: new(newID(6)), Name: &in.Name, Description: in.Description, TargetArns: in.TargetArns, Status: new(api.VpcLinkStatusAvailable),
		StatusMessage: new("Your vpc link is ready for use"), Tags: in.Tags,
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error { return vpcLinks.Put(tx, call.ARN("apigateway", "/vpclinks/"+*row.Id), row) })
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetVpcLink returns a link.
func (s *Service) GetVpcLink(ctx context.Context, call *aws.Call, in *api.GetVpcLinkInput) (*api.VpcLink, error) {
	var row api.VpcLink
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		_, row, err = findVpcLink(tx, call, in.VpcLinkId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// GetVpcLinks lists the links of an account.
func (s *Service) GetVpcLinks(ctx context.Context, call *aws.Call, in *api.GetVpcLinksInput) (*api.GetVpcLinksOutput, error) {
	out := new(api.GetVpcLinksOutput)
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		out.Items, out.Position, err = listOf(tx, vpcLinks, call, "/vpclinks/", in.Limit, in.Position)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateVpcLink changes a link.
func (s *Service) UpdateVpcLink(ctx context.Context, call *aws.Call, in *api.UpdateVpcLinkInput) (*api.VpcLink, error) {
	var row api.VpcLink
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findVpcLink(tx, call, in.VpcLinkId)
		if err != nil {
			return err
		}
		row = found
		err = replace(in.PatchOperations, []string{"/name", "/description"}, func(c *change) error {
			if c.path == "/description" {
				row.Description = c.text()
				return nil
			}
			if row.Name = c.text(); c.value == "" {
				return errBad("Name cannot be empty")
			}
			return nil
		})
		if err != nil {
			return err
		}
		return vpcLinks.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return &row, nil
}

// DeleteVpcLink removes a link.
func (s *Service) DeleteVpcLink(ctx context.Context, call *aws.Call, in *api.DeleteVpcLinkInput) (*api.DeleteVpcLinkOutput, error) {
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, _, err := findVpcLink(tx, call, in.VpcLinkId)
		if err != nil {
			return err
		}
		return vpcLinks.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteVpcLinkOutput{}, nil
}

// privately has a request go to the load balancer that the link of x's
// integration leads to, or that the integration names.
func (x *exchange) privately(out *outgoing) error {
	i := &x.method.integ
	if aws.Value(i.ConnectionType) != "VPC_LINK" || x.cfg.Balancers == nil {
		return nil
	}
	to := aws.Value(i.IntegrationTarget)
	if to == "" {
		id := uri.Fill(*i.ConnectionId, x.v.variables)
		err := x.db.View(x.ctx, func(tx *store.Tx) error {
			_, row, err := findVpcLink(tx, &aws.Call{Account: x.api.arn.Account, Region: x.api.arn.Region}, id)
			if len(row.TargetArns) > 0 {
				to = row.TargetArns[0]
			}
			return err
		})
		if err != nil {
			return errConfig.because(err)
		}
	}
	u, err := url.Parse(out.uri)
	if err != nil {
		return errConfig.because(err)
	}
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	} else if port == "" {
		port = "80"
	}
	scheme, host, err := x.cfg.Balancers.Address(x.ctx, to, port)
	if err != nil || host == "" {
		return err
	}
	u.Scheme, u.Host = cmp.Or(scheme, u.Scheme), host
	out.uri = u.String()
	return nil
}
