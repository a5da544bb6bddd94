package appsync

import (
	"context"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	api "github.com/aloft-cloud/aloft/internal/api/appsync"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/event"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
	"github.com/aloft-cloud/aloft/internal/vtl"
)

// graphQL runs a mutation that a rule of EventBridge targets. AWS has the
// permission of that name, and no operation.
var graphQL = smithy.Operation[graphQLInput, graphQLOutput]{Service: "appsync", Name: "GraphQL"}

type graphQLInput struct {
	ApiId     string `aws:"ApiId,required"`
	Query     string `aws:"Query,required"`
	Variables string `aws:"Variables"` // JSON
}

type graphQLOutput struct {
	Answer string `aws:"Answer"` // JSON
}

const endpointKind = "endpoints/graphql-api/"

// receive answers deliveries to the endpoints of APIs.
func receive(d *event.Delivery) (operation string, in any, err error) {
	id, ok := strings.CutPrefix(d.Target.Resource, endpointKind)
	if !ok {
		return "", nil, errBad("%s is no endpoint of a GraphQL API.", d.Target)
	}
	return graphQL.Name, &graphQLInput{ApiId: id, Query: d.Params[event.GraphQLOperation], Variables: string(d.Body)}, nil
}

// mayRun leaves it to the fields, each of which is authorised.
func mayRun(*aws.Call, *graphQLInput, func(service.Access) error) error { return nil }

// runGraphQL runs a mutation as who calls, whom the API knows by IAM.
func (s *Service) runGraphQL(ctx context.Context, call *aws.Call, in *graphQLInput) (*graphQLOutput, error) {
	a, err := s.serve(ctx, in.ApiId)
	if err != nil {
		return nil, err
	}
	if a == nil || a.arn.Account != call.Account {
		return nil, api.NotFoundException.Errorf("GraphQL API %s not found.", in.ApiId)
	}
	d := a.doorOf(api.AuthenticationTypeAwsIam)
	if d == nil {
		return nil, api.UnauthorizedException.Errorf("%s", wordsNobody)
	}
	given, err := vtl.ParseJSON(in.Variables)
	variables, ok := given.(*vtl.Map)
	if err != nil || !ok {
		return nil, errBad("The input of the target is no JSON object.")
	}
	x := &exchange{Service: s, api: a, caller: &caller{door: d, call: call, identity: identityOf(call)}, header: vtl.NewMap(), ctx: ctx}
	op, _, errs := x.prepare(&query{Query: in.Query, Variables: variables})
	if errs != nil {
		return nil, errBad("%s", errs[0].Message)
	}
	if op.Kind != ast.Mutation {
		return nil, errBad("The operation of a target must be a mutation.")
	}
	ctx, cancel := context.WithTimeout(ctx, requestLasts)
	defer cancel()
	x.ctx = ctx
	out := op.Execute(ctx, x, x.limit(), nil)
	x.evict()
	x.publish(out)
	if len(out.Errors) > 0 {
		return nil, errBad("%s", out.Errors[0].Message)
	}
	return &graphQLOutput{Answer: string(out.JSON())}, nil
}
