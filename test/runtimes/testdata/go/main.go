// A function for Go, as AWS's manual has them.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func handle(ctx context.Context, e events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	switch e.Path {
	case "/error":
		return events.APIGatewayProxyResponse{}, errors.New("bad")
	case "/panic":
		panic("oh")
	}
	lc, ok := lambdacontext.FromContext(ctx)
	if _, late := ctx.Deadline(); !ok || !late {
		return events.APIGatewayProxyResponse{}, errors.New("no context")
	}
	return events.APIGatewayProxyResponse{StatusCode: 200, Body: lc.AwsRequestID + " " + lambdacontext.FunctionName}, nil
}

func main() { lambda.Start(handle) }
