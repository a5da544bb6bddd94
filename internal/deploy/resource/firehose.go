package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/firehose"
)

// Firehose has the types of Data Firehose.
func Firehose() []*Type {
	return []*Type{deliveryStream()}
}

func deliveryStream() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("firehose", "deliverystream/"+name)}}
	}
	return &Type{
		Name: "AWS::KinesisFirehose::DeliveryStream",
		Properties: Props(`AmazonOpenSearchServerlessDestinationConfiguration- AmazonopensearchserviceDestinationConfiguration- DatabaseSourceConfiguration-
			DeliveryStreamEncryptionConfigurationInput DeliveryStreamName@ DeliveryStreamType@ DirectPutSourceConfiguration@ ElasticsearchDestinationConfiguration-
			ExtendedS3DestinationConfiguration HttpEndpointDestinationConfiguration IcebergDestinationConfiguration- KinesisStreamSourceConfiguration@
			MSKSourceConfiguration- RedshiftDestinationConfiguration- S3DestinationConfiguration SnowflakeDestinationConfiguration-
			SplunkDestinationConfiguration- Tags`),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "DeliveryStreamName", Max: 64},
		Shape:      func() any { return new(firehose.CreateDeliveryStreamInput) },
		Create: func(op *Op) (*Made, error) {
			in := &firehose.CreateDeliveryStreamInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.DeliveryStreamName = op.Named("DeliveryStreamName")
			if _, err := Do(op, firehose.CreateDeliveryStream, in); err != nil {
				return nil, err
			}
			return made(op, in.DeliveryStreamName), nil
		},
		Update: func(op *Op) (*Made, error) {
			name := op.PhysicalID
			if err := setDestination(op, name); err != nil {
				return nil, err
			}
			if err := setStreamEncryption(op, name); err != nil {
				return nil, err
			}
			return made(op, name), retag(op, tagMap, func(tags map[string]string) error {
				in := &firehose.TagDeliveryStreamInput{DeliveryStreamName: name}
				for key, value := range tags {
					in.Tags = append(in.Tags, firehose.Tag{Key: key, Value: &value})
				}
				_, err := Do(op, firehose.TagDeliveryStream, in)
				return err
			}, func(keys []string) error {
				_, err := Do(op, firehose.UntagDeliveryStream, &firehose.UntagDeliveryStreamInput{DeliveryStreamName: name, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, firehose.DeleteDeliveryStream, &firehose.DeleteDeliveryStreamInput{DeliveryStreamName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("DeliveryStreamName")
			if _, err := Do(op, firehose.DescribeDeliveryStream, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), nil
		},
		Replaces: func(old, new map[string]any) bool {
			return (old["HttpEndpointDestinationConfiguration"] == nil) != (new["HttpEndpointDestinationConfiguration"] == nil)
		},
	}
}

// setDestination changes where a delivery stream leads.
func setDestination(op *Op, name string) error {
	if !op.Changed("S3DestinationConfiguration", "ExtendedS3DestinationConfiguration", "HttpEndpointDestinationConfiguration") {
		return nil
	}
	out, err := Do(op, firehose.DescribeDeliveryStream, &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: name})
	if err != nil {
		return err
	}
	had := out.DeliveryStreamDescription
	in := &firehose.UpdateDestinationInput{DeliveryStreamName: name, CurrentDeliveryStreamVersionId: had.VersionId, DestinationId: had.Destinations[0].DestinationId}
	bind := func(property, inner, update string, into any) error {
		config := object(op.New[property])
		if v, has := config[inner]; has {
			config = without(config, inner)
			config[update] = v
		}
		return Bind(op, config, into)
	}
	switch {
	case op.New["ExtendedS3DestinationConfiguration"] != nil:
		in.ExtendedS3DestinationUpdate = new(firehose.ExtendedS3DestinationUpdate)
		err = bind("ExtendedS3DestinationConfiguration", "S3BackupConfiguration", "S3BackupUpdate", in.ExtendedS3DestinationUpdate)
	case op.New["HttpEndpointDestinationConfiguration"] != nil:
		in.HttpEndpointDestinationUpdate = new(firehose.HttpEndpointDestinationUpdate)
		err = bind("HttpEndpointDestinationConfiguration", "S3Configuration", "S3Update", in.HttpEndpointDestinationUpdate)
	default:
		in.S3DestinationUpdate = new(firehose.S3DestinationUpdate)
		err = bind("S3DestinationConfiguration", "", "", in.S3DestinationUpdate)
	}
	if err != nil {
		return err
	}
	_, err = Do(op, firehose.UpdateDestination, in)
	return err
}

// setStreamEncryption changes what a delivery stream's records are encrypted with.
func setStreamEncryption(op *Op, name string) error {
	key := object(op.New["DeliveryStreamEncryptionConfigurationInput"])
	if !op.Changed("DeliveryStreamEncryptionConfigurationInput") {
		return nil
	}
	if key == nil {
		_, err := Do(op, firehose.StopDeliveryStreamEncryption, &firehose.StopDeliveryStreamEncryptionInput{DeliveryStreamName: name})
		return err
	}
	in := &firehose.DeliveryStreamEncryptionConfigurationInput{KeyType: text(key["KeyType"])}
	if arn := text(key["KeyARN"]); arn != "" {
		in.KeyARN = &arn
	}
	_, err := Do(op, firehose.StartDeliveryStreamEncryption, &firehose.StartDeliveryStreamEncryptionInput{DeliveryStreamName: name, DeliveryStreamEncryptionConfigurationInput: in})
	return err
}
