package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/api/states"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// States has the types of Step Functions.
func States() []*Type {
	return []*Type{stateMachine(), stateMachineVersion(), stateMachineAlias(), activity()}
}

// machineSettings are the properties of a machine that operations have too, by
// the same names.
var machineSettings = []string{"EncryptionConfiguration", "LoggingConfiguration", "RoleArn", "TracingConfiguration"}

func stateMachine() *Type {
	made := func(op *Op, arn, revision string) *Made {
		name := arn[strings.LastIndexByte(arn, ':')+1:]
		if revision == "" {
			revision = "INITIAL"
		}
		return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn, "Name": name, "StateMachineRevisionId": revision}}
	}
	return &Type{
		Name: "AWS::StepFunctions::StateMachine",
		Properties: Props(`Definition DefinitionS3Location DefinitionString DefinitionSubstitutions EncryptionConfiguration LoggingConfiguration
			RoleArn! StateMachineName@ StateMachineType@ Tags TracingConfiguration`),
		Attributes: []string{"Arn", "Name", "StateMachineRevisionId"},
		Naming:     Naming{Property: "StateMachineName", Max: 80},
		Create: func(op *Op) (*Made, error) {
			in := &states.CreateStateMachineInput{Name: op.Named("StateMachineName"), Tags: machineTags(tagMap(op.New["Tags"]))}
			var err error
			if in.Definition, err = definitionOf(op); err != nil {
				return nil, err
			}
			if err := Bind(op, pick(op.New, machineSettings...), in); err != nil {
				return nil, err
			}
			if kind := op.Text("StateMachineType"); kind != "" {
				in.Type = &kind
			}
			out, err := Do(op, states.CreateStateMachine, in)
			if err != nil {
				return nil, err
			}
			return made(op, out.StateMachineArn, ""), nil
		},
		Update: func(op *Op) (*Made, error) {
			definition, err := definitionOf(op)
			if err != nil {
				return nil, err
			}
			in := &states.UpdateStateMachineInput{
				LoggingConfiguration: &states.LoggingConfiguration{}, TracingConfiguration: &states.TracingConfiguration{},
			}
			if err := Bind(op, pick(op.New, machineSettings...), in); err != nil {
				return nil, err
			}
			in.StateMachineArn, in.Definition = op.PhysicalID, &definition
			out, err := Do(op, states.UpdateStateMachine, in)
			if err != nil {
				return nil, err
			}
			return made(op, op.PhysicalID, aws.Value(out.RevisionId)), retagStates(op)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, states.DeleteStateMachine, &states.DeleteStateMachineInput{StateMachineArn: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			arn := op.ARN("states", "stateMachine:"+op.Named("StateMachineName"))
			out, err := Do(op, states.DescribeStateMachine, &states.DescribeStateMachineInput{StateMachineArn: arn})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(op, arn, aws.Value(out.RevisionId)), nil
		},
	}
}

// definitionOf is the definition of a machine, with its substitutions.
func definitionOf(op *Op) (string, error) {
	text := op.Text("DefinitionString")
	switch {
	case op.New["Definition"] != nil:
		text = JSON(op.New["Definition"])
	case op.New["DefinitionS3Location"] != nil:
		at := object(op.New["DefinitionS3Location"])
		in := &s3.GetObjectInput{Bucket: textOf(at["Bucket"]), Key: textOf(at["Key"])}
		if v := textOf(at["Version"]); v != "" {
			in.VersionId = &v
		}
		out, err := Do(op, s3.GetObject, in)
		if err != nil {
			return "", err
		}
		if c, ok := out.Body.(io.Closer); ok {
			defer c.Close()
		}
		b, err := io.ReadAll(io.LimitReader(out.Body, 2<<20))
		if err != nil {
			return "", err
		}
		text = string(b)
	case text == "":
		return "", invalidRequest("Exactly one of Definition, DefinitionString and DefinitionS3Location must be specified.")
	}
	for name, v := range object(op.New["DefinitionSubstitutions"]) {
		text = strings.ReplaceAll(text, "${"+name+"}", textOf(v))
	}
	if json.Valid([]byte(text)) {
		return text, nil
	}
	var v any
	if yaml.Unmarshal([]byte(text), &v) == nil {
		if _, ok := v.(map[string]any); ok {
			return JSON(v), nil
		}
	}
	return text, nil // which the operation refuses in AWS's words
}

// textOf is a scalar as text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

func machineTags(tags map[string]string) (out []states.Tag) {
	for key, value := range tags {
		out = append(out, states.Tag{Key: &key, Value: &value})
	}
	return out
}

// retagStates gives a resource of Step Functions the tags that the template has.
func retagStates(op *Op) error {
	return retag(op, tagMap, func(more map[string]string) error {
		_, err := Do(op, states.TagResource, &states.TagResourceInput{ResourceArn: op.PhysicalID, Tags: machineTags(more)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, states.UntagResource, &states.UntagResourceInput{ResourceArn: op.PhysicalID, TagKeys: keys})
		return err
	})
}

func stateMachineVersion() *Type {
	return &Type{
		Name:       "AWS::StepFunctions::StateMachineVersion",
		Properties: Props("Description@ StateMachineArn!@ StateMachineRevisionId@"),
		Attributes: []string{"Arn"},
		Create: func(op *Op) (*Made, error) {
			in := &states.PublishStateMachineVersionInput{StateMachineArn: op.Text("StateMachineArn")}
			if d := op.Text("Description"); d != "" {
				in.Description = &d
			}
			if id := op.Text("StateMachineRevisionId"); id != "" {
				in.RevisionId = &id
			}
			out, err := Do(op, states.PublishStateMachineVersion, in)
			if err != nil {
				return nil, err
			}
			arn := out.StateMachineVersionArn
			return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}}, nil
		},
		Delete: func(op *Op) error {
			_, err := Do(op, states.DeleteStateMachineVersion, &states.DeleteStateMachineVersionInput{StateMachineVersionArn: op.PhysicalID})
			return err
		},
	}
}

func stateMachineAlias() *Type {
	made := func(arn string) *Made { return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn}} }
	return &Type{
		Name:       "AWS::StepFunctions::StateMachineAlias",
		Properties: Props("DeploymentPreference Description Name@ RoutingConfiguration"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "Name", Max: 80},
		Note:       "Deployment preferences shift all executions at once.",
		Create: func(op *Op) (*Made, error) {
			to, err := routingOf(op)
			if err != nil {
				return nil, err
			}
			in := &states.CreateStateMachineAliasInput{Name: op.Named("Name"), RoutingConfiguration: to}
			if d := op.Text("Description"); d != "" {
				in.Description = &d
			}
			out, err := Do(op, states.CreateStateMachineAlias, in)
			if err != nil {
				return nil, err
			}
			return made(out.StateMachineAliasArn), nil
		},
		Update: func(op *Op) (*Made, error) {
			to, err := routingOf(op)
			if err != nil {
				return nil, err
			}
			in := &states.UpdateStateMachineAliasInput{StateMachineAliasArn: op.PhysicalID, RoutingConfiguration: to, Description: new(op.Text("Description"))}
			_, err = Do(op, states.UpdateStateMachineAlias, in)
			return made(op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, states.DeleteStateMachineAlias, &states.DeleteStateMachineAliasInput{StateMachineAliasArn: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			to, err := routingOf(op)
			if err != nil || len(to) == 0 {
				return nil, err
			}
			version := to[0].StateMachineVersionArn
			arn := version[:strings.LastIndexByte(version, ':')+1] + op.Named("Name")
			if _, err := Do(op, states.DescribeStateMachineAlias, &states.DescribeStateMachineAliasInput{StateMachineAliasArn: arn}); err != nil {
				return nil, ignoreGone(err)
			}
			return made(arn), nil
		},
	}
}

// routingOf is where an alias leads.
func routingOf(op *Op) ([]states.RoutingConfigurationListItem, error) {
	if p := object(op.New["DeploymentPreference"]); p != nil {
		return []states.RoutingConfigurationListItem{{StateMachineVersionArn: text(p["StateMachineVersionArn"]), Weight: 100}}, nil
	}
	in := &states.UpdateStateMachineAliasInput{}
	if err := Bind(op, pick(op.New, "RoutingConfiguration"), in); err != nil {
		return nil, err
	}
	if len(in.RoutingConfiguration) == 0 {
		return nil, invalidRequest("Exactly one of RoutingConfiguration and DeploymentPreference must be specified.")
	}
	return in.RoutingConfiguration, nil
}

func activity() *Type {
	made := func(arn string) *Made {
		return &Made{PhysicalID: arn, Attributes: map[string]any{"Arn": arn, "Name": arn[strings.LastIndexByte(arn, ':')+1:]}}
	}
	return &Type{
		Name:       "AWS::StepFunctions::Activity",
		Properties: Props("EncryptionConfiguration@ Name!@ Tags"),
		Attributes: []string{"Arn", "Name"},
		Create: func(op *Op) (*Made, error) {
			in := &states.CreateActivityInput{}
			if err := Bind(op, pick(op.New, "EncryptionConfiguration"), in); err != nil {
				return nil, err
			}
			in.Name, in.Tags = op.Text("Name"), machineTags(tagMap(op.New["Tags"]))
			out, err := Do(op, states.CreateActivity, in)
			if err != nil {
				return nil, err
			}
			return made(out.ActivityArn), nil
		},
		Update: func(op *Op) (*Made, error) { return made(op.PhysicalID), retagStates(op) },
		Delete: func(op *Op) error {
			_, err := Do(op, states.DeleteActivity, &states.DeleteActivityInput{ActivityArn: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			arn := op.ARN("states", "activity:"+op.Text("Name"))
			if _, err := Do(op, states.DescribeActivity, &states.DescribeActivityInput{ActivityArn: arn}); err != nil {
				if errors.Is(err, states.ActivityDoesNotExist) {
					return nil, nil
				}
				return nil, err
			}
			return made(arn), nil
		},
	}
}
