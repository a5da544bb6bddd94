package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/lambda"
)

func codeSigning() *Type {
	made := func(c *lambda.CodeSigningConfig) *Made {
		return &Made{PhysicalID: c.CodeSigningConfigArn, Attributes: map[string]any{
			"CodeSigningConfigArn": c.CodeSigningConfigArn, "CodeSigningConfigId": c.CodeSigningConfigId,
		}}
	}
	return &Type{
		Name:       "AWS::Lambda::CodeSigningConfig",
		Properties: Props("AllowedPublishers! CodeSigningPolicies Description Tags"),
		Attributes: []string{"CodeSigningConfigArn", "CodeSigningConfigId"},
		Note:       "Signatures of code are not looked at.",
		Create: func(op *Op) (*Made, error) {
			in := &lambda.CreateCodeSigningConfigInput{Tags: tagMap(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			out, err := Do(op, lambda.CreateCodeSigningConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.CodeSigningConfig), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &lambda.UpdateCodeSigningConfigInput{CodeSigningConfigArn: op.PhysicalID, Description: new("")}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			if in.CodeSigningPolicies == nil {
				in.CodeSigningPolicies = &lambda.CodeSigningPolicies{UntrustedArtifactOnDeployment: new(lambda.CodeSigningPolicyWarn)}
			}
			out, err := Do(op, lambda.UpdateCodeSigningConfig, in)
			if err != nil {
				return nil, err
			}
			return made(out.CodeSigningConfig), retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, lambda.TagResource, &lambda.TagResourceInput{Resource: op.PhysicalID, Tags: tags})
				return err
			}, func(keys []string) error {
				_, err := Do(op, lambda.UntagResource, &lambda.UntagResourceInput{Resource: op.PhysicalID, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, lambda.DeleteCodeSigningConfig, &lambda.DeleteCodeSigningConfigInput{CodeSigningConfigArn: op.PhysicalID})
			return err
		},
	}
}
