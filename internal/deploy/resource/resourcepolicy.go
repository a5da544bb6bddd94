package resource

import "slices"

// sharedPolicy is a policy of several resources, listed in a property.
func sharedPolicy(name, property string, set func(op *Op, resource, policy string) error) *Type {
	put := func(op *Op) (*Made, error) {
		made := &Made{PhysicalID: op.PhysicalID}
		if made.PhysicalID == "" {
			made.PhysicalID = op.Name
		}
		made.Attributes = map[string]any{"Id": made.PhysicalID}
		resources := texts(op.New[property])
		for _, old := range texts(op.Old[property]) {
			if !slices.Contains(resources, old) {
				if err := ignoreGone(set(op, old, "")); err != nil {
					return made, err
				}
			}
		}
		for _, resource := range resources {
			if err := set(op, resource, settingText(op.New["PolicyDocument"])); err != nil {
				return made, err
			}
		}
		return made, nil
	}
	return &Type{
		Name:       name,
		Properties: Props("PolicyDocument! " + property + "!"),
		Attributes: []string{"Id"},
		Create:     put,
		Update:     put,
		Find:       put, // what was set is set again
		Delete: func(op *Op) error {
			for _, resource := range texts(op.Old[property]) {
				if err := ignoreGone(set(op, resource, "")); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// ownPolicy is the policy of one resource, named in a property.
func ownPolicy(name, property string, set func(op *Op, resource, policy string) error) *Type {
	put := func(op *Op) (*Made, error) {
		resource := op.Text(property)
		return &Made{PhysicalID: resource}, set(op, resource, settingText(op.New["PolicyDocument"]))
	}
	return &Type{
		Name:       name,
		Properties: Props("PolicyDocument! " + property + "!@"),
		Create:     put,
		Update:     put,
		Find:       put,
		Delete:     func(op *Op) error { return set(op, op.PhysicalID, "") },
	}
}
