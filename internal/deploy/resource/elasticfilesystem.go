package resource

import (
	efs "github.com/aloft-cloud/aloft/internal/api/elasticfilesystem"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// ElasticFileSystem has the types of EFS.
func ElasticFileSystem() []*Type {
	return []*Type{fileSystem(), fileSystemAccessPoint(), mountTarget()}
}

func fileSystemTags(v any) (tags []efs.Tag) {
	for key, value := range tagMap(v) {
		tags = append(tags, efs.Tag{Key: key, Value: value})
	}
	return tags
}

// retagFiles makes the tags of what op made those of a property.
func retagFiles(op *Op, property string) error {
	tagged := *op
	tagged.Old, tagged.New = map[string]any{"Tags": op.Old[property]}, map[string]any{"Tags": op.New[property]}
	return retag(&tagged, tagMap, func(tags map[string]string) error {
		in := &efs.TagResourceInput{ResourceId: op.PhysicalID}
		for key, value := range tags {
			in.Tags = append(in.Tags, efs.Tag{Key: key, Value: value})
		}
		_, err := Do(op, efs.TagResource, in)
		return err
	}, func(keys []string) error {
		_, err := Do(op, efs.UntagResource, &efs.UntagResourceInput{ResourceId: op.PhysicalID, TagKeys: keys})
		return err
	})
}

func fileSystem() *Type {
	made := func(is *efs.FileSystemDescription) *Made {
		return &Made{PhysicalID: is.FileSystemId, Attributes: map[string]any{"Arn": aws.Value(is.FileSystemArn), "FileSystemId": is.FileSystemId}}
	}
	return &Type{
		Name: "AWS::EFS::FileSystem",
		Properties: Props(`AvailabilityZoneName@ BackupPolicy BypassPolicyLockoutSafetyCheck Encrypted@ FileSystemPolicy FileSystemProtection
			FileSystemTags KmsKeyId@ LifecyclePolicies PerformanceMode@ ProvisionedThroughputInMibps ReplicationConfiguration- ThroughputMode`),
		Attributes: []string{"Arn", "FileSystemId"},
		Create: func(op *Op) (*Made, error) {
			in := &efs.CreateFileSystemInput{CreationToken: op.Token, Tags: fileSystemTags(op.New["FileSystemTags"])}
			properties := pick(op.New, "AvailabilityZoneName", "Encrypted", "KmsKeyId", "PerformanceMode", "ProvisionedThroughputInMibps", "ThroughputMode")
			if err := Bind(op, properties, in); err != nil {
				return nil, err
			}
			out, err := Do(op, efs.CreateFileSystem, in)
			if err != nil {
				return nil, err
			}
			return made(out), setFileSystem(op, out.FileSystemId)
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, efs.DescribeFileSystems, &efs.DescribeFileSystemsInput{CreationToken: &op.Token})
			if err != nil || len(out.FileSystems) == 0 {
				return nil, err
			}
			is := &out.FileSystems[0]
			return made(is), setFileSystem(op, is.FileSystemId)
		},
		Update: func(op *Op) (*Made, error) {
			if op.Changed("ThroughputMode", "ProvisionedThroughputInMibps") {
				in := &efs.UpdateFileSystemInput{FileSystemId: op.PhysicalID, ThroughputMode: new(efs.ThroughputModeBursting)}
				if err := Bind(op, pick(op.New, "ThroughputMode", "ProvisionedThroughputInMibps"), in); err != nil {
					return nil, err
				}
				if _, err := Do(op, efs.UpdateFileSystem, in); err != nil {
					return nil, err
				}
			}
			m := &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}
			if err := setFileSystem(op, op.PhysicalID); err != nil {
				return m, err
			}
			return m, retagFiles(op, "FileSystemTags")
		},
		Delete: func(op *Op) error {
			_, err := Do(op, efs.DeleteFileSystem, &efs.DeleteFileSystemInput{FileSystemId: op.PhysicalID})
			return err
		},
	}
}

// setFileSystem sets of a file system what operations of their own set.
func setFileSystem(op *Op, id string) error {
	if op.Changed("LifecyclePolicies") {
		in := &efs.PutLifecycleConfigurationInput{FileSystemId: id, LifecyclePolicies: []efs.LifecyclePolicy{}}
		if err := Bind(op, pick(op.New, "LifecyclePolicies"), in); err != nil {
			return err
		}
		if _, err := Do(op, efs.PutLifecycleConfiguration, in); err != nil {
			return err
		}
	}
	if op.Changed("BackupPolicy") {
		in := &efs.PutBackupPolicyInput{FileSystemId: id, BackupPolicy: &efs.BackupPolicy{Status: efs.StatusDisabled}}
		if err := Bind(op, pick(op.New, "BackupPolicy"), in); err != nil {
			return err
		}
		if _, err := Do(op, efs.PutBackupPolicy, in); err != nil {
			return err
		}
	}
	if op.Changed("FileSystemProtection") {
		in := &efs.UpdateFileSystemProtectionInput{FileSystemId: id, ReplicationOverwriteProtection: new("ENABLED")}
		if err := Bind(op, object(op.New["FileSystemProtection"]), in); err != nil {
			return err
		}
		if _, err := Do(op, efs.UpdateFileSystemProtection, in); err != nil {
			return err
		}
	}
	policy, has := op.New["FileSystemPolicy"]
	switch {
	case !op.Changed("FileSystemPolicy"):
		return nil
	case !has:
		_, err := Do(op, efs.DeleteFileSystemPolicy, &efs.DeleteFileSystemPolicyInput{FileSystemId: id})
		return err
	}
	_, err := Do(op, efs.PutFileSystemPolicy, &efs.PutFileSystemPolicyInput{FileSystemId: id, Policy: settingText(policy)})
	return err
}

func fileSystemAccessPoint() *Type {
	made := func(is *efs.AccessPointDescription) *Made {
		id := aws.Value(is.AccessPointId)
		return &Made{PhysicalID: id, Attributes: map[string]any{"Arn": aws.Value(is.AccessPointArn), "AccessPointId": id}}
	}
	return &Type{
		Name:       "AWS::EFS::AccessPoint",
		Properties: Props("AccessPointTags ClientToken@ FileSystemId!@ PosixUser@ RootDirectory@"),
		Attributes: []string{"Arn", "AccessPointId"},
		Create: func(op *Op) (*Made, error) {
			in := &efs.CreateAccessPointInput{ClientToken: op.Token, Tags: fileSystemTags(op.New["AccessPointTags"])}
			if err := Bind(op, without(op.New, "AccessPointTags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, efs.CreateAccessPoint, in)
			if err != nil {
				return nil, err
			}
			return made(out), nil
		},
		Find: func(op *Op) (*Made, error) {
			token := op.Token
			if given := op.Text("ClientToken"); given != "" {
				token = given
			}
			id := op.Text("FileSystemId")
			out, err := Do(op, efs.DescribeAccessPoints, &efs.DescribeAccessPointsInput{FileSystemId: &id, MaxResults: new(int32(1000))})
			if err != nil {
				return nil, ignoreGone(err)
			}
			for i := range out.AccessPoints {
				if aws.Value(out.AccessPoints[i].ClientToken) == token {
					return made(&out.AccessPoints[i]), nil
				}
			}
			return nil, nil
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, retagFiles(op, "AccessPointTags")
		},
		Delete: func(op *Op) error {
			_, err := Do(op, efs.DeleteAccessPoint, &efs.DeleteAccessPointInput{AccessPointId: op.PhysicalID})
			return err
		},
	}
}

func mountTarget() *Type {
	made := func(is *efs.MountTargetDescription) *Made {
		return &Made{PhysicalID: is.MountTargetId, Attributes: map[string]any{"Id": is.MountTargetId, "IpAddress": aws.Value(is.IpAddress)}}
	}
	return &Type{
		Name:       "AWS::EFS::MountTarget",
		Properties: Props("FileSystemId!@ IpAddress@ IpAddressType@ Ipv6Address@ SecurityGroups! SubnetId!@"),
		Attributes: []string{"Id", "IpAddress"},
		Create: func(op *Op) (*Made, error) {
			in := &efs.CreateMountTargetInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, efs.CreateMountTarget, in)
			if err != nil {
				return nil, err
			}
			return made(out), nil
		},
		Find: func(op *Op) (*Made, error) {
			id := op.Text("FileSystemId")
			out, err := Do(op, efs.DescribeMountTargets, &efs.DescribeMountTargetsInput{FileSystemId: &id})
			if err != nil {
				return nil, ignoreGone(err)
			}
			for i := range out.MountTargets {
				if is := &out.MountTargets[i]; is.SubnetId == op.Text("SubnetId") && is.MountTargetId != op.Except {
					return made(is), nil
				}
			}
			return nil, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &efs.ModifyMountTargetSecurityGroupsInput{MountTargetId: op.PhysicalID, SecurityGroups: texts(op.New["SecurityGroups"])}
			_, err := Do(op, efs.ModifyMountTargetSecurityGroups, in)
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, efs.DeleteMountTarget, &efs.DeleteMountTargetInput{MountTargetId: op.PhysicalID})
			return err
		},
	}
}
