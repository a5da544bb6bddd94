package sns

import (
	"context"
	"maps"
	"slices"
	"strings"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/auth"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/service"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// checked is the row of an operation on the resource that resource finds.
func checked[In, Out any](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error), resource func(*aws.Call, *In) (aws.ARN, error)) service.Operation {
	return service.OpEach(op, handle, func(call *aws.Call, in *In, check func(service.Access) error) error {
		arn, err := resource(call, in)
		if err != nil {
			return err
		}
		return check(service.Access{Action: "sns:" + op.Name, Resource: arn})
	})
}

// onTopic is the row of an operation on the topic that its input names.
func onTopic[In, Out any, P interface {
	*In
	GetTopicArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return checked(op, handle, func(call *aws.Call, in *In) (aws.ARN, error) { return topicARN(call, P(in).GetTopicArn()) })
}

func onResource[In, Out any, P interface {
	*In
	GetResourceArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return checked(op, handle, func(call *aws.Call, in *In) (aws.ARN, error) { return parseARN(P(in).GetResourceArn(), "ResourceArn") })
}

func onApplication[In, Out any, P interface {
	*In
	GetPlatformApplicationArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return checked(op, handle, func(call *aws.Call, in *In) (aws.ARN, error) {
		return applicationARN(P(in).GetPlatformApplicationArn())
	})
}

func onEndpoint[In, Out any, P interface {
	*In
	GetEndpointArn() string
}](op smithy.Operation[In, Out], handle func(context.Context, *aws.Call, *In) (*Out, error)) service.Operation {
	return checked(op, handle, func(call *aws.Call, in *In) (aws.ARN, error) {
		return endpointARN(P(in).GetEndpointArn(), "EndpointArn")
	})
}

// onSubscription asks for permission on the topic of a subscription.
func onSubscription[In interface{ GetSubscriptionArn() string }](action string) func(call *aws.Call, in In, check func(service.Access) error) error {
	return func(call *aws.Call, in In, check func(service.Access) error) error {
		key, err := parseSubscriptionARN(in.GetSubscriptionArn())
		if err != nil {
			return err
		}
		return check(service.Access{Action: "sns:" + action, Resource: key.Topic})
	}
}

func mayCreateTopic(call *aws.Call, in *api.CreateTopicInput, check func(service.Access) error) error {
	if err := check(service.Access{Action: "sns:CreateTopic", Resource: call.ARN("sns", in.Name)}); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if err := mayPassRole(name, in.Attributes[name], check); err != nil {
			return err
		}
	}
	return nil
}

func maySetTopic(call *aws.Call, in *api.SetTopicAttributesInput, check func(service.Access) error) error {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return err
	}
	if err := check(service.Access{Action: "sns:SetTopicAttributes", Resource: arn}); err != nil {
		return err
	}
	return mayPassRole(in.AttributeName, aws.Value(in.AttributeValue), check)
}

// mayPassRole asks whether SNS may be given the role that an attribute names.
func mayPassRole(name, value string, check func(service.Access) error) error {
	if kind, setting := feedbackOf(name); kind == "" || setting == sampleRate || !isRole(value) {
		return nil
	}
	return check(auth.PassRole(value, "sns"))
}

func maySubscribe(call *aws.Call, in *api.SubscribeInput, check func(service.Access) error) error {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return err
	}
	keys := service.Keys{"sns:Protocol": {in.Protocol}, "sns:Endpoint": {aws.Value(in.Endpoint)}}
	if err := check(service.Access{Action: "sns:Subscribe", Resource: arn, Keys: keys}); err != nil {
		return err
	}
	if role := in.Attributes[roleAttribute]; role != "" {
		return check(auth.PassRole(role, "sns"))
	}
	return nil
}

// mayConfirm lets everybody confirm who has the token, as links in messages do.
func mayConfirm(call *aws.Call, in *api.ConfirmSubscriptionInput, check func(service.Access) error) error {
	arn, err := aws.ParseARN(in.TopicArn)
	if err != nil || arn.Service != "sns" {
		return invalid("Topic")
	}
	if call.Principal.Kind == aws.Anonymous {
		return nil
	}
	return check(service.Access{Action: "sns:ConfirmSubscription", Resource: arn})
}

// mayUnsubscribe lets everybody unsubscribe who knows the subscription; the
// handler refuses it for those that ask for a signature.
func mayUnsubscribe(call *aws.Call, in *api.UnsubscribeInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Anonymous {
		return nil
	}
	key, err := parseSubscriptionARN(in.SubscriptionArn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "sns:Unsubscribe", Resource: key.Topic})
}

func mayPublish(call *aws.Call, in *api.PublishInput, check func(service.Access) error) error {
	target := aws.AnyResource
	if text := publishTarget(in); text != "" {
		var err error
		if target, err = topicARN(call, text); err != nil {
			return err
		}
	}
	return check(service.Access{Action: "sns:Publish", Resource: target})
}

func mayPublishBatch(call *aws.Call, in *api.PublishBatchInput, check func(service.Access) error) error {
	arn, err := topicARN(call, in.TopicArn)
	if err != nil {
		return err
	}
	return check(service.Access{Action: "sns:Publish", Resource: arn})
}

// publishTarget is the ARN that a message is published to, or "".
func publishTarget(in *api.PublishInput) string {
	if in.TopicArn != nil {
		return *in.TopicArn
	}
	return aws.Value(in.TargetArn)
}

// mayDeliver lets SNS deliver its own, and services that write to people: the
// operation is not AWS's.
func mayDeliver(call *aws.Call, in *deliverInput, check func(service.Access) error) error {
	if call.Principal.Kind == aws.Service && slices.Contains([]string{"sns", "ses", "cognito-idp"}, call.Principal.Source.Service) {
		return nil
	}
	return aws.AccessDenied.Errorf("Only topics, user pools and SES deliver letters.")
}

// parseARN reads an ARN of SNS.
func parseARN(text, parameter string) (aws.ARN, error) {
	if n := strings.Count(text, ":") + 1; n < 6 {
		return aws.ARN{}, invalid("%s Reason: An ARN must have at least 6 elements, not %d", parameter, n)
	}
	arn, err := aws.ParseARN(text)
	if err != nil || arn.Service != "sns" {
		return aws.ARN{}, invalid("%s", parameter)
	}
	return arn, nil
}

// topicARN reads the ARN of a topic, which must be in the region of the call,
// or of an endpoint.
func topicARN(call *aws.Call, text string) (aws.ARN, error) {
	arn, err := parseARN(text, "TopicArn")
	if err != nil {
		return arn, err
	}
	if arn.Region != call.Region && call.Principal.Kind != aws.Service {
		return arn, invalid("TopicArn")
	}
	return arn, nil
}
