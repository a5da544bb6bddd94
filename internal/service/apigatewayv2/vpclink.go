package apigatewayv2

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/store"
)

// vpcLinks are what private integrations lead through: there is no network, so
// they only have to be there.
var vpcLinks = store.NewTable[aws.ARN, api.GetVpcLinkOutput]("apigatewayv2.vpcLink")

func findVpcLink(tx *store.Tx, call *aws.Call, id string) (aws.ARN, api.GetVpcLinkOutput, error) {
	arn := call.ARN("apigateway", "/vpclinks/"+id)
	row, err := vpcLinks.Get(tx, arn)
	return arn, row, refused(err, "VpcLink")
}

// CreateVpcLink makes a link to a network.
func (s *Service) CreateVpcLink(ctx context.Context, call *aws.Call, in *api.CreateVpcLinkInput) (*api.CreateVpcLinkOutput, error) {
	switch {
	case in.Name == "" || len(in.Name) > 128:
		return nil, errBad("VpcLink name must be between 1 and 128 characters")
	case len(in.SubnetIds) == 0:
		return nil, errBad("At least one subnet id must be specified")
	case len(in.Tags) > service.MaxTags:
		return nil, errBad("The maximum number of tags for a resource is %d", service.MaxTags)
	}
	row := api.GetVpcLinkOutput{
		CreatedDate: new(time.Now().UTC().Truncate(time.Second)), Name: &in.Name, SecurityGroupIds: append([]string{}, in.SecurityGroupIds...), SubnetIds: in.SubnetIds, Tags: in.Tags,
		VpcLinkId: new(newID(6)), VpcLinkStatus: new(api.VpcLinkStatusAvailable), VpcLinkStatusMessage: new("VPC link is ready to route traffic"), VpcLinkVersion: new(api.VpcLinkVersionV2),
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		return vpcLinks.Put(tx, call.ARN("apigateway", "/vpclinks/"+*row.VpcLinkId), row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.CreateVpcLinkOutput(row)), nil
}

// GetVpcLink returns a link.
func (s *Service) GetVpcLink(ctx context.Context, call *aws.Call, in *api.GetVpcLinkInput) (*api.GetVpcLinkOutput, error) {
	var row api.GetVpcLinkOutput
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
	limit, after, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := new(api.GetVpcLinksOutput)
	err = s.db.View(ctx, func(tx *store.Tx) error {
		out.Items, out.NextToken = []api.VpcLink{}, nil
		for _, row := range vpcLinks.ScanAfter(tx, call.ARN("apigateway", ""), call.ARN("apigateway", "/vpclinks/"+after)) {
			if len(out.Items) == limit {
				out.NextToken = tokenAfter(out.Items[limit-1].VpcLinkId)
				break
			}
			out.Items = append(out.Items, api.VpcLink{
				CreatedDate: row.CreatedDate, Name: *row.Name, SecurityGroupIds: row.SecurityGroupIds, SubnetIds: row.SubnetIds, Tags: row.Tags,
				VpcLinkId: *row.VpcLinkId, VpcLinkStatus: row.VpcLinkStatus, VpcLinkStatusMessage: row.VpcLinkStatusMessage, VpcLinkVersion: row.VpcLinkVersion,
			})
		}
		return tx.Err()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UpdateVpcLink gives a link another name.
func (s *Service) UpdateVpcLink(ctx context.Context, call *aws.Call, in *api.UpdateVpcLinkInput) (*api.UpdateVpcLinkOutput, error) {
	var row api.GetVpcLinkOutput
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		arn, found, err := findVpcLink(tx, call, in.VpcLinkId)
		if err != nil {
			return err
		}
		row = found
		setIf(&row.Name, in.Name)
		return vpcLinks.Put(tx, arn, row)
	})
	if err != nil {
		return nil, err
	}
	return new(api.UpdateVpcLinkOutput(row)), nil
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

const listenerARN = ":listener/" // what the ARNs of listeners have

// checkPrivate refuses an integration that a link cannot lead to.
func checkPrivate(tx *store.Tx, of aws.ARN, row *api.Integration) error {
	if *row.ConnectionType != api.ConnectionTypeVpcLink {
		return nil
	}
	target := aws.Value(row.IntegrationUri)
	switch {
	case *row.IntegrationType != api.IntegrationTypeHttpProxy:
		return errBad("VPC_LINK connections are supported only for HTTP_PROXY integrations")
	case aws.Value(row.ConnectionId) == "":
		return errBad("ConnectionId must be specified for VPC_LINK connections")
	case row.IntegrationMethod == nil:
		return errBad("HttpMethod must be specified for HTTP_PROXY integrations")
	case strings.HasPrefix(target, "arn:aws:servicediscovery:"):
		return errNotYet("services of Cloud Map as integrations")
	case !strings.HasPrefix(target, "arn:aws:elasticloadbalancing:") || !strings.Contains(target, listenerARN):
		return errBad("For VpcLink V2 integration uri should be a valid ELB listener ARN or a valid Cloud Map service ARN.")
	}
	_, err := vpcLinks.Get(tx, aws.ARN{Service: "apigateway", Account: of.Account, Region: of.Region, Resource: "/vpclinks/" + *row.ConnectionId})
	return refused(err, "VpcLink")
}

// listener is the address of a listener that an integration leads to, for a path.
func (x *exchange) listener(arn, path string) (string, error) {
	if x.cfg.Balancers == nil {
		return "", fmt.Errorf("%w: there are no load balancers", errIntegration)
	}
	scheme, host, err := x.cfg.Balancers.Address(x.r.Context(), arn, "")
	if err != nil {
		return "", err
	}
	if host == "" {
		return "", fmt.Errorf("%w: there is no listener %s", errIntegration, arn)
	}
	if !slices.Contains([]string{"http", "https"}, scheme) {
		scheme = "http"
	}
	return scheme + "://" + host + path, nil
}
