package resource

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/api/codedeploy"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// CodeDeploy has the types of CodeDeploy.
func CodeDeploy() []*Type {
	return []*Type{deploymentApplication(), deploymentGroup(), deploymentConfig()}
}

func deployTags(v any) (tags []codedeploy.Tag) {
	for key, value := range tagMap(v) {
		tags = append(tags, codedeploy.Tag{Key: &key, Value: &value})
	}
	return tags
}

func retagDeploy(op *Op, arn string) error {
	return retag(op, tagMap, func(tags map[string]string) error {
		in := &codedeploy.TagResourceInput{ResourceArn: arn}
		for key, value := range tags {
			in.Tags = append(in.Tags, codedeploy.Tag{Key: &key, Value: &value})
		}
		_, err := Do(op, codedeploy.TagResource, in)
		return err
	}, func(keys []string) error {
		_, err := Do(op, codedeploy.UntagResource, &codedeploy.UntagResourceInput{ResourceArn: arn, TagKeys: keys})
		return err
	})
}

func deploymentApplication() *Type {
	return &Type{
		Name:       "AWS::CodeDeploy::Application",
		Properties: Props("ApplicationName@ ComputePlatform@ Tags"),
		Naming:     Naming{Property: "ApplicationName", Max: 100},
		Create: func(op *Op) (*Made, error) {
			in := &codedeploy.CreateApplicationInput{Tags: deployTags(op.New["Tags"])}
			if err := Bind(op, without(op.New, "Tags"), in); err != nil {
				return nil, err
			}
			in.ApplicationName = op.Named("ApplicationName")
			if _, err := Do(op, codedeploy.CreateApplication, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: in.ApplicationName}, nil
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("ApplicationName")
			if _, err := Do(op, codedeploy.GetApplication, &codedeploy.GetApplicationInput{ApplicationName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID}, retagDeploy(op, op.ARN("codedeploy", "application:"+op.PhysicalID))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, codedeploy.DeleteApplication, &codedeploy.DeleteApplicationInput{ApplicationName: op.PhysicalID})
			return err
		},
	}
}

func deploymentGroup() *Type {
	return &Type{
		Name: "AWS::CodeDeploy::DeploymentGroup",
		Properties: Props(`AlarmConfiguration ApplicationName!@ AutoRollbackConfiguration AutoScalingGroups BlueGreenDeploymentConfiguration
			Deployment- DeploymentConfigName DeploymentGroupName@ DeploymentStyle ECSServices Ec2TagFilters Ec2TagSet LoadBalancerInfo
			OnPremisesInstanceTagFilters OnPremisesTagSet OutdatedInstancesStrategy ServiceRoleArn! Tags TerminationHookEnabled TriggerConfigurations`),
		Naming: Naming{Property: "DeploymentGroupName", Max: 100},
		Create: func(op *Op) (*Made, error) {
			in := &codedeploy.CreateDeploymentGroupInput{Tags: deployTags(op.New["Tags"])}
			if err := Bind(op, groupProperties(op), in); err != nil {
				return nil, err
			}
			in.DeploymentGroupName = op.Named("DeploymentGroupName")
			if _, err := Do(op, codedeploy.CreateDeploymentGroup, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: in.DeploymentGroupName}, nil
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("DeploymentGroupName")
			_, err := Do(op, codedeploy.GetDeploymentGroup, &codedeploy.GetDeploymentGroupInput{ApplicationName: op.Text("ApplicationName"), DeploymentGroupName: name})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &codedeploy.UpdateDeploymentGroupInput{
				CurrentDeploymentGroupName: op.PhysicalID, AlarmConfiguration: &codedeploy.AlarmConfiguration{Enabled: new(false)},
				AutoRollbackConfiguration: &codedeploy.AutoRollbackConfiguration{Enabled: new(false)}, TriggerConfigurations: []codedeploy.TriggerConfig{},
			}
			if err := Bind(op, without(groupProperties(op), "DeploymentGroupName"), in); err != nil {
				return nil, err
			}
			if _, err := Do(op, codedeploy.UpdateDeploymentGroup, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: op.PhysicalID}, retagDeploy(op, op.ARN("codedeploy", "deploymentgroup:"+in.ApplicationName+"/"+op.PhysicalID))
		},
		Delete: func(op *Op) error {
			_, err := Do(op, codedeploy.DeleteDeploymentGroup, &codedeploy.DeleteDeploymentGroupInput{
				ApplicationName: text(op.Old["ApplicationName"]), DeploymentGroupName: op.PhysicalID,
			})
			return err
		},
	}
}

// groupProperties are those of a group, as the operations name them.
func groupProperties(op *Op) map[string]any {
	properties := without(op.New, "Tags", "ECSServices")
	if v, has := op.New["ECSServices"]; has {
		properties["EcsServices"] = v
	}
	return properties
}

func deploymentConfig() *Type {
	return &Type{
		Name:       "AWS::CodeDeploy::DeploymentConfig",
		Properties: Props("ComputePlatform@ DeploymentConfigName@ MinimumHealthyHosts@ TrafficRoutingConfig@ ZonalConfig@"),
		Naming:     Naming{Property: "DeploymentConfigName", Max: 100},
		Create: func(op *Op) (*Made, error) {
			in := &codedeploy.CreateDeploymentConfigInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.DeploymentConfigName = op.Named("DeploymentConfigName")
			if _, err := Do(op, codedeploy.CreateDeploymentConfig, in); err != nil {
				return nil, err
			}
			return &Made{PhysicalID: in.DeploymentConfigName}, nil
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("DeploymentConfigName")
			if _, err := Do(op, codedeploy.GetDeploymentConfig, &codedeploy.GetDeploymentConfigInput{DeploymentConfigName: name}); err != nil {
				return nil, ignoreGone(err)
			}
			return &Made{PhysicalID: name}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, codedeploy.DeleteDeploymentConfig, &codedeploy.DeleteDeploymentConfigInput{DeploymentConfigName: op.PhysicalID})
			return err
		},
	}
}

// A Rollout has CodeDeploy move the traffic of an alias to its new version.
type Rollout struct {
	Application, Group string
	Before, After      string // functions that are asked; "" is none
}

// shift moves the traffic of an alias, and waits until that is over. A group
// that is not there, as those of stacks that kept it as a record, moves nothing.
func (op *Op) shift() error {
	r := op.Rollout
	if r == nil || op.Old == nil || !op.Changed("FunctionVersion") {
		return nil
	}
	_, err := Do(op, codedeploy.GetDeploymentGroup, &codedeploy.GetDeploymentGroupInput{ApplicationName: r.Application, DeploymentGroupName: r.Group})
	if IsGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	id, err := op.deployment()
	if err != nil || id == "" {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		select {
		case <-timer.C:
		case <-op.Ctx.Done():
			return op.Ctx.Err()
		}
		out, err := Do(op, codedeploy.GetDeployment, &codedeploy.GetDeploymentInput{DeploymentId: id})
		if err != nil {
			return err
		}
		switch is := out.DeploymentInfo; aws.Value(is.Status) {
		case codedeploy.DeploymentStatusSucceeded:
			return nil
		case codedeploy.DeploymentStatusFailed, codedeploy.DeploymentStatusStopped:
			why := aws.Value(is.ErrorInformation)
			return &Refusal{fmt.Sprintf("CodeDeploy deployment %s is %s: %s (%s)", id, aws.Value(is.Status), aws.Value(why.Message), aws.Value(why.Code))}
		}
		timer.Reset(pause)
	}
}

// deployment begins to move the traffic, unless that was done before. It
// returns "" if the alias is where it is to be already.
func (op *Op) deployment() (string, error) {
	r, about := op.Rollout, "CloudFormation "+op.Token
	list, err := Do(op, codedeploy.ListDeployments, &codedeploy.ListDeploymentsInput{ApplicationName: &r.Application, DeploymentGroupName: &r.Group})
	for {
		if err != nil {
			return "", err
		}
		for _, id := range list.Deployments {
			out, err := Do(op, codedeploy.GetDeployment, &codedeploy.GetDeploymentInput{DeploymentId: id})
			if err != nil {
				return "", err
			}
			if aws.Value(out.DeploymentInfo.Description) == about {
				return id, nil
			}
		}
		if list.NextToken == nil {
			break
		}
		list, err = Do(op, codedeploy.ListDeployments, &codedeploy.ListDeploymentsInput{ApplicationName: &r.Application, DeploymentGroupName: &r.Group, NextToken: list.NextToken})
	}
	alias, err := Do(op, lambda.GetAlias, &lambda.GetAliasInput{FunctionName: op.Text("FunctionName"), Name: op.Text("Name")})
	if err != nil || aws.Value(alias.FunctionVersion) == op.Text("FunctionVersion") {
		return "", err
	}
	content, err := r.appSpec(op, aws.Value(alias.FunctionVersion))
	if err != nil {
		return "", err
	}
	out, err := Do(op, codedeploy.CreateDeployment, &codedeploy.CreateDeploymentInput{
		ApplicationName: r.Application, DeploymentGroupName: &r.Group, Description: &about,
		Revision: &codedeploy.RevisionLocation{RevisionType: new(codedeploy.RevisionLocationTypeAppSpecContent), AppSpecContent: &codedeploy.AppSpecContent{Content: &content}},
	})
	if err != nil {
		return "", err
	}
	return aws.Value(out.DeploymentId), nil
}

// appSpec says what a deployment is of.
func (r *Rollout) appSpec(op *Op, current string) (string, error) {
	function := op.Text("FunctionName")
	if i := strings.LastIndex(function, ":function:"); i >= 0 {
		function = function[i+len(":function:"):]
	}
	hooks := []map[string]string{}
	if r.Before != "" {
		hooks = append(hooks, map[string]string{"BeforeAllowTraffic": r.Before})
	}
	if r.After != "" {
		hooks = append(hooks, map[string]string{"AfterAllowTraffic": r.After})
	}
	text, err := json.Marshal(map[string]any{
		"version": 0.0, "Hooks": hooks,
		"Resources": []any{map[string]any{op.LogicalID: map[string]any{"Type": "AWS::Lambda::Function", "Properties": map[string]string{
			"Name": function, "Alias": op.Text("Name"), "CurrentVersion": current, "TargetVersion": op.Text("FunctionVersion"),
		}}}},
	})
	return string(text), err
}
