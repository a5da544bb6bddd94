package dynamodb

import (
	"context"

	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// DescribeLimits tells how much throughput may be provisioned: what AWS gives
// a new account.
func (s *Service) DescribeLimits(context.Context, *aws.Call, *api.DescribeLimitsInput) (*api.DescribeLimitsOutput, error) {
	return &api.DescribeLimitsOutput{
		AccountMaxReadCapacityUnits:  new(int64(80000)),
		AccountMaxWriteCapacityUnits: new(int64(80000)),
		TableMaxReadCapacityUnits:    new(int64(40000)),
		TableMaxWriteCapacityUnits:   new(int64(40000)),
	}, nil
}

// DescribeEndpoints tells where DynamoDB is: where the caller has found it.
func (s *Service) DescribeEndpoints(_ context.Context, call *aws.Call, _ *api.DescribeEndpointsInput) (*api.DescribeEndpointsOutput, error) {
	address := call.Host
	if address == "" {
		address = "dynamodb." + call.Region + ".amazonaws.com"
	}
	return &api.DescribeEndpointsOutput{Endpoints: []api.Endpoint{{Address: address, CachePeriodInMinutes: 1440}}}, nil
}
