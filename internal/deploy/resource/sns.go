package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// SNS has the types of SNS.
func SNS() []*Type {
	return []*Type{topic(), topicSubscription(), topicPolicy(), topicInlinePolicy()}
}

// topicSettings are the properties of a topic that are attributes of the same
// names, and what they are if the template leaves them out.
var topicSettings = map[string]string{
	"ArchivePolicy": "", "ContentBasedDeduplication": "false", "DisplayName": "", "FifoThroughputScope": "Topic",
	"KmsMasterKeyId": "", "SignatureVersion": "1", "TracingConfig": "PassThrough",
}

func topic() *Type {
	return &Type{
		Name: "AWS::SNS::Topic",
		Properties: Props(`ArchivePolicy ContentBasedDeduplication DataProtectionPolicy- DeliveryStatusLogging DisplayName FifoThroughputScope
			FifoTopic@ KmsMasterKeyId SignatureVersion Subscription Tags TopicName@ TracingConfig`),
		Attributes: []string{"TopicArn", "TopicName"},
		Naming:     Naming{Property: "TopicName", Max: 250},
		Create: func(op *Op) (*Made, error) {
			made := madeTopic(op)
			in := &sns.CreateTopicInput{Name: text(made.Attributes["TopicName"]), Tags: topicTags(tagMap(op.New["Tags"])), Attributes: make(map[string]string)}
			for name := range topicSettings {
				if v, has := op.New[name]; has {
					in.Attributes[name] = settingText(v)
				}
			}
			if truth(op.New["FifoTopic"]) {
				in.Attributes["FifoTopic"] = "true"
			}
			maps.Copy(in.Attributes, statusLogging(op.New))
			if _, err := Do(op, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: made.PhysicalID}); err == nil {
				return nil, alreadyExists("Resource of type 'AWS::SNS::Topic' with identifier '%s' already exists.", made.PhysicalID)
			}
			if _, err := Do(op, sns.CreateTopic, in); err != nil {
				return nil, err
			}
			return made, subscribe(op, made.PhysicalID)
		},
		Update: func(op *Op) (*Made, error) {
			made := &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}
			for name, usual := range topicSettings {
				if !op.Changed(name) {
					continue
				}
				value := usual
				if v, has := op.New[name]; has {
					value = settingText(v)
				}
				in := &sns.SetTopicAttributesInput{TopicArn: op.PhysicalID, AttributeName: name, AttributeValue: &value}
				if _, err := Do(op, sns.SetTopicAttributes, in); err != nil {
					return made, err
				}
			}
			if err := logStatus(op); err != nil {
				return made, err
			}
			if err := subscribe(op, op.PhysicalID); err != nil {
				return made, err
			}
			return made, retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, sns.TagResource, &sns.TagResourceInput{ResourceArn: op.PhysicalID, Tags: topicTags(tags)})
				return err
			}, func(keys []string) error {
				_, err := Do(op, sns.UntagResource, &sns.UntagResourceInput{ResourceArn: op.PhysicalID, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, sns.DeleteTopic, &sns.DeleteTopicInput{TopicArn: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			made := madeTopic(op)
			if _, err := Do(op, sns.GetTopicAttributes, &sns.GetTopicAttributesInput{TopicArn: made.PhysicalID}); err != nil {
				return nil, ignoreGone(err)
			}
			return made, subscribe(op, made.PhysicalID)
		},
	}
}

// statusLogging is the attributes of a topic that log deliveries.
func statusLogging(properties map[string]any) map[string]string {
	out := make(map[string]string)
	for _, element := range list(properties["DeliveryStatusLogging"]) {
		l := object(element)
		kind, named := map[string]string{"http/s": "HTTP", "sqs": "SQS", "lambda": "Lambda", "firehose": "Firehose", "application": "Application"}[text(l["Protocol"])]
		if !named {
			kind = text(l["Protocol"]) // which the topic refuses
		}
		for _, name := range []string{"SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn"} {
			if v, has := l[name]; has {
				out[kind+name] = settingText(v)
			}
		}
	}
	return out
}

// logStatus has a topic log deliveries as op.New says.
func logStatus(op *Op) error {
	wanted := statusLogging(op.New)
	for name := range statusLogging(op.Old) {
		if _, still := wanted[name]; !still {
			wanted[name] = ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if wanted[name] == statusLogging(op.Old)[name] {
			continue
		}
		in := &sns.SetTopicAttributesInput{TopicArn: op.PhysicalID, AttributeName: name, AttributeValue: new(wanted[name])}
		if _, err := Do(op, sns.SetTopicAttributes, in); err != nil {
			return err
		}
	}
	return nil
}

// madeTopic is the topic that op is about; names of FIFO topics end as they must.
func madeTopic(op *Op) *Made {
	name := op.Named("TopicName")
	if op.Text("TopicName") == "" && truth(op.New["FifoTopic"]) {
		name += ".fifo"
	}
	arn := op.ARN("sns", name)
	return &Made{PhysicalID: arn, Attributes: map[string]any{"TopicArn": arn, "TopicName": name}}
}

func topicTags(tags map[string]string) []sns.Tag {
	var out []sns.Tag
	for key, value := range tags {
		out = append(out, sns.Tag{Key: key, Value: value})
	}
	return out
}

// subscribe makes the subscriptions that a topic names itself those of op.New.
func subscribe(op *Op, arn string) error {
	if !op.Changed("Subscription") {
		return nil
	}
	for _, element := range list(op.New["Subscription"]) {
		s := object(element)
		in := &sns.SubscribeInput{TopicArn: arn, Protocol: text(s["Protocol"]), Endpoint: new(text(s["Endpoint"]))}
		if _, err := Do(op, sns.Subscribe, in); err != nil {
			return err
		}
	}
	old := list(op.Old["Subscription"])
	gone := slices.DeleteFunc(slices.Clone(old), func(v any) bool {
		return slices.ContainsFunc(list(op.New["Subscription"]), func(w any) bool { return Equal(v, w) })
	})
	if len(gone) == 0 {
		return nil
	}
	out, err := Do(op, sns.ListSubscriptionsByTopic, &sns.ListSubscriptionsByTopicInput{TopicArn: arn})
	if err != nil {
		return err
	}
	for _, sub := range out.Subscriptions {
		is := func(v any) bool {
			return text(object(v)["Protocol"]) == aws.Value(sub.Protocol) && text(object(v)["Endpoint"]) == aws.Value(sub.Endpoint)
		}
		if !slices.ContainsFunc(gone, is) || aws.Value(sub.SubscriptionArn) == "PendingConfirmation" {
			continue
		}
		if _, err := Do(op, sns.Unsubscribe, &sns.UnsubscribeInput{SubscriptionArn: *sub.SubscriptionArn}); err != nil {
			return err
		}
	}
	return nil
}

// subscriptionSettings are the properties of a subscription that are attributes
// of the same names, in the order in which they are set, and what they are if
// the template leaves them out.
var subscriptionSettings = []struct{ name, usual string }{
	{"FilterPolicyScope", "MessageAttributes"}, {"FilterPolicy", "{}"}, {"RawMessageDelivery", "false"},
	{"RedrivePolicy", ""}, {"DeliveryPolicy", ""}, {"ReplayPolicy", ""}, {"SubscriptionRoleArn", ""},
}

func topicSubscription() *Type {
	create := func(op *Op) (*Made, error) {
		in := &sns.SubscribeInput{
			TopicArn: op.Text("TopicArn"), Protocol: op.Text("Protocol"), ReturnSubscriptionArn: new(true), Attributes: make(map[string]string),
		}
		if endpoint := op.Text("Endpoint"); endpoint != "" {
			in.Endpoint = &endpoint
		}
		for _, s := range subscriptionSettings {
			if v, has := op.New[s.name]; has {
				in.Attributes[s.name] = settingText(v)
			}
		}
		out, err := doIn(op, op.Text("Region"), in)
		if err != nil {
			return nil, err
		}
		arn := aws.Value(out.SubscriptionArn)
		return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}}, nil
	}
	return &Type{
		Name: "AWS::SNS::Subscription",
		Properties: Props(`DeliveryPolicy Endpoint@ FilterPolicy FilterPolicyScope Protocol!@ RawMessageDelivery RedrivePolicy Region@ ReplayPolicy
			SubscriptionRoleArn TopicArn!@`),
		Attributes: []string{"Arn"},
		Create:     create,
		Find:       create, // the same endpoint is the same subscription
		Update: func(op *Op) (*Made, error) {
			made := &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}
			for _, s := range subscriptionSettings {
				if !op.Changed(s.name) {
					continue
				}
				value := s.usual
				if v, has := op.New[s.name]; has {
					value = settingText(v)
				}
				in := &sns.SetSubscriptionAttributesInput{SubscriptionArn: op.PhysicalID, AttributeName: s.name, AttributeValue: &value}
				if _, err := Do(op, sns.SetSubscriptionAttributes, in); err != nil {
					return made, err
				}
			}
			return made, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, sns.Unsubscribe, &sns.UnsubscribeInput{SubscriptionArn: op.PhysicalID})
			return err
		},
	}
}

// doIn subscribes to a topic in another region, if one is named.
func doIn(op *Op, region string, in *sns.SubscribeInput) (*sns.SubscribeOutput, error) {
	if region == "" {
		return Do(op, sns.Subscribe, in)
	}
	there, call := *op, *op.Call
	call.Region = region
	there.Call = &call
	return Do(&there, sns.Subscribe, in)
}

// setTopicPolicy sets the policy of a topic; "" is that of every topic.
func setTopicPolicy(op *Op, arn, policy string) error {
	_, err := Do(op, sns.SetTopicAttributes, &sns.SetTopicAttributesInput{TopicArn: arn, AttributeName: "Policy", AttributeValue: &policy})
	return err
}

// topicPolicy is a policy of several topics.
func topicPolicy() *Type { return sharedPolicy("AWS::SNS::TopicPolicy", "Topics", setTopicPolicy) }

// topicInlinePolicy is the policy of one topic.
func topicInlinePolicy() *Type {
	return ownPolicy("AWS::SNS::TopicInlinePolicy", "TopicArn", setTopicPolicy)
}
