package resource

import (
	"errors"
	"strconv"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/appconfig"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// AppConfig has the types of AppConfig.
func AppConfig() []*Type {
	return []*Type{
		configApplication(), configEnvironment(), configProfile(), configStrategy(), hostedVersion(), configDeployment(),
	}
}

// retagConfig makes the tags of a resource those of op.New.
func retagConfig(op *Op, resource string) error {
	arn := op.ARN("appconfig", resource)
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, appconfig.TagResource, &appconfig.TagResourceInput{ResourceArn: arn, Tags: tags})
		return err
	}, func(keys []string) error {
		_, err := Do(op, appconfig.UntagResource, &appconfig.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

// bound runs an operation with an input of properties of the same names.
func bound[In, Out any](op *Op, operation smithy.Operation[In, Out], in *In, fill func(*In)) (*Out, error) {
	if err := Bind(op, without(op.New, "Tags"), in); err != nil {
		return nil, err
	}
	fill(in)
	return Do(op, operation, in)
}

// gone ignores the answer of what deletes.
func gone[Out any](_ *Out, err error) error { return err }

func configApplication() *Type {
	made := func(id string) *Made { return &Made{PhysicalID: id, Attributes: map[string]any{"ApplicationId": id}} }
	return &Type{
		Name: "AWS::AppConfig::Application", Properties: Props("Description Name! Tags"), Attributes: []string{"ApplicationId"},
		Create: func(op *Op) (*Made, error) {
			out, err := bound(op, appconfig.CreateApplication, new(appconfig.CreateApplicationInput), func(in *appconfig.CreateApplicationInput) { in.Tags = tagMap(op.New["Tags"]) })
			if err != nil {
				return nil, err
			}
			return made(*out.Id), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := bound(op, appconfig.UpdateApplication, new(appconfig.UpdateApplicationInput), func(in *appconfig.UpdateApplicationInput) { in.ApplicationId = op.PhysicalID })
			if err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retagConfig(op, "application/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			return gone(Do(op, appconfig.DeleteApplication, &appconfig.DeleteApplicationInput{ApplicationId: op.PhysicalID}))
		},
	}
}

func configEnvironment() *Type {
	made := func(id string) *Made { return &Made{PhysicalID: id, Attributes: map[string]any{"EnvironmentId": id}} }
	return &Type{
		Name: "AWS::AppConfig::Environment", Properties: Props("ApplicationId!@ DeletionProtectionCheck Description Monitors Name! Tags"), Attributes: []string{"EnvironmentId"},
		Create: func(op *Op) (*Made, error) {
			out, err := bound(op, appconfig.CreateEnvironment, new(appconfig.CreateEnvironmentInput), func(in *appconfig.CreateEnvironmentInput) { in.Tags = tagMap(op.New["Tags"]) })
			if err != nil {
				return nil, err
			}
			return made(*out.Id), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := bound(op, appconfig.UpdateEnvironment, new(appconfig.UpdateEnvironmentInput), func(in *appconfig.UpdateEnvironmentInput) { in.EnvironmentId = op.PhysicalID })
			if err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retagConfig(op, "application/"+op.Text("ApplicationId")+"/environment/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			return gone(Do(op, appconfig.DeleteEnvironment, &appconfig.DeleteEnvironmentInput{ApplicationId: text(op.Old["ApplicationId"]), EnvironmentId: op.PhysicalID}))
		},
	}
}

func configProfile() *Type {
	made := func(id string) *Made {
		return &Made{PhysicalID: id, Attributes: map[string]any{"ConfigurationProfileId": id, "KmsKeyArn": ""}}
	}
	return &Type{
		Name:       "AWS::AppConfig::ConfigurationProfile",
		Properties: Props("ApplicationId!@ DeletionProtectionCheck Description KmsKeyIdentifier LocationUri!@ Name! RetrievalRoleArn Tags Type@ Validators"),
		Attributes: []string{"ConfigurationProfileId", "KmsKeyArn"},
		Create: func(op *Op) (*Made, error) {
			out, err := bound(op, appconfig.CreateConfigurationProfile, new(appconfig.CreateConfigurationProfileInput), func(in *appconfig.CreateConfigurationProfileInput) { in.Tags = tagMap(op.New["Tags"]) })
			if err != nil {
				return nil, err
			}
			return made(*out.Id), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := bound(op, appconfig.UpdateConfigurationProfile, new(appconfig.UpdateConfigurationProfileInput), func(in *appconfig.UpdateConfigurationProfileInput) { in.ConfigurationProfileId = op.PhysicalID })
			if err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retagConfig(op, "application/"+op.Text("ApplicationId")+"/configurationprofile/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			return gone(Do(op, appconfig.DeleteConfigurationProfile, &appconfig.DeleteConfigurationProfileInput{ApplicationId: text(op.Old["ApplicationId"]), ConfigurationProfileId: op.PhysicalID}))
		},
	}
}

func configStrategy() *Type {
	made := func(id string) *Made { return &Made{PhysicalID: id, Attributes: map[string]any{"Id": id}} }
	return &Type{
		Name:       "AWS::AppConfig::DeploymentStrategy",
		Properties: Props("DeploymentDurationInMinutes! Description FinalBakeTimeInMinutes GrowthFactor! GrowthType Name!@ ReplicateTo!@ Tags"),
		Attributes: []string{"Id"},
		Create: func(op *Op) (*Made, error) {
			out, err := bound(op, appconfig.CreateDeploymentStrategy, new(appconfig.CreateDeploymentStrategyInput), func(in *appconfig.CreateDeploymentStrategyInput) { in.Tags = tagMap(op.New["Tags"]) })
			if err != nil {
				return nil, err
			}
			return made(*out.Id), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := bound(op, appconfig.UpdateDeploymentStrategy, new(appconfig.UpdateDeploymentStrategyInput), func(in *appconfig.UpdateDeploymentStrategyInput) { in.DeploymentStrategyId = op.PhysicalID })
			if err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retagConfig(op, "deploymentstrategy/"+op.PhysicalID)
		},
		Delete: func(op *Op) error {
			return gone(Do(op, appconfig.DeleteDeploymentStrategy, &appconfig.DeleteDeploymentStrategyInput{DeploymentStrategyId: op.PhysicalID}))
		},
	}
}

func hostedVersion() *Type {
	return &Type{
		Name:       "AWS::AppConfig::HostedConfigurationVersion",
		Properties: Props("ApplicationId!@ ConfigurationProfileId!@ Content!@ ContentType!@ Description@ LatestVersionNumber@ VersionLabel@"),
		Attributes: []string{"VersionNumber"},
		Create: func(op *Op) (*Made, error) {
			out, err := bound(op, appconfig.CreateHostedConfigurationVersion, new(appconfig.CreateHostedConfigurationVersionInput), func(*appconfig.CreateHostedConfigurationVersionInput) {})
			if err != nil {
				return nil, err
			}
			number := strconv.Itoa(int(*out.VersionNumber))
			return &Made{PhysicalID: op.Text("ApplicationId") + "|" + op.Text("ConfigurationProfileId") + "|" + number, Ref: number, Attributes: map[string]any{"VersionNumber": number}}, nil
		},
		Delete: func(op *Op) error {
			number, err := strconv.ParseInt(op.PhysicalID[strings.LastIndexByte(op.PhysicalID, '|')+1:], 10, 32)
			if err != nil {
				return nil // there never was one
			}
			return gone(Do(op, appconfig.DeleteHostedConfigurationVersion, &appconfig.DeleteHostedConfigurationVersionInput{
				ApplicationId: text(op.Old["ApplicationId"]), ConfigurationProfileId: text(op.Old["ConfigurationProfileId"]), VersionNumber: int32(number),
			}))
		},
	}
}

// configDeployment is there once it has begun. One that an earlier deployment
// of the environment holds up waits for it.
func configDeployment() *Type {
	return &Type{
		Name: "AWS::AppConfig::Deployment",
		Properties: Props(`ApplicationId!@ ConfigurationProfileId!@ ConfigurationVersion!@ DeploymentStrategyId!@ Description@ DynamicExtensionParameters-
			EnvironmentId!@ KmsKeyIdentifier- Tags`),
		Attributes: []string{"DeploymentNumber", "State"},
		Note:       "It is complete when it has begun: nobody waits for its steps and its bake.",
		Create: func(op *Op) (made *Made, err error) {
			err = settle(op, func() (bool, error) {
				out, err := bound(op, appconfig.StartDeployment, new(appconfig.StartDeploymentInput), func(in *appconfig.StartDeploymentInput) { in.Tags = tagMap(op.New["Tags"]) })
				if errors.Is(err, appconfig.ConflictException) {
					return false, nil
				}
				if err != nil {
					return false, err
				}
				number := strconv.Itoa(int(*out.DeploymentNumber))
				made = &Made{
					PhysicalID: op.Text("ApplicationId") + "|" + op.Text("EnvironmentId") + "|" + number, Ref: number,
					Attributes: map[string]any{"DeploymentNumber": number, "State": aws.Value(out.State)},
				}
				return true, nil
			})
			return made, err
		},
		Update: func(op *Op) (*Made, error) {
			parts := strings.Split(op.PhysicalID, "|")
			made := &Made{PhysicalID: op.PhysicalID, Ref: parts[len(parts)-1], Attributes: op.Attributes}
			return made, retagConfig(op, "application/"+parts[0]+"/environment/"+parts[1]+"/deployment/"+parts[2])
		},
		Delete: func(*Op) error { return nil }, // AWS keeps what was deployed
	}
}
