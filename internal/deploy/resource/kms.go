package resource

import (
	"errors"
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/kms"
	"github.com/aloft-cloud/aloft/internal/aws"
)

// KMS has the types of the Key Management Service.
func KMS() []*Type {
	return []*Type{kmsKey(), kmsAlias()}
}

func kmsKey() *Type {
	made := func(op *Op, id string) *Made {
		return &Made{PhysicalID: id, Attributes: map[string]any{"Arn": op.ARN("kms", "key/"+id), "KeyId": id}}
	}
	return &Type{
		Name: "AWS::KMS::Key",
		Properties: Props(`BypassPolicyLockoutSafetyCheck Description Enabled EnableKeyRotation KeyPolicy KeySpec@ KeyUsage@ MultiRegion@ Origin@
			PendingWindowInDays RotationPeriodInDays Tags`),
		Attributes: []string{"Arn", "KeyId"},
		Create: func(op *Op) (*Made, error) {
			tags := origin(op)
			maps.Copy(tags, tagMap(op.New["Tags"]))
			in := &kms.CreateKeyInput{Tags: keyTags(tags)}
			if err := Bind(op, pick(op.New, "BypassPolicyLockoutSafetyCheck", "Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin"), in); err != nil {
				return nil, err
			}
			if policy := op.New["KeyPolicy"]; policy != nil {
				in.Policy = new(document(policy))
			}
			through := *op
			through.Call = op.Call.Through("cloudformation")
			out, err := Do(&through, kms.CreateKey, in)
			if err != nil {
				return nil, err
			}
			id := out.KeyMetadata.KeyId
			return made(op, id), turnKey(op, id)
		},
		Find: func(op *Op) (*Made, error) {
			id, err := findKey(op)
			if id == "" || err != nil {
				return nil, err
			}
			return made(op, id), turnKey(op, id)
		},
		Update: func(op *Op) (*Made, error) {
			if err := updateKey(op, op.PhysicalID); err != nil {
				return nil, err
			}
			return made(op, op.PhysicalID), nil
		},
		Delete: func(op *Op) error {
			in := &kms.ScheduleKeyDeletionInput{}
			if err := Bind(op, pick(op.Old, "PendingWindowInDays"), in); err != nil {
				return err
			}
			in.KeyId = op.PhysicalID
			if _, err := Do(op, kms.ScheduleKeyDeletion, in); !errors.Is(err, kms.KMSInvalidStateException) {
				return err
			}
			return nil // it is to be deleted already
		},
	}
}

// updateKey makes a key as op.New says.
func updateKey(op *Op, id string) error {
	if op.Changed("Description") {
		if _, err := Do(op, kms.UpdateKeyDescription, &kms.UpdateKeyDescriptionInput{KeyId: id, Description: op.Text("Description")}); err != nil {
			return err
		}
	}
	if policy := op.New["KeyPolicy"]; op.Changed("KeyPolicy") && policy != nil {
		if _, err := Do(op, kms.PutKeyPolicy, &kms.PutKeyPolicyInput{KeyId: id, Policy: document(policy)}); err != nil {
			return err
		}
	}
	if err := turnKey(op, id); err != nil {
		return err
	}
	return retag(op, tagMap, func(tags map[string]string) error {
		_, err := Do(op, kms.TagResource, &kms.TagResourceInput{KeyId: id, Tags: keyTags(tags)})
		return err
	}, func(names []string) error {
		_, err := Do(op, kms.UntagResource, &kms.UntagResourceInput{KeyId: id, TagKeys: names})
		return err
	})
}

// findKey looks for the key that is tagged as what op is to make.
func findKey(op *Op) (string, error) {
	in := &kms.ListKeysInput{}
	for {
		out, err := Do(op, kms.ListKeys, in)
		if err != nil {
			return "", err
		}
		for _, k := range out.Keys {
			id := aws.Value(k.KeyId)
			tags, err := Do(op, kms.ListResourceTags, &kms.ListResourceTagsInput{KeyId: id})
			if errors.Is(err, aws.AccessDenied) {
				continue // some other's key
			}
			if err != nil {
				return "", err
			}
			if id != op.Except && isOrigin(op, tags.Tags) {
				return id, nil
			}
		}
		if in.Marker = out.NextMarker; in.Marker == nil {
			return "", nil
		}
	}
}

// isOrigin says whether tags are of what op is to make.
func isOrigin(op *Op, tags []kms.Tag) bool {
	left := origin(op)
	for _, t := range tags {
		if left[t.TagKey] == t.TagValue {
			delete(left, t.TagKey)
		}
	}
	return len(left) == 0
}

// turnKey has a key rotate, and be enabled, as the template says.
func turnKey(op *Op, id string) error {
	if op.Changed("EnableKeyRotation", "RotationPeriodInDays") {
		if op.Text("EnableKeyRotation") == "true" {
			in := &kms.EnableKeyRotationInput{}
			if err := Bind(op, pick(op.New, "RotationPeriodInDays"), in); err != nil {
				return err
			}
			in.KeyId = id
			if _, err := Do(op, kms.EnableKeyRotation, in); err != nil {
				return err
			}
		} else if text(op.Old["EnableKeyRotation"]) == "true" {
			if _, err := Do(op, kms.DisableKeyRotation, &kms.DisableKeyRotationInput{KeyId: id}); err != nil {
				return err
			}
		}
	}
	if !op.Changed("Enabled") {
		return nil
	}
	if op.Text("Enabled") == "false" {
		_, err := Do(op, kms.DisableKey, &kms.DisableKeyInput{KeyId: id})
		return err
	}
	_, err := Do(op, kms.EnableKey, &kms.EnableKeyInput{KeyId: id})
	return err
}

func keyTags(tags map[string]string) []kms.Tag {
	var out []kms.Tag
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, kms.Tag{TagKey: name, TagValue: tags[name]})
	}
	return out
}

func kmsAlias() *Type {
	made := func(name string) *Made { return &Made{PhysicalID: name, Attributes: map[string]any{"AliasName": name}} }
	return &Type{
		Name:       "AWS::KMS::Alias",
		Properties: Props("AliasName!@ TargetKeyId!"),
		Attributes: []string{"AliasName"},
		Create: func(op *Op) (*Made, error) {
			name := op.Text("AliasName")
			_, err := Do(op, kms.CreateAlias, &kms.CreateAliasInput{AliasName: name, TargetKeyId: op.Text("TargetKeyId")})
			if err != nil {
				return nil, err
			}
			return made(name), nil
		},
		Update: func(op *Op) (*Made, error) {
			_, err := Do(op, kms.UpdateAlias, &kms.UpdateAliasInput{AliasName: op.PhysicalID, TargetKeyId: op.Text("TargetKeyId")})
			return made(op.PhysicalID), err
		},
		Delete: func(op *Op) error {
			_, err := Do(op, kms.DeleteAlias, &kms.DeleteAliasInput{AliasName: op.PhysicalID})
			return err
		},
	}
}
