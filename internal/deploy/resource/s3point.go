package resource

import (
	"github.com/aloft-cloud/aloft/internal/api/s3control"
)

// accessPoint is another name of a bucket, with a policy of its own.
func accessPoint() *Type {
	return &Type{
		Name: "AWS::S3::AccessPoint",
		Properties: Props(`Bucket!@ BucketAccountId@ Name@ Policy PublicAccessBlockConfiguration@ Scope- Tags-
			VpcConfiguration-`),
		Attributes: []string{"Alias", "Arn", "Name", "NetworkOrigin"},
		Naming:     Naming{Property: "Name", Max: 50, Lower: true},
		Create: func(op *Op) (*Made, error) {
			name := op.Named("Name")
			in := &s3control.CreateAccessPointInput{AccountId: op.Call.Account, Name: name, Bucket: op.Text("Bucket")}
			if owner := op.Text("BucketAccountId"); owner != "" {
				in.BucketAccountId = &owner
			}
			if v := op.New["PublicAccessBlockConfiguration"]; v != nil {
				in.PublicAccessBlockConfiguration = new(s3control.PublicAccessBlockConfiguration)
				if err := Bind(op, object(v), in.PublicAccessBlockConfiguration); err != nil {
					return nil, err
				}
			}
			if _, err := Do(op, s3control.CreateAccessPoint, in); err != nil {
				return nil, err
			}
			return pointMade(op, name)
		},
		Update: func(op *Op) (*Made, error) { return pointMade(op, op.PhysicalID) },
		Delete: func(op *Op) error {
			_, err := Do(op, s3control.DeleteAccessPoint, &s3control.DeleteAccessPointInput{AccountId: op.Call.Account, Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) { return pointMade(op, op.Named("Name")) },
	}
}

// pointMade gives an access point its policy, and describes it.
func pointMade(op *Op, name string) (*Made, error) {
	out, err := Do(op, s3control.GetAccessPoint, &s3control.GetAccessPointInput{AccountId: op.Call.Account, Name: name})
	if err != nil {
		return nil, err
	}
	made := &Made{PhysicalID: name, Attributes: map[string]any{
		"Alias": *out.Alias, "Arn": *out.AccessPointArn, "Name": name, "NetworkOrigin": *out.NetworkOrigin,
	}}
	if !op.Changed("Policy") {
		return made, nil
	}
	if op.New["Policy"] == nil {
		_, err = Do(op, s3control.DeleteAccessPointPolicy, &s3control.DeleteAccessPointPolicyInput{AccountId: op.Call.Account, Name: name})
	} else {
		_, err = Do(op, s3control.PutAccessPointPolicy, &s3control.PutAccessPointPolicyInput{AccountId: op.Call.Account, Name: name, Policy: document(op.New["Policy"])})
	}
	return made, err
}
