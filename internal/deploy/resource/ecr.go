package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// ECR has the types of ECR.
func ECR() []*Type { return []*Type{imageRepository()} }

func imageRepository() *Type {
	return &Type{
		Name: "AWS::ECR::Repository",
		Properties: Props(`EmptyOnDelete EncryptionConfiguration@ ImageScanningConfiguration ImageTagMutability
			ImageTagMutabilityExclusionFilters- LifecyclePolicy RepositoryName@ RepositoryPolicyText Tags`),
		Attributes: []string{"Arn", "RepositoryUri"},
		Naming:     Naming{Property: "RepositoryName", Max: 256, Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &ecr.CreateRepositoryInput{RepositoryName: op.Named("RepositoryName"), ImageTagMutability: imageMutability(op), ImageScanningConfiguration: imageScanning(op)}
			for k, v := range tagMap(op.New["Tags"]) {
				in.Tags = append(in.Tags, ecr.Tag{Key: k, Value: v})
			}
			if e := object(op.New["EncryptionConfiguration"]); e != nil {
				in.EncryptionConfiguration = &ecr.EncryptionConfiguration{EncryptionType: text(e["EncryptionType"])}
				if key := text(e["KmsKey"]); key != "" {
					in.EncryptionConfiguration.KmsKey = &key
				}
			}
			out, err := Do(op, ecr.CreateRepository, in)
			if err != nil {
				return nil, err
			}
			made := madeRepository(out.Repository)
			return made, setRepository(op, made.PhysicalID)
		},
		Update: func(op *Op) (*Made, error) {
			name, made := op.PhysicalID, &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}
			if op.Changed("ImageTagMutability") {
				in := &ecr.PutImageTagMutabilityInput{RepositoryName: name, ImageTagMutability: aws.Or(imageMutability(op), ecr.ImageTagMutabilityMutable)}
				if _, err := Do(op, ecr.PutImageTagMutability, in); err != nil {
					return nil, err
				}
			}
			if op.Changed("ImageScanningConfiguration") {
				scanning := imageScanning(op)
				if scanning == nil {
					scanning = &ecr.ImageScanningConfiguration{ScanOnPush: new(false)}
				}
				if _, err := Do(op, ecr.PutImageScanningConfiguration, &ecr.PutImageScanningConfigurationInput{RepositoryName: name, ImageScanningConfiguration: scanning}); err != nil {
					return nil, err
				}
			}
			if err := setRepository(op, name); err != nil {
				return nil, err
			}
			return made, retagRepository(op)
		},
		Delete: func(op *Op) error {
			force := truth(op.Old["EmptyOnDelete"])
			_, err := Do(op, ecr.DeleteRepository, &ecr.DeleteRepositoryInput{RepositoryName: op.PhysicalID, Force: &force})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{op.Named("RepositoryName")}})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return madeRepository(&out.Repositories[0]), nil
		},
	}
}

func retagRepository(op *Op) error {
	arn := text(op.Attributes["Arn"])
	return retag(op, tagMap, func(tags map[string]string) error {
		in := &ecr.TagResourceInput{ResourceArn: arn}
		for k, v := range tags {
			in.Tags = append(in.Tags, ecr.Tag{Key: k, Value: v})
		}
		_, err := Do(op, ecr.TagResource, in)
		return err
	}, func(keys []string) error {
		_, err := Do(op, ecr.UntagResource, &ecr.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func madeRepository(r *ecr.Repository) *Made {
	return &Made{PhysicalID: aws.Value(r.RepositoryName), Attributes: map[string]any{"Arn": aws.Value(r.RepositoryArn), "RepositoryUri": aws.Value(r.RepositoryUri)}}
}

func imageMutability(op *Op) *string {
	if kind := op.Text("ImageTagMutability"); kind != "" {
		return &kind
	}
	return nil
}

func imageScanning(op *Op) *ecr.ImageScanningConfiguration {
	c := object(op.New["ImageScanningConfiguration"])
	if c == nil {
		return nil
	}
	return &ecr.ImageScanningConfiguration{ScanOnPush: new(truth(c["ScanOnPush"]))}
}

// setRepository sets the policies of a repository.
func setRepository(op *Op, name string) error {
	if op.Changed("RepositoryPolicyText") {
		var err error
		if policy := op.New["RepositoryPolicyText"]; policy != nil {
			_, err = Do(op, ecr.SetRepositoryPolicy, &ecr.SetRepositoryPolicyInput{RepositoryName: name, PolicyText: settingText(policy)})
		} else if op.Old["RepositoryPolicyText"] != nil {
			_, err = Do(op, ecr.DeleteRepositoryPolicy, &ecr.DeleteRepositoryPolicyInput{RepositoryName: name})
		}
		if err := ignoreGone(err); err != nil {
			return err
		}
	}
	if !op.Changed("LifecyclePolicy") {
		return nil
	}
	var err error
	if policy := text(object(op.New["LifecyclePolicy"])["LifecyclePolicyText"]); policy != "" {
		_, err = Do(op, ecr.PutLifecyclePolicy, &ecr.PutLifecyclePolicyInput{RepositoryName: name, LifecyclePolicyText: policy})
	} else if op.Old["LifecyclePolicy"] != nil {
		_, err = Do(op, ecr.DeleteLifecyclePolicy, &ecr.DeleteLifecyclePolicyInput{RepositoryName: name})
	}
	return ignoreGone(err)
}
