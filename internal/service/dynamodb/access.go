package dynamodb

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// onTable is the row of an operation on one table.
func onTable[In, Out any, PtrIn interface {
	*In
	GetTableName() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := tableARN(call, PtrIn(in).GetTableName())
		if err != nil {
			return err
		}
		return check(service.Access{Action: action, Resource: arn})
	}).Checks("TableName")
}

// onResource is the row of an operation on a resource that is meant by its ARN.
func onResource[In, Out any, PtrIn interface {
	*In
	GetResourceArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	action := op.Service + ":" + op.Name
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := resourceTable(PtrIn(in).GetResourceArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: action, Resource: arn})
	})
}
