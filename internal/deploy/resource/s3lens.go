package resource

import (
	"time"

	"github.com/aloft-cloud/aloft/internal/api/s3control"
)

// lens is an access point of Object Lambda, by which functions change what is read.
func lens() *Type {
	return &Type{
		Name:       "AWS::S3ObjectLambda::AccessPoint",
		Properties: Props("Name@ ObjectLambdaConfiguration!"),
		Attributes: []string{
			"Alias.Status", "Alias.Value", "Arn", "CreationDate", "PolicyStatus.IsPublic",
			"PublicAccessBlockConfiguration.BlockPublicAcls", "PublicAccessBlockConfiguration.BlockPublicPolicy",
			"PublicAccessBlockConfiguration.IgnorePublicAcls", "PublicAccessBlockConfiguration.RestrictPublicBuckets",
		},
		Naming: Naming{Property: "Name", Max: 45, Lower: true},
		Create: func(op *Op) (*Made, error) {
			in := &s3control.CreateAccessPointForObjectLambdaInput{
				AccountId: op.Call.Account, Name: op.Named("Name"), Configuration: new(s3control.ObjectLambdaConfiguration),
			}
			if err := Bind(op, object(op.New["ObjectLambdaConfiguration"]), in.Configuration); err != nil {
				return nil, err
			}
			if _, err := Do(op, s3control.CreateAccessPointForObjectLambda, in); err != nil {
				return nil, err
			}
			return lensMade(op, in.Name)
		},
		Update: func(op *Op) (*Made, error) {
			in := &s3control.PutAccessPointConfigurationForObjectLambdaInput{
				AccountId: op.Call.Account, Name: op.PhysicalID, Configuration: new(s3control.ObjectLambdaConfiguration),
			}
			if err := Bind(op, object(op.New["ObjectLambdaConfiguration"]), in.Configuration); err != nil {
				return nil, err
			}
			if _, err := Do(op, s3control.PutAccessPointConfigurationForObjectLambda, in); err != nil {
				return nil, err
			}
			return lensMade(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			_, err := Do(op, s3control.DeleteAccessPointForObjectLambda, &s3control.DeleteAccessPointForObjectLambdaInput{AccountId: op.Call.Account, Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) { return lensMade(op, op.Named("Name")) },
	}
}

// lensMade describes an access point of Object Lambda.
func lensMade(op *Op, name string) (*Made, error) {
	out, err := Do(op, s3control.GetAccessPointForObjectLambda, &s3control.GetAccessPointForObjectLambdaInput{AccountId: op.Call.Account, Name: name})
	if err != nil {
		return nil, err
	}
	made := &Made{PhysicalID: name, Attributes: map[string]any{
		"Alias.Status": *out.Alias.Status, "Alias.Value": *out.Alias.Value, "Arn": op.ARN("s3-object-lambda", "accesspoint/"+name),
		"CreationDate": out.CreationDate.UTC().Format(time.RFC3339), "PolicyStatus.IsPublic": "false",
	}}
	for _, what := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		made.Attributes["PublicAccessBlockConfiguration."+what] = "true"
	}
	return made, nil
}

// lensPolicy is the policy of an access point of Object Lambda.
func lensPolicy() *Type {
	put := func(op *Op) (*Made, error) {
		name := op.Text("ObjectLambdaAccessPoint")
		_, err := Do(op, s3control.PutAccessPointPolicyForObjectLambda, &s3control.PutAccessPointPolicyForObjectLambdaInput{
			AccountId: op.Call.Account, Name: name, Policy: document(op.New["PolicyDocument"]),
		})
		return &Made{PhysicalID: name}, err
	}
	return &Type{
		Name:       "AWS::S3ObjectLambda::AccessPointPolicy",
		Properties: Props("ObjectLambdaAccessPoint!@ PolicyDocument!"),
		Create:     put,
		Update:     put,
		Delete: func(op *Op) error {
			_, err := Do(op, s3control.DeleteAccessPointPolicyForObjectLambda, &s3control.DeleteAccessPointPolicyForObjectLambdaInput{AccountId: op.Call.Account, Name: op.PhysicalID})
			return err
		},
	}
}
