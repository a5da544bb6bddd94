package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/sqs"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// SQS has the types of SQS.
func SQS() []*Type {
	return []*Type{queue(), queuePolicy(), queueInlinePolicy()}
}

// queueSettings are the properties of a queue that are attributes of the same
// names, and what they are if the template leaves them out.
var queueSettings = map[string]string{
	"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "DelaySeconds": "0", "FifoThroughputLimit": "perQueue",
	"KmsDataKeyReusePeriodSeconds": "", "KmsMasterKeyId": "", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600",
	"ReceiveMessageWaitTimeSeconds": "0", "RedriveAllowPolicy": "", "RedrivePolicy": "", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
}

func queue() *Type {
	return &Type{
		Name: "AWS::SQS::Queue",
		Properties: Props(`ContentBasedDeduplication DeduplicationScope DelaySeconds FifoQueue@ FifoThroughputLimit KmsDataKeyReusePeriodSeconds
			KmsMasterKeyId MaximumMessageSize MessageRetentionPeriod QueueName@ ReceiveMessageWaitTimeSeconds RedriveAllowPolicy RedrivePolicy
			SqsManagedSseEnabled Tags VisibilityTimeout`),
		Attributes: []string{"Arn", "QueueName", "QueueUrl"},
		Naming:     Naming{Property: "QueueName", Max: 75},
		Create: func(op *Op) (*Made, error) {
			in := &sqs.CreateQueueInput{QueueName: queueName(op), Tags: tagMap(op.New["Tags"]), Attributes: make(map[string]string)}
			for name := range queueSettings {
				if v, has := op.New[name]; has {
					in.Attributes[name] = settingText(v)
				}
			}
			if truth(op.New["FifoQueue"]) {
				in.Attributes["FifoQueue"] = "true"
			}
			if _, err := Do(op, sqs.GetQueueUrl, &sqs.GetQueueUrlInput{QueueName: in.QueueName}); err == nil {
				return nil, alreadyExists("Resource of type 'AWS::SQS::Queue' with identifier '%s' already exists.", in.QueueName)
			} else if err := ignoreGone(err); err != nil {
				return nil, err
			}
			out, err := Do(op, sqs.CreateQueue, in)
			if err != nil {
				return nil, err
			}
			return madeQueue(op, in.QueueName, out.QueueUrl), nil
		},
		Update: func(op *Op) (*Made, error) {
			url := op.PhysicalID
			in := &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: make(map[string]string)}
			for name, usual := range queueSettings {
				if !op.Changed(name) {
					continue
				}
				in.Attributes[name] = usual
				if v, has := op.New[name]; has {
					in.Attributes[name] = settingText(v)
				}
			}
			if len(in.Attributes) > 0 {
				if _, err := Do(op, sqs.SetQueueAttributes, in); err != nil {
					return nil, err
				}
			}
			made := &Made{PhysicalID: url, Attributes: op.Attributes}
			return made, retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, sqs.TagQueue, &sqs.TagQueueInput{QueueUrl: url, Tags: tags})
				return err
			}, func(keys []string) error {
				_, err := Do(op, sqs.UntagQueue, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, sqs.DeleteQueue, &sqs.DeleteQueueInput{QueueUrl: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := queueName(op)
			out, err := Do(op, sqs.GetQueueUrl, &sqs.GetQueueUrlInput{QueueName: name})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return madeQueue(op, name, out.QueueUrl), nil
		},
	}
}

// queueName is the name of a queue; names of FIFO queues end as they must.
func queueName(op *Op) string {
	name := op.Named("QueueName")
	if op.Text("QueueName") == "" && truth(op.New["FifoQueue"]) {
		name += ".fifo"
	}
	return name
}

// settingText is a property as an attribute: documents are JSON.
func settingText(v any) string {
	if m := object(v); m != nil {
		return JSON(m)
	}
	return text(v)
}

func madeQueue(op *Op, name string, url *string) *Made {
	return &Made{PhysicalID: aws.Value(url), Attributes: map[string]any{
		"Arn": op.ARN("sqs", name), "QueueName": name, "QueueUrl": aws.Value(url),
	}}
}

// setQueuePolicy sets the policy of the queue at url; "" is none.
func setQueuePolicy(op *Op, url, policy string) error {
	_, err := Do(op, sqs.SetQueueAttributes, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"Policy": policy}})
	return err
}

// queuePolicy is a policy of several queues.
func queuePolicy() *Type { return sharedPolicy("AWS::SQS::QueuePolicy", "Queues", setQueuePolicy) }

// queueInlinePolicy is the policy of one queue.
func queueInlinePolicy() *Type {
	return ownPolicy("AWS::SQS::QueueInlinePolicy", "Queue", setQueuePolicy)
}
