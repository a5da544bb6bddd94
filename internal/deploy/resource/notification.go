package resource

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// bucketNotification is a type of ours: it has a bucket that other stacks may have
// made notify a function, beside all else that the bucket notifies. The
// Serverless Framework has a function of its own do so.
func bucketNotification() *Type {
	return &Type{
		Name:       "Aloft::S3::BucketNotification",
		Properties: Props(`BucketName!@ FunctionArn! Events!`),
		Needs:      Needs{"": "s3.PutBucketNotificationConfiguration"},
		Create:     func(op *Op) (*Made, error) { return notify(op, op.Text("BucketName")+"/"+op.LogicalID+"-"+op.Token) },
		Update:     func(op *Op) (*Made, error) { return notify(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			bucket, id, _ := strings.Cut(op.PhysicalID, "/")
			return renotify(op, bucket, id, nil)
		},
	}
}

// notify makes what the bucket notifies the function of what op.New says.
func notify(op *Op, physicalID string) (*Made, error) {
	bucket, id, _ := strings.Cut(physicalID, "/")
	var in s3.NotificationConfiguration
	var all []any
	events, _ := op.New["Events"].([]any)
	for _, e := range events {
		e, _ := e.(map[string]any)
		one := map[string]any{"Id": id, "LambdaFunctionArn": op.New["FunctionArn"], "Events": []any{e["Event"]}}
		if rules := e["Rules"]; rules != nil {
			one["Filter"] = map[string]any{"Key": map[string]any{"FilterRules": rules}}
		}
		all = append(all, one)
	}
	if err := Bind(op, map[string]any{"LambdaFunctionConfigurations": all}, &in); err != nil {
		return nil, err
	}
	return &Made{PhysicalID: physicalID}, renotify(op, bucket, id, in.LambdaFunctionConfigurations)
}

// renotify replaces what a bucket notifies under ids that begin with id.
func renotify(op *Op, bucket, id string, with []s3.LambdaFunctionConfiguration) error {
	out, err := Do(op, s3.GetBucketNotificationConfiguration, &s3.GetBucketNotificationConfigurationInput{Bucket: bucket})
	if err != nil {
		return err
	}
	functions := slices.DeleteFunc(out.LambdaFunctionConfigurations, func(f s3.LambdaFunctionConfiguration) bool {
		return strings.HasPrefix(aws.Value(f.Id), id)
	})
	for i := range with {
		with[i].Id = new(id + "-" + strconv.Itoa(i))
	}
	_, err = Do(op, s3.PutBucketNotificationConfiguration, &s3.PutBucketNotificationConfigurationInput{
		Bucket: bucket, NotificationConfiguration: &s3.NotificationConfiguration{
			LambdaFunctionConfigurations: append(functions, with...), QueueConfigurations: out.QueueConfigurations,
			TopicConfigurations: out.TopicConfigurations, EventBridgeConfiguration: out.EventBridgeConfiguration,
		},
	})
	return err
}
