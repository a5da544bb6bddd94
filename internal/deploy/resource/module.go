package resource

import (
	"strconv"
	"strings"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// moduleVersion is a part of a template, registered under a name.
func moduleVersion() *Type {
	made := func(op *Op, arn string) (*Made, error) {
		is, err := Do(op, cfn.DescribeType, &cfn.DescribeTypeInput{Arn: &arn})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: arn, Attributes: map[string]any{
			"Arn": arn, "Description": aws.Value(is.Description), "DocumentationUrl": "", "IsDefaultVersion": strconv.FormatBool(aws.Value(is.IsDefaultVersion)),
			"Schema": aws.Value(is.Schema), "TimeCreated": is.TimeCreated.UTC().Format("2006-01-02T15:04:05Z07:00"),
			"VersionId": arn[strings.LastIndexByte(arn, '/')+1:], "Visibility": aws.Value(is.Visibility),
		}}, nil
	}
	return &Type{
		Name:       "AWS::CloudFormation::ModuleVersion",
		Properties: Props("ModuleName!@ ModulePackage!@"),
		Attributes: []string{"Arn", "Description", "DocumentationUrl", "IsDefaultVersion", "Schema", "TimeCreated", "VersionId", "Visibility"},
		Create: func(op *Op) (*Made, error) {
			out, err := Do(op, cfn.RegisterType, &cfn.RegisterTypeInput{
				Type: new(cfn.RegistryTypeModule), TypeName: op.Text("ModuleName"), SchemaHandlerPackage: op.Text("ModulePackage"), ClientRequestToken: &op.Token,
			})
			if err != nil {
				return nil, err
			}
			is, err := Do(op, cfn.DescribeTypeRegistration, &cfn.DescribeTypeRegistrationInput{RegistrationToken: *out.RegistrationToken})
			if err != nil {
				return nil, err
			}
			return made(op, *is.TypeVersionArn)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, cfn.DeregisterType, &cfn.DeregisterTypeInput{Arn: &op.PhysicalID})
			return err
		},
	}
}

// moduleDefaultVersion says which version of a module templates mean.
func moduleDefaultVersion() *Type {
	return &Type{
		Name:       "AWS::CloudFormation::ModuleDefaultVersion",
		Properties: Props("Arn@ ModuleName@ VersionId@"),
		Create: func(op *Op) (*Made, error) {
			in := &cfn.SetTypeDefaultVersionInput{Type: new(cfn.RegistryTypeModule)}
			if err := Bind(op, pick(op.New, "Arn", "VersionId"), in); err != nil {
				return nil, err
			}
			if name := op.Text("ModuleName"); name != "" {
				in.TypeName = &name
			}
			if _, err := Do(op, cfn.SetTypeDefaultVersion, in); err != nil {
				return nil, err
			}
			is, err := Do(op, cfn.DescribeType, &cfn.DescribeTypeInput{Arn: in.Arn, TypeName: in.TypeName, VersionId: in.VersionId})
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: aws.Value(is.Arn)}, nil
		},
		Delete: func(*Op) error { return nil }, // it stays what it is, as in AWS
	}
}
