package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/logs"
)

// Logs has the types of CloudWatch Logs.
func Logs() []*Type {
	return []*Type{logGroup(), logStream(), metricFilter(), subscriptionFilter(), logsResourcePolicy(), logsAccountPolicy(), queryDefinition()}
}

func logGroup() *Type {
	made := func(name string, op *Op) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": op.ARN("logs", "log-group:"+name+":*")}}
	}
	return &Type{
		Name:       "AWS::Logs::LogGroup",
		Properties: Props("LogGroupName@ RetentionInDays Tags KmsKeyId LogGroupClass@ DataProtectionPolicy- FieldIndexPolicies- DeletionProtectionEnabled ResourcePolicyDocument- BearerTokenAuthenticationEnabled-"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "LogGroupName", Max: 512},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("LogGroupName")
			in := &logs.CreateLogGroupInput{LogGroupName: name, Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, pick(op.New, "LogGroupClass", "DeletionProtectionEnabled", "KmsKeyId"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, logs.CreateLogGroup, in); err != nil {
				return nil, err
			}
			return made(name, op), setRetention(op, name)
		},
		Update: func(op *Op) (*Made, error) {
			name := op.PhysicalID
			if op.Changed("RetentionInDays") {
				if err := setRetention(op, name); err != nil {
					return nil, err
				}
			}
			if err := setLogKey(op, name); err != nil {
				return nil, err
			}
			if op.Changed("DeletionProtectionEnabled") {
				_, err := Do(op, logs.PutLogGroupDeletionProtection, &logs.PutLogGroupDeletionProtectionInput{
					LogGroupIdentifier: name, DeletionProtectionEnabled: truth(op.New["DeletionProtectionEnabled"]),
				})
				if err != nil {
					return nil, err
				}
			}
			return made(name, op), retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, logs.TagResource, &logs.TagResourceInput{ResourceArn: op.ARN("logs", "log-group:"+name), Tags: tags})
				return err
			}, func(keys []string) error {
				_, err := Do(op, logs.UntagResource, &logs.UntagResourceInput{ResourceArn: op.ARN("logs", "log-group:"+name), TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteLogGroup, &logs.DeleteLogGroupInput{LogGroupName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("LogGroupName")
			out, err := Do(op, logs.DescribeLogGroups, &logs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
			if err != nil {
				return nil, err
			}
			for _, g := range out.LogGroups {
				if g.LogGroupName != nil && *g.LogGroupName == name {
					return made(name, op), setRetention(op, name)
				}
			}
			return nil, nil
		},
	}
}

// setLogKey makes the key of a group that of op.New.
func setLogKey(op *Op, name string) error {
	key := op.Text("KmsKeyId")
	switch {
	case !op.Changed("KmsKeyId"):
		return nil
	case key == "":
		_, err := Do(op, logs.DisassociateKmsKey, &logs.DisassociateKmsKeyInput{LogGroupName: &name})
		return err
	}
	_, err := Do(op, logs.AssociateKmsKey, &logs.AssociateKmsKeyInput{LogGroupName: &name, KmsKeyId: key})
	return err
}

func setRetention(op *Op, name string) error {
	if text(op.New["RetentionInDays"]) == "" {
		if op.Old == nil {
			return nil
		}
		_, err := Do(op, logs.DeleteRetentionPolicy, &logs.DeleteRetentionPolicyInput{LogGroupName: name})
		return err
	}
	in := &logs.PutRetentionPolicyInput{LogGroupName: name}
	if err := Bind(op, pick(op.New, "RetentionInDays"), in); err != nil {
		return err
	}
	_, err := Do(op, logs.PutRetentionPolicy, in)
	return err
}

func logStream() *Type {
	return &Type{
		Name:       "AWS::Logs::LogStream",
		Properties: Props("LogGroupName!@ LogStreamName@"),
		Naming:     Naming{Property: "LogStreamName", Max: 512},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("LogStreamName")
			_, err := Do(op, logs.CreateLogStream, &logs.CreateLogStreamInput{LogGroupName: op.Text("LogGroupName"), LogStreamName: name})
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: name}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, logs.DeleteLogStream, &logs.DeleteLogStreamInput{LogGroupName: text(op.Old["LogGroupName"]), LogStreamName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name, group := op.Named("LogStreamName"), op.Text("LogGroupName")
			out, err := Do(op, logs.DescribeLogStreams, &logs.DescribeLogStreamsInput{LogGroupName: &group, LogStreamNamePrefix: &name})
			if err != nil {
				return nil, err
			}
			for _, s := range out.LogStreams {
				if s.LogStreamName != nil && *s.LogStreamName == name {
					return &Made{PhysicalID: name}, nil
				}
			}
			return nil, nil
		},
	}
}
