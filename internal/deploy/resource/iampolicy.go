package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/iam"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// An inline policy, as roles, users and groups have them.
type inline struct {
	PolicyName     string
	PolicyDocument string
}

// An entity is a kind of what policies are given to. It sets and removes those
// of its own, and attaches and detaches managed ones.
type entity struct {
	property string // "Roles"
	put      func(op *Op, who, name, document string) error
	remove   func(op *Op, who, name string) error
	attach   func(op *Op, who, arn string) error
	detach   func(op *Op, who, arn string) error
}

var roles = entity{
	property: "Roles",
	put: func(op *Op, who, name, document string) error {
		_, err := Do(op, iam.PutRolePolicy, &iam.PutRolePolicyInput{RoleName: who, PolicyName: name, PolicyDocument: document})
		return err
	},
	remove: func(op *Op, who, name string) error {
		_, err := Do(op, iam.DeleteRolePolicy, &iam.DeleteRolePolicyInput{RoleName: who, PolicyName: name})
		return err
	},
	attach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: who, PolicyArn: arn})
		return err
	},
	detach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.DetachRolePolicy, &iam.DetachRolePolicyInput{RoleName: who, PolicyArn: arn})
		return err
	},
}

var users = entity{
	property: "Users",
	put: func(op *Op, who, name, document string) error {
		_, err := Do(op, iam.PutUserPolicy, &iam.PutUserPolicyInput{UserName: who, PolicyName: name, PolicyDocument: document})
		return err
	},
	remove: func(op *Op, who, name string) error {
		_, err := Do(op, iam.DeleteUserPolicy, &iam.DeleteUserPolicyInput{UserName: who, PolicyName: name})
		return err
	},
	attach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.AttachUserPolicy, &iam.AttachUserPolicyInput{UserName: who, PolicyArn: arn})
		return err
	},
	detach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.DetachUserPolicy, &iam.DetachUserPolicyInput{UserName: who, PolicyArn: arn})
		return err
	},
}

var groups = entity{
	property: "Groups",
	put: func(op *Op, who, name, document string) error {
		_, err := Do(op, iam.PutGroupPolicy, &iam.PutGroupPolicyInput{GroupName: who, PolicyName: name, PolicyDocument: document})
		return err
	},
	remove: func(op *Op, who, name string) error {
		_, err := Do(op, iam.DeleteGroupPolicy, &iam.DeleteGroupPolicyInput{GroupName: who, PolicyName: name})
		return err
	},
	attach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.AttachGroupPolicy, &iam.AttachGroupPolicyInput{GroupName: who, PolicyArn: arn})
		return err
	},
	detach: func(op *Op, who, arn string) error {
		_, err := Do(op, iam.DetachGroupPolicy, &iam.DetachGroupPolicyInput{GroupName: who, PolicyArn: arn})
		return err
	},
}

func entities() []entity { return []entity{roles, users, groups} }

// documents returns the policies of the property Policies, by name.
func documents(v any) map[string]string {
	out := make(map[string]string)
	for _, element := range list(v) {
		policy := object(element)
		out[text(policy["PolicyName"])] = document(policy["PolicyDocument"])
	}
	return out
}

// document is a policy as IAM takes it.
func document(v any) string {
	if s := text(v); s != "" {
		return s
	}
	return JSON(v)
}

// grant makes the policies of who those of op.New, which before had those of
// op.Old.
func (e entity) grant(op *Op, who string) error {
	managed := func(what func(*Op, string, string) error) func(string) error {
		return func(arn string) error { return what(op, who, arn) }
	}
	err := each(texts(op.Old["ManagedPolicyArns"]), texts(op.New["ManagedPolicyArns"]), managed(e.attach), managed(e.detach))
	if err != nil {
		return err
	}
	old, policies := documents(op.Old["Policies"]), documents(op.New["Policies"])
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if old[name] != policies[name] {
			if err := e.put(op, who, name, policies[name]); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, has := policies[name]; !has {
			if err := e.remove(op, who, name); err != nil && !IsGone(err) {
				return err
			}
		}
	}
	return nil
}

// revoke takes from who the policies of op.Old.
func (e entity) revoke(op *Op, who string) error { return e.grant(op, who) }

// inlinePolicy is a policy of several roles, users and groups.
func inlinePolicy() *Type {
	set := func(op *Op) error {
		before, name := text(op.Old["PolicyName"]), op.Text("PolicyName")
		was, is := document(op.Old["PolicyDocument"]), document(op.New["PolicyDocument"])
		if op.Old == nil && !slices.ContainsFunc(entities(), func(e entity) bool { return len(list(op.New[e.property])) > 0 }) {
			return &Refusal{"At least one of [Groups,Roles,Users] must be non-empty."}
		}
		for _, e := range entities() {
			old, holders := texts(op.Old[e.property]), texts(op.New[e.property])
			if before != name {
				for _, who := range old {
					if err := e.remove(op, who, before); err != nil && !IsGone(err) {
						return err
					}
				}
				old = nil
			}
			if was != is {
				for _, who := range holders {
					if err := e.put(op, who, name, is); err != nil {
						return err
					}
				}
			}
			err := each(old, holders,
				func(who string) error { return e.put(op, who, name, is) },
				func(who string) error { return e.remove(op, who, name) })
			if err != nil {
				return err
			}
		}
		return nil
	}
	return &Type{
		Name:       "AWS::IAM::Policy",
		Properties: Props("Groups PolicyDocument! PolicyName! Roles Users"),
		Attributes: []string{"Id"},
		Naming:     Naming{Max: 128},
		Create: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.Name, Attributes: map[string]any{"Id": op.Name}}, set(op)
		},
		Update: func(op *Op) (*Made, error) {
			return &Made{PhysicalID: op.PhysicalID, Attributes: op.Attributes}, set(op)
		},
		Delete: func(op *Op) error {
			for _, e := range entities() {
				for _, who := range texts(op.Old[e.property]) {
					if err := e.remove(op, who, text(op.Old["PolicyName"])); err != nil && !IsGone(err) {
						return err
					}
				}
			}
			return nil
		},
	}
}

// onePolicy is a policy of one role, user or group.
func onePolicy(name, holder string, e entity) *Type {
	put := func(op *Op) (*Made, error) {
		id := op.Text("PolicyName") + "|" + op.Text(holder)
		return &Made{PhysicalID: id, Ref: id}, e.put(op, op.Text(holder), op.Text("PolicyName"), document(op.New["PolicyDocument"]))
	}
	return &Type{
		Name:       name,
		Properties: Props("PolicyDocument! PolicyName!@ " + holder + "!@"),
		Create:     put,
		Update:     put,
		Delete: func(op *Op) error {
			return e.remove(op, text(op.Old[holder]), text(op.Old["PolicyName"]))
		},
	}
}

func managedPolicy() *Type {
	finish := func(op *Op, arn string) (*Made, error) {
		out, err := Do(op, iam.GetPolicy, &iam.GetPolicyInput{PolicyArn: arn})
		if err != nil {
			return nil, err
		}
		p := out.Policy
		made := &Made{PhysicalID: arn, Attributes: map[string]any{
			"PolicyArn": arn, "PolicyId": aws.Value(p.PolicyId), "DefaultVersionId": aws.Value(p.DefaultVersionId), "IsAttachable": p.IsAttachable,
		}}
		return made, hold(op, arn)
	}
	return &Type{
		Name:       "AWS::IAM::ManagedPolicy",
		Properties: Props("Description@ Groups ManagedPolicyName@ Path@ PolicyDocument! Roles Users"),
		Attributes: []string{"PolicyArn", "PolicyId", "DefaultVersionId", "IsAttachable"},
		Naming:     Naming{Property: "ManagedPolicyName", Max: 128},
		Create: func(op *Op) (*Made, error) {
			in := &iam.CreatePolicyInput{}
			if err := Bind(op, op.New, in); err != nil {
				return nil, err
			}
			in.PolicyName = op.Named("ManagedPolicyName")
			out, err := Do(op, iam.CreatePolicy, in)
			if err != nil {
				return nil, err
			}
			return finish(op, aws.Value(out.Policy.Arn))
		},
		Update: func(op *Op) (*Made, error) {
			if op.Changed("PolicyDocument") {
				if err := newVersion(op); err != nil {
					return nil, err
				}
			}
			return finish(op, op.PhysicalID)
		},
		Delete: func(op *Op) error {
			if err := hold(op, op.PhysicalID); err != nil {
				return err
			}
			if err := dropVersions(op, 1); err != nil {
				return err
			}
			_, err := Do(op, iam.DeletePolicy, &iam.DeletePolicyInput{PolicyArn: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			path := op.Text("Path")
			if path == "" {
				path = "/"
			}
			arn := op.ARN("iam", "policy"+path+op.Named("ManagedPolicyName"))
			return finish(op, arn)
		},
	}
}

// hold makes those who hold a managed policy those of op.New.
func hold(op *Op, arn string) error {
	for _, e := range entities() {
		err := each(texts(op.Old[e.property]), texts(op.New[e.property]),
			func(who string) error { return e.attach(op, who, arn) },
			func(who string) error { return e.detach(op, who, arn) })
		if err != nil {
			return err
		}
	}
	return nil
}

// mostVersions is how many versions a managed policy has at most.
const mostVersions = 5

func newVersion(op *Op) error {
	if err := dropVersions(op, mostVersions-1); err != nil {
		return err
	}
	_, err := Do(op, iam.CreatePolicyVersion, &iam.CreatePolicyVersionInput{
		PolicyArn: op.PhysicalID, PolicyDocument: document(op.New["PolicyDocument"]), SetAsDefault: new(true),
	})
	return err
}

// dropVersions deletes the oldest versions of a managed policy but for most of
// them, and never the default one.
func dropVersions(op *Op, most int) error {
	out, err := Do(op, iam.ListPolicyVersions, &iam.ListPolicyVersionsInput{PolicyArn: op.PhysicalID})
	if err != nil {
		return err
	}
	versions := out.Versions
	slices.SortFunc(versions, func(a, b iam.PolicyVersion) int { return aws.Value(a.CreateDate).Compare(aws.Value(b.CreateDate)) })
	over := len(versions) - most
	for _, v := range versions {
		if over <= 0 {
			return nil
		}
		if aws.Value(v.IsDefaultVersion) {
			continue
		}
		in := &iam.DeletePolicyVersionInput{PolicyArn: op.PhysicalID, VersionId: aws.Value(v.VersionId)}
		if _, err := Do(op, iam.DeletePolicyVersion, in); err != nil {
			return err
		}
		over--
	}
	return nil
}
