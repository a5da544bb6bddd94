package resource

import (
	"slices"
	"strconv"

	"github.com/aloft-cloud/aloft/internal/api/kinesis"
)

// Kinesis has the types of Kinesis Data Streams.
func Kinesis() []*Type {
	return []*Type{kinesisStream(), kinesisConsumer()}
}

func kinesisStream() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("kinesis", "stream/"+name)}}
	}
	return &Type{
		Name: "AWS::Kinesis::Stream",
		Properties: Props(`DesiredShardLevelMetrics MaxRecordSizeInKiB Name@ RetentionPeriodHours ShardCount StreamEncryption StreamModeDetails Tags
			WarmThroughputMiBps RecordDistributionStrategy-`),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "Name", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &kinesis.CreateStreamInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, pick(op.New, "ShardCount", "StreamModeDetails", "MaxRecordSizeInKiB", "WarmThroughputMiBps"), in); err != nil {
				return nil, err
			}
			in.StreamName = op.Named("Name")
			if _, err := Do(op, kinesis.CreateStream, in); err != nil {
				return nil, err
			}
			return made(op, in.StreamName), setStream(op, in.StreamName)
		},
		Update: func(op *Op) (*Made, error) {
			name := op.PhysicalID
			m := made(op, name)
			if err := resizeStream(op, name, m.Attributes["Arn"].(string)); err != nil {
				return nil, err
			}
			if err := setThroughput(op, name, m.Attributes["Arn"].(string)); err != nil {
				return m, err
			}
			if err := setStream(op, name); err != nil {
				return m, err
			}
			return m, retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, kinesis.AddTagsToStream, &kinesis.AddTagsToStreamInput{StreamName: &name, Tags: tags})
				return err
			}, func(keys []string) error {
				_, err := Do(op, kinesis.RemoveTagsFromStream, &kinesis.RemoveTagsFromStreamInput{StreamName: &name, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, kinesis.DeleteStream, &kinesis.DeleteStreamInput{StreamName: &op.PhysicalID, EnforceConsumerDeletion: new(true)})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("Name")
			if _, err := Do(op, kinesis.DescribeStreamSummary, &kinesis.DescribeStreamSummaryInput{StreamName: &name}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, name), setStream(op, name)
		},
	}
}

// resizeStream changes the mode of a stream and how many shards it has.
func resizeStream(op *Op, name, arn string) error {
	if op.Changed("StreamModeDetails") {
		mode := text(object(op.New["StreamModeDetails"])["StreamMode"])
		if mode == "" {
			mode = kinesis.StreamModeProvisioned
		}
		in := &kinesis.UpdateStreamModeInput{StreamARN: arn, StreamModeDetails: &kinesis.StreamModeDetails{StreamMode: mode}}
		if _, err := Do(op, kinesis.UpdateStreamMode, in); err != nil {
			return err
		}
	}
	if target := op.Text("ShardCount"); target != "" && op.Changed("ShardCount") {
		n, err := strconv.ParseInt(target, 10, 32)
		if err != nil {
			return invalidRequest("ShardCount is no number: " + target)
		}
		in := &kinesis.UpdateShardCountInput{StreamName: &name, TargetShardCount: int32(n), ScalingType: kinesis.ScalingTypeUniformScaling}
		if _, err := Do(op, kinesis.UpdateShardCount, in); err != nil {
			return err
		}
	}
	return nil
}

// setThroughput changes how large records of a stream may be, and its warm throughput.
func setThroughput(op *Op, name, arn string) error {
	if op.Changed("MaxRecordSizeInKiB") {
		in := &kinesis.UpdateMaxRecordSizeInput{StreamARN: &arn, MaxRecordSizeInKiB: 1024}
		if err := Bind(op, pick(op.New, "MaxRecordSizeInKiB"), in); err != nil {
			return err
		}
		if _, err := Do(op, kinesis.UpdateMaxRecordSize, in); err != nil {
			return err
		}
	}
	if op.New["WarmThroughputMiBps"] == nil || !op.Changed("WarmThroughputMiBps") {
		return nil
	}
	in := &kinesis.UpdateStreamWarmThroughputInput{StreamName: &name}
	if err := Bind(op, pick(op.New, "WarmThroughputMiBps"), in); err != nil {
		return err
	}
	_, err := Do(op, kinesis.UpdateStreamWarmThroughput, in)
	return err
}

// setStream sets what of a stream can only be set once it is there.
func setStream(op *Op, name string) error {
	if err := setStreamHours(op, name); err != nil {
		return err
	}
	if key := text(object(op.New["StreamEncryption"])["KeyId"]); op.Changed("StreamEncryption") {
		var err error
		if key != "" {
			_, err = Do(op, kinesis.StartStreamEncryption, &kinesis.StartStreamEncryptionInput{StreamName: &name, EncryptionType: kinesis.EncryptionTypeKms, KeyId: key})
		} else {
			key = text(object(op.Old["StreamEncryption"])["KeyId"])
			_, err = Do(op, kinesis.StopStreamEncryption, &kinesis.StopStreamEncryptionInput{StreamName: &name, EncryptionType: kinesis.EncryptionTypeKms, KeyId: key})
		}
		if err != nil {
			return err
		}
	}
	had, wanted := texts(op.Old["DesiredShardLevelMetrics"]), texts(op.New["DesiredShardLevelMetrics"])
	gone := slices.DeleteFunc(had, func(m string) bool { return slices.Contains(wanted, m) })
	if len(gone) > 0 {
		if _, err := Do(op, kinesis.DisableEnhancedMonitoring, &kinesis.DisableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: gone}); err != nil {
			return err
		}
	}
	if len(wanted) > 0 {
		_, err := Do(op, kinesis.EnableEnhancedMonitoring, &kinesis.EnableEnhancedMonitoringInput{StreamName: &name, ShardLevelMetrics: wanted})
		return err
	}
	return nil
}

func setStreamHours(op *Op, name string) error {
	hours := int64(24)
	if v := op.Text("RetentionPeriodHours"); v != "" {
		var err error
		if hours, err = strconv.ParseInt(v, 10, 32); err != nil {
			return invalidRequest("RetentionPeriodHours is no number: " + v)
		}
	}
	out, err := Do(op, kinesis.DescribeStreamSummary, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err != nil {
		return err
	}
	switch had := int64(out.StreamDescriptionSummary.RetentionPeriodHours); {
	case hours > had:
		_, err = Do(op, kinesis.IncreaseStreamRetentionPeriod, &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: int32(hours)})
	case hours < had:
		_, err = Do(op, kinesis.DecreaseStreamRetentionPeriod, &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: &name, RetentionPeriodHours: int32(hours)})
	}
	return err
}

func kinesisConsumer() *Type {
	made := func(arn, status, stream, name string, created string) *Made {
		return &Made{PhysicalID: arn, Attributes: map[string]any{
			"ConsumerARN": arn, "ConsumerStatus": status, "StreamARN": stream, "ConsumerName": name, "ConsumerCreationTimestamp": created,
		}}
	}
	find := func(op *Op) (*Made, error) {
		name, stream := op.Text("ConsumerName"), op.Text("StreamARN")
		out, err := Do(op, kinesis.DescribeStreamConsumer, &kinesis.DescribeStreamConsumerInput{ConsumerName: &name, StreamARN: &stream})
		if err != nil {
			return nil, err
		}
		c := out.ConsumerDescription
		return made(c.ConsumerARN, c.ConsumerStatus, c.StreamARN, name, strconv.FormatInt(c.ConsumerCreationTimestamp.Unix(), 10)), nil
	}
	return &Type{
		Name:       "AWS::Kinesis::StreamConsumer",
		Properties: Props("ConsumerName!@ StreamARN!@ Tags@"),
		Attributes: []string{"ConsumerARN", "ConsumerCreationTimestamp", "ConsumerName", "ConsumerStatus", "StreamARN"},
		Create: func(op *Op) (*Made, error) {
			in := &kinesis.RegisterStreamConsumerInput{ConsumerName: op.Text("ConsumerName"), StreamARN: op.Text("StreamARN"), Tags: tagMap(op.New["Tags"])}
			if _, err := Do(op, kinesis.RegisterStreamConsumer, in); err != nil {
				return nil, err
			}
			return find(op)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, kinesis.DeregisterStreamConsumer, &kinesis.DeregisterStreamConsumerInput{ConsumerARN: &op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			m, err := find(op)
			return m, ignoreGone(err)
		},
	}
}
