package states

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/asl"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service/states/flow"
	"github.com/aloft-cloud/aloft/internal/tree"
)

func (s *Service) callHTTP(ctx context.Context, as *aws.Call, c *caller, args tree.Value) flow.Answer {
	return failed(asl.ErrTaskFailed, "Aloft does not have http:invoke yet.")
}

func (s *Service) callGateway(ctx context.Context, as *aws.Call, c *caller, role string, args tree.Value) flow.Answer {
	return failed(asl.ErrTaskFailed, "Aloft does not have apigateway:invoke yet.")
}
