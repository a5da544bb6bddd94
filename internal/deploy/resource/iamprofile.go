package resource

import (
	"errors"

	"github.com/aloft-cloud/aloft/internal/api/iam"
)

func instanceProfile() *Type {
	made := func(p *iam.InstanceProfile) *Made {
		return &Made{PhysicalID: p.InstanceProfileName, Attributes: map[string]any{"Arn": p.Arn}}
	}
	return &Type{
		Name:       "AWS::IAM::InstanceProfile",
		Properties: Props("InstanceProfileName@ Path@ Roles!"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "InstanceProfileName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreateInstanceProfileInput{}
			if err := Bind(op, pick(op.New, "Path"), in); err != nil {
				return nil, err
			}
			in.InstanceProfileName = op.Named("InstanceProfileName")
			out, err := Do(op, iam.CreateInstanceProfile, in)
			if err != nil {
				return nil, err
			}
			return made(out.InstanceProfile), setProfile(op, in.InstanceProfileName)
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, iam.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: op.Named("InstanceProfileName")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(out.InstanceProfile), setProfile(op, out.InstanceProfile.InstanceProfileName)
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, setProfile(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			op.New = nil
			if err := setProfile(op, op.PhysicalID); err != nil {
				return err
			}
			_, err := Do(op, iam.DeleteInstanceProfile, &iam.DeleteInstanceProfileInput{InstanceProfileName: op.PhysicalID})
			return err
		},
	}
}

// setProfile makes the role of a profile that of op.New: it has one, or none.
func setProfile(op *Op, name string) error {
	out, err := Do(op, iam.GetInstanceProfile, &iam.GetInstanceProfileInput{InstanceProfileName: name})
	if err != nil {
		return err
	}
	wanted := texts(op.New["Roles"])
	for _, r := range out.InstanceProfile.Roles {
		if len(wanted) == 1 && wanted[0] == r.RoleName {
			return nil
		}
		_, err := Do(op, iam.RemoveRoleFromInstanceProfile, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: name, RoleName: r.RoleName})
		if err != nil && !errors.Is(err, iam.NoSuchEntityException) {
			return err
		}
	}
	for _, roleName := range wanted {
		if _, err := Do(op, iam.AddRoleToInstanceProfile, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: name, RoleName: roleName}); err != nil {
			return err
		}
	}
	return nil
}
