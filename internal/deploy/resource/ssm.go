package resource

import (
	"maps"
	"slices"

	"github.com/aloft-cloud/aloft/internal/api/ssm"
)

// SSM has the types of Systems Manager.
func SSM() []*Type {
	return []*Type{ssmParameter()}
}

func ssmParameter() *Type {
	made := func(op *Op, name string) *Made {
		return &Made{PhysicalID: name, Attributes: map[string]any{"Type": text(op.New["Type"]), "Value": text(op.New["Value"])}}
	}
	put := func(op *Op, name string, overwrite bool) (*Made, error) {
		in := &ssm.PutParameterInput{Name: name}
		if err := Bind(op, pick(op.New, "AllowedPattern", "DataType", "Description", "Tier", "Type", "Value"), in); err != nil {
			return nil, err
		}
		if overwrite {
			in.Overwrite = &overwrite
		} else {
			in.Tags = parameterTags(tagMap(op.New["Tags"]))
		}
		if _, err := Do(op, ssm.PutParameter, in); err != nil {
			return nil, err
		}
		return made(op, name), nil
	}
	return &Type{
		Name:       "AWS::SSM::Parameter",
		Properties: Props("AllowedPattern DataType Description Name@ Policies- Tags Tier Type! Value!"),
		Attributes: []string{"Type", "Value"},
		Naming:     Naming{Property: "Name"},
		TagMap:     true,
		Create:     func(op *Op) (*Made, error) { return put(op, op.Named("Name"), false) },
		Update: func(op *Op) (*Made, error) {
			if op.Changed("AllowedPattern", "DataType", "Description", "Tier", "Type", "Value") {
				if _, err := put(op, op.PhysicalID, true); err != nil {
					return nil, err
				}
			}
			return made(op, op.PhysicalID), retag(op, tagMap, func(tags map[string]string) error {
				_, err := Do(op, ssm.AddTagsToResource, &ssm.AddTagsToResourceInput{ResourceType: "Parameter", ResourceId: op.PhysicalID, Tags: parameterTags(tags)})
				return err
			}, func(keys []string) error {
				_, err := Do(op, ssm.RemoveTagsFromResource, &ssm.RemoveTagsFromResourceInput{ResourceType: "Parameter", ResourceId: op.PhysicalID, TagKeys: keys})
				return err
			})
		},
		Delete: func(op *Op) error {
			_, err := Do(op, ssm.DeleteParameter, &ssm.DeleteParameterInput{Name: op.PhysicalID})
			return err
		},
		Find: func(op *Op) (*Made, error) {
			name := op.Named("Name")
			if _, err := Do(op, ssm.GetParameter, &ssm.GetParameterInput{Name: name}); err != nil {
				return nil, err
			}
			return made(op, name), nil
		},
	}
}

func parameterTags(tags map[string]string) []ssm.Tag {
	var out []ssm.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, ssm.Tag{Key: key, Value: tags[key]})
	}
	return out
}
