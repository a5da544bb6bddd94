package resource

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aloft-cloud/aloft/internal/api/secretsmanager"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// SecretsManager has the types of Secrets Manager.
func SecretsManager() []*Type {
	return []*Type{secret(), rotationSchedule(), secretPolicy()}
}

func secret() *Type {
	made := func(arn string) *Made { return &Made{PhysicalID: arn, Attributes: map[string]any{"Id": arn}} }
	return &Type{
		Name:       "AWS::SecretsManager::Secret",
		Properties: Props("Description GenerateSecretString KmsKeyId Name@ ReplicaRegions- SecretString Tags Type"),
		Attributes: []string{"Id"},
		Naming:     Naming{Property: "Name", Max: 512},
		Create: func(op *Op) (*Made, error) {
			in := &secretsmanager.CreateSecretInput{Tags: secretTags(tagMap(op.New["Tags"]))}
			if err := Bind(op, pick(op.New, "Description", "KmsKeyId", "SecretString", "Type"), in); err != nil {
				return nil, err
			}
			if err := generate(op, &in.SecretString); err != nil {
				return nil, err
			}
			in.Name = op.Named("Name")
			out, err := Do(op, secretsmanager.CreateSecret, in)
			if err != nil {
				return nil, err
			}
			return made(*out.ARN), nil
		},
		Update: func(op *Op) (*Made, error) {
			in := &secretsmanager.UpdateSecretInput{}
			if err := Bind(op, pick(op.New, "Description", "KmsKeyId", "Type"), in); err != nil {
				return nil, err
			}
			in.SecretId = op.PhysicalID
			if value := op.Text("SecretString"); value != "" && op.Changed("SecretString") {
				in.SecretString = &value
			} else if op.Changed("GenerateSecretString") {
				if err := generate(op, &in.SecretString); err != nil {
					return nil, err
				}
			}
			if _, err := Do(op, secretsmanager.UpdateSecret, in); err != nil {
				return nil, err
			}
			return made(op.PhysicalID), retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, secretsmanager.TagResource, &secretsmanager.TagResourceInput{SecretId: op.PhysicalID, Tags: secretTags(tags)})
				return err
			}, func(names []string) error {
				_, err := Do(op, secretsmanager.UntagResource, &secretsmanager.UntagResourceInput{SecretId: op.PhysicalID, TagKeys: names})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, secretsmanager.DeleteSecret, &secretsmanager.DeleteSecretInput{SecretId: op.PhysicalID, ForceDeleteWithoutRecovery: new(true)})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			out, err := Do(op, secretsmanager.DescribeSecret, &secretsmanager.DescribeSecretInput{SecretId: op.Named("Name")})
			if err != nil {
				return nil, ignoreGone(err)
			}
			return made(*out.ARN), nil
		},
	}
}

// generate makes the value of a secret as GenerateSecretString says: a password,
// or a JSON object with a password in it.
func generate(op *Op, value **string) error {
	spec := object(op.New["GenerateSecretString"])
	if spec == nil {
		return nil
	}
	in := &secretsmanager.GetRandomPasswordInput{}
	options := maps.Clone(spec)
	delete(options, "GenerateStringKey")
	delete(options, "SecretStringTemplate")
	if err := Bind(op, options, in); err != nil {
		return err
	}
	out, err := Do(op, secretsmanager.GetRandomPassword, in)
	if err != nil {
		return err
	}
	key, template := text(spec["GenerateStringKey"]), text(spec["SecretStringTemplate"])
	switch {
	case key == "" && template == "":
		*value = out.RandomPassword
		return nil
	case key == "" || template == "":
		return invalidRequest("GenerateSecretString must have both SecretStringTemplate and GenerateStringKey, or neither.")
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(template), &doc); err != nil {
		return invalidRequest("SecretStringTemplate is no JSON object.")
	}
	doc[key] = *out.RandomPassword
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return err
	}
	*value = new(strings.TrimSpace(b.String()))
	return nil
}

func secretTags(tags map[string]string) []secretsmanager.Tag {
	var out []secretsmanager.Tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, secretsmanager.Tag{Key: new(name), Value: new(tags[name])})
	}
	return out
}

func rotationSchedule() *Type {
	set := func(op *Op) (*Made, error) {
		in := &secretsmanager.RotateSecretInput{}
		if err := Bind(op, pick(op.New, "RotationLambdaARN", "RotationRules", "SecretId"), in); err != nil {
			return nil, err
		}
		in.ClientRequestToken = new(aws.NewRequestID())
		if op.Text("RotateImmediatelyOnUpdate") == "false" {
			in.RotateImmediately = new(false)
		}
		out, err := Do(op, secretsmanager.RotateSecret, in)
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: *out.ARN, Attributes: map[string]any{"Id": *out.ARN}}, nil
	}
	return &Type{
		Name: "AWS::SecretsManager::RotationSchedule",
		Properties: Props(`ExternalSecretRotationMetadata- ExternalSecretRotationRoleArn- HostedRotationLambda- RotateImmediatelyOnUpdate RotationLambdaARN
			RotationRules SecretId!@`),
		Attributes: []string{"Id"},
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			_, err := Do(op, secretsmanager.CancelRotateSecret, &secretsmanager.CancelRotateSecretInput{SecretId: op.PhysicalID})
			return err
		},
	}
}

func secretPolicy() *Type {
	set := func(op *Op) (*Made, error) {
		out, err := Do(op, secretsmanager.PutResourcePolicy, &secretsmanager.PutResourcePolicyInput{SecretId: op.Text("SecretId"), ResourcePolicy: document(op.New["ResourcePolicy"])})
		if err != nil {
			return nil, err
		}
		return &Made{PhysicalID: *out.ARN, Attributes: map[string]any{"Id": *out.ARN}}, nil
	}
	return &Type{
		Name:       "AWS::SecretsManager::ResourcePolicy",
		Properties: Props("BlockPublicPolicy- ResourcePolicy! SecretId!@"),
		Attributes: []string{"Id"},
		Create:     set,
		Update:     set,
		Delete: func(op *Op) error {
			_, err := Do(op, secretsmanager.DeleteResourcePolicy, &secretsmanager.DeleteResourcePolicyInput{SecretId: op.PhysicalID})
			return err
		},
	}
}
