package kinesis

import (
	"context"
	"encoding/base64"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/kinesis"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// op is the row for an operation on the stream that its input names.
func op[In, Out any, P interface {
	*In
	names
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return service.Op(op, handle, func(call *aws.Call, in *In) aws.ARN {
		if list, ok := any(in).(*api.ListShardsInput); ok && list.NextToken != nil {
			if text, err := base64.RawURLEncoding.DecodeString(*list.NextToken); err == nil {
				name, _, _ := strings.Cut(string(text), " ")
				return streamARN(call, "", name)
			}
		}
		return streamARN(call, P(in).GetStreamName(), P(in).GetStreamARN())
	})
}
