package resource

import (
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/iam"
)

// IAM has the types of IAM.
func IAM() []*Type {
	return []*Type{
		role(), user(), group(), userToGroup(), accessKey(), serviceLinkedRole(), instanceProfile(),
		inlinePolicy(), managedPolicy(),
		onePolicy("AWS::IAM::RolePolicy", "RoleName", roles), onePolicy("AWS::IAM::UserPolicy", "UserName", users),
		onePolicy("AWS::IAM::GroupPolicy", "GroupName", groups),
	}
}

func role() *Type {
	read := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, iam.GetRole, &iam.GetRoleInput{RoleName: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": out.Role.Arn, "RoleId": out.Role.RoleId}}, nil
	}
	finish := func(op *Op, name string) (*Made, error) {
		made, err := read(op, name)
		if err != nil {
			return nil, err
		}
		return made, roles.grant(op, name)
	}
	return &Type{
		Name: "AWS::IAM::Role",
		Properties: Props(`AssumeRolePolicyDocument! Description ManagedPolicyArns MaxSessionDuration Path@ PermissionsBoundary Policies
			RoleName@ Tags`),
		Attributes: []string{"Arn", "RoleId"},
		Naming:     Naming{Property: "RoleName", Max: 64},
		Shape: func() any {
			return new(struct {
				iam.CreateRoleInput
				Policies          []inline
				ManagedPolicyArns []string
			})
		},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreateRoleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.RoleName = op.Named("RoleName")
			if _, err := Do(op, iam.CreateRole, in); err != nil {
				return nil, err
			}
			return finish(op, in.RoleName)
		},
		Update: func(op *Op) (*Made, error) {
			if err := updateRole(op); err != nil {
				return nil, err
			}
			return finish(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			if err := roles.revoke(op, op.PhysicalID); err != nil {
				return err
			}
			_, err := Do(op, iam.DeleteRole, &iam.DeleteRoleInput{RoleName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) { return finish(op, op.Named("RoleName")) },
	}
}

func updateRole(op *Op) error {
	name := op.PhysicalID
	if op.Changed("AssumeRolePolicyDocument") {
		in := &iam.UpdateAssumeRolePolicyInput{RoleName: name}
		if err := Bind(op, map[string]any{"PolicyDocument": op.New["AssumeRolePolicyDocument"]}, in); err != nil {
			return err
		}
		if _, err := Do(op, iam.UpdateAssumeRolePolicy, in); err != nil {
			return err
		}
	}
	if op.Changed("Description", "MaxSessionDuration") {
		in := &iam.UpdateRoleInput{RoleName: name, Description: new(""), MaxSessionDuration: new(int32(3600))}
		if err := Bind(op, pick(op.New, "Description", "MaxSessionDuration"), in); err != nil {
			return err
		}
		if _, err := Do(op, iam.UpdateRole, in); err != nil {
			return err
		}
	}
	if op.Changed("PermissionsBoundary") {
		if err := setRoleBoundary(op, name); err != nil {
			return err
		}
	}
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, iam.TagRole, &iam.TagRoleInput{RoleName: name, Tags: iamTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, iam.UntagRole, &iam.UntagRoleInput{RoleName: name, TagKeys: keys})
		return err
	})
}

func setRoleBoundary(op *Op, name string) error {
	if arn := op.Text("PermissionsBoundary"); arn != "" {
		_, err := Do(op, iam.PutRolePermissionsBoundary, &iam.PutRolePermissionsBoundaryInput{RoleName: name, PermissionsBoundary: arn})
		return err
	}
	_, err := Do(op, iam.DeleteRolePermissionsBoundary, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name})
	return err
}

func iamTags(tags map[string]string) []iam.Tag {
	var out []iam.Tag
	for key, value := range tags {
		out = append(out, iam.Tag{Key: key, Value: value})
	}
	return out
}

func serviceLinkedRole() *Type {
	return &Type{
		Name:       "AWS::IAM::ServiceLinkedRole",
		Properties: Props("AWSServiceName!@ CustomSuffix@ Description"),
		Attributes: []string{"RoleName"},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreateServiceLinkedRoleInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			out, err := Do(op, iam.CreateServiceLinkedRole, in)
			if err != nil {
				return nil, err
			}
			return &Made{PhysicalID: out.Role.RoleName, Attributes: map[string]any{"RoleName": out.Role.RoleName}}, nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &iam.UpdateRoleDescriptionInput{RoleName: op.PhysicalID, Description: op.Text("Description")}
			_, err := Do(op, iam.UpdateRoleDescription, in)
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, iam.DeleteServiceLinkedRole, &iam.DeleteServiceLinkedRoleInput{RoleName: op.PhysicalID})
			return err
		},
	}
}

func user() *Type {
	finish := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, iam.GetUser, &iam.GetUserInput{UserName: &name})
		if err != nil {
			return nil, err
		}
		made := &Made{PhysicalID: name, Attributes: map[string]any{"Arn": out.User.Arn}}
		if err := users.grant(op, name); err != nil {
			return made, err
		}
		return made, joinGroups(op, name)
	}
	return &Type{
		Name:       "AWS::IAM::User",
		Properties: Props("Groups LoginProfile- ManagedPolicyArns Path PermissionsBoundary Policies Tags UserName@"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "UserName", Max: 64},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreateUserInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.UserName = op.Named("UserName")
			if _, err := Do(op, iam.CreateUser, in); err != nil {
				return nil, err
			}
			return finish(op, in.UserName)
		},
		Update: func(op *Op) (*Made, error) {
			if err := updateUser(op); err != nil {
				return nil, err
			}
			return finish(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			name := op.PhysicalID
			if err := joinGroups(op, name); err != nil {
				return err
			}
			if err := users.revoke(op, name); err != nil {
				return err
			}
			_, err := Do(op, iam.DeleteUser, &iam.DeleteUserInput{UserName: name})
			return err
		},
		Find: func(op *Op) (*Made, error) { return finish(op, op.Named("UserName")) },
	}
}

func updateUser(op *Op) error {
	name := op.PhysicalID
	if op.Changed("Path") {
		path := op.Text("Path")
		if path == "" {
			path = "/"
		}
		if _, err := Do(op, iam.UpdateUser, &iam.UpdateUserInput{UserName: name, NewPath: &path}); err != nil {
			return err
		}
	}
	if op.Changed("PermissionsBoundary") {
		if err := setUserBoundary(op, name); err != nil {
			return err
		}
	}
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, iam.TagUser, &iam.TagUserInput{UserName: name, Tags: iamTags(tags)})
		return err
	}, func(keys []string) error {
		_, err := Do(op, iam.UntagUser, &iam.UntagUserInput{UserName: name, TagKeys: keys})
		return err
	})
}

func setUserBoundary(op *Op, name string) error {
	if arn := op.Text("PermissionsBoundary"); arn != "" {
		_, err := Do(op, iam.PutUserPermissionsBoundary, &iam.PutUserPermissionsBoundaryInput{UserName: name, PermissionsBoundary: arn})
		return err
	}
	_, err := Do(op, iam.DeleteUserPermissionsBoundary, &iam.DeleteUserPermissionsBoundaryInput{UserName: name})
	return err
}

// joinGroups makes the groups of a user those of op.New.
func joinGroups(op *Op, user string) error {
	return each(texts(op.Old["Groups"]), texts(op.New["Groups"]), func(group string) error {
		_, err := Do(op, iam.AddUserToGroup, &iam.AddUserToGroupInput{GroupName: group, UserName: user})
		return err
	}, func(group string) error {
		_, err := Do(op, iam.RemoveUserFromGroup, &iam.RemoveUserFromGroupInput{GroupName: group, UserName: user})
		return err
	})
}

// each adds what is in new, if it was not in old, and removes what was in old
// and is not in new. What is gone already needs no removing.
func each(old, new []string, add, remove func(string) error) error {
	for _, s := range new {
		if !slices.Contains(old, s) {
			if err := add(s); err != nil {
				return err
			}
		}
	}
	for _, s := range old {
		if !slices.Contains(new, s) {
			if err := remove(s); err != nil && !IsGone(err) {
				return err
			}
		}
	}
	return nil
}

func group() *Type {
	finish := func(op *Op, name string) (*Made, error) {
		out, err := Do(op, iam.GetGroup, &iam.GetGroupInput{GroupName: name})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: name, Attributes: map[string]any{"Arn": out.Group.Arn}}, groups.grant(op, name)
	}
	return &Type{
		Name:       "AWS::IAM::Group",
		Properties: Props("GroupName@ ManagedPolicyArns Path Policies"),
		Attributes: []string{"Arn"},
		Naming:     Naming{Property: "GroupName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreateGroupInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.GroupName = op.Named("GroupName")
			if _, err := Do(op, iam.CreateGroup, in); err != nil {
				return nil, err
			}
			return finish(op, in.GroupName)
		},
		Update: func(op *Op) (*Made, error) {
			if op.Changed("Path") {
				path := op.Text("Path")
				if path == "" {
					path = "/"
				}
				if _, err := Do(op, iam.UpdateGroup, &iam.UpdateGroupInput{GroupName: op.PhysicalID, NewPath: &path}); err != nil {
					return nil, err
				}
			}
			return finish(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			if err := groups.revoke(op, op.PhysicalID); err != nil {
				return err
			}
			_, err := Do(op, iam.DeleteGroup, &iam.DeleteGroupInput{GroupName: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) { return finish(op, op.Named("GroupName")) },
	}
}

func userToGroup() *Type {
	set := func(op *Op, group string) error {
		return each(texts(op.Old["Users"]), texts(op.New["Users"]), func(user string) error {
			_, err := Do(op, iam.AddUserToGroup, &iam.AddUserToGroupInput{GroupName: group, UserName: user})
			return err
		}, func(user string) error {
			_, err := Do(op, iam.RemoveUserFromGroup, &iam.RemoveUserFromGroupInput{GroupName: group, UserName: user})
			return err
		})
	}
	return &Type{
		Name:       "AWS::IAM::UserToGroupAddition",
		Properties: Props("GroupName!@ Users!"),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 128},
		Create: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.Name, Attributes: map[string]any{"Id": op.Name}}, set(op, op.Text("GroupName"))
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, set(op, op.Text("GroupName"))
		},
		Delete: func(op *Op) error { return set(op, text(op.Old["GroupName"])) },
	}
}

func accessKey() *Type {
	status := func(op *Op, id string) error {
		in := &iam.UpdateAccessKeyInput{UserName: new(op.Text("UserName")), AccessKeyId: id, Status: "Active"}
		if s := op.Text("Status"); s != "" {
			in.Status = s
		}
		_, err := Do(op, iam.UpdateAccessKey, in)
		return err
	}
	return &Type{
		Name:       "AWS::IAM::AccessKey",
		Properties: Props("Serial@ Status UserName!@"),
		Attributes: []string{"SecretAccessKey"},
		Create: func(op *Op) (*Made, error) {
			out, err := Do(op, iam.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: new(op.Text("UserName"))})
			if err != nil {
				return nil, err
			}
			made := &Made{PhysicalID: out.AccessKey.AccessKeyId, Attributes: map[string]any{"SecretAccessKey": out.AccessKey.SecretAccessKey}}
			if s := op.Text("Status"); s != "" && s != "Active" {
				return made, status(op, made.PhysicalID)
			}
			return made, nil
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, status(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			in := &iam.DeleteAccessKeyInput{UserName: new(text(op.Old["UserName"])), AccessKeyId: op.PhysicalID}
			_, err := Do(op, iam.DeleteAccessKey, in)
			return err
		},
	}
}
