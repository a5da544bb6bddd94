package resource

import (
	"maps"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func eventSource() *Type {
	return &Type{
		Name: "AWS::Lambda::EventSourceMapping",
		Properties: Props(`AmazonManagedKafkaEventSourceConfig BatchSize BisectBatchOnFunctionError DestinationConfig DocumentDBEventSourceConfig
			Enabled EventSourceArn@ FilterCriteria FunctionName! FunctionResponseTypes KmsKeyArn LoggingConfig MaximumBatchingWindowInSeconds
			MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor ProvisionedPollerConfig Queues ScalingConfig
			SelfManagedEventSource-@ SelfManagedKafkaEventSourceConfig SourceAccessConfigurations StartingPosition@
			StartingPositionTimestamp@ Tags Topics TumblingWindowInSeconds`),
		Attributes: []string{"Id", "EventSourceMappingArn"},
		Needs:      Needs{"": "lambda.CreateEventSourceMapping"},
		Create: func(op *Op) (*Made, error) {
			in := &lambda.CreateEventSourceMappingInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, lambda.CreateEventSourceMapping, in)
			if err != nil {
				return nil, err
			}
			return settledSource(op, aws.Value(out.UUID))
		},
		Update: func(op *Op) (*Made, error) {
			in := &lambda.UpdateEventSourceMappingInput{UUID: op.PhysicalID}
			if err := Bind(op, changedSource(op), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, lambda.UpdateEventSourceMapping, in); err != nil {
				return nil, err
			}
			made, err := settledSource(op, op.PhysicalID)
			if err != nil {
				return made, err
			}
			arn := text(made.Attributes["EventSourceMappingArn"])
			return made, retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, lambda.TagResource, &lambda.TagResourceInput{Resource: arn, Tags: tags})
				return err
			}, func(keys []string) error {
				_, err := Do(op, lambda.UntagResource, &lambda.UntagResourceInput{Resource: arn, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			if _, err := Do(op, lambda.DeleteEventSourceMapping, &lambda.DeleteEventSourceMappingInput{UUID: op.PhysicalID}); err != nil {
				return err
			}
			return settle(op, func() (bool, error) {
				_, err := Do(op, lambda.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: op.PhysicalID})
				return IsGone(err), ignoreGone(err)
			})
		},
		Find: func(op *Op) (*Made, error) {
			in := &lambda.ListEventSourceMappingsInput{FunctionName: new(op.Text("FunctionName"))}
			if arn := op.Text("EventSourceArn"); arn != "" {
				in.EventSourceArn = &arn
			}
			out, err := Do(op, lambda.ListEventSourceMappings, in)
			if err != nil || len(out.EventSourceMappings) != 1 {
				return nil, err
			}
			return settledSource(op, aws.Value(out.EventSourceMappings[0].UUID))
		},
	}
}

// unsetSource is what a mapping has that says nothing of a property.
func unsetSource(queue bool) map[string]any {
	none := map[string]any{}
	if queue {
		return map[string]any{
			"BatchSize": "10", "Enabled": "true", "FilterCriteria": none, "FunctionResponseTypes": []any{}, "KmsKeyArn": "",
			"MaximumBatchingWindowInSeconds": "0", "ScalingConfig": none, "MetricsConfig": none,
		}
	}
	return map[string]any{
		"BatchSize": "100", "BisectBatchOnFunctionError": "false", "DestinationConfig": map[string]any{"OnFailure": none}, "Enabled": "true",
		"FilterCriteria": none, "FunctionResponseTypes": []any{}, "KmsKeyArn": "", "MaximumBatchingWindowInSeconds": "0",
		"MaximumRecordAgeInSeconds": "-1", "MaximumRetryAttempts": "-1", "MetricsConfig": none, "ParallelizationFactor": "1", "TumblingWindowInSeconds": "0",
	}
}

// changedSource is what to say of a mapping to change it.
func changedSource(op *Op) map[string]any {
	changes := maps.Clone(op.New)
	for property, usual := range unsetSource(strings.HasPrefix(op.Text("EventSourceArn"), "arn:aws:sqs:")) {
		if _, given := changes[property]; !given && op.Changed(property) {
			changes[property] = usual
		}
	}
	return changes
}

func ignoreGone(err error) error {
	if IsGone(err) {
		return nil
	}
	return err
}

// settledSource waits until an event source is read, or is not.
func settledSource(op *Op, id string) (*Made, error) {
	made := &Made{PhysicalID: id}
	err := settle(op, func() (bool, error) {
		c, err := Do(op, lambda.GetEventSourceMapping, &lambda.GetEventSourceMappingInput{UUID: id})
		if err != nil {
			return false, err
		}
		made.Attributes = map[string]any{"Id": id, "EventSourceMappingArn": aws.Value(c.EventSourceMappingArn)}
		state := aws.Value(c.State)
		return state == "Enabled" || state == "Disabled", nil
	})
	return made, err
}
