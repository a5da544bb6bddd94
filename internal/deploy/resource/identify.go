package resource

import "strings"

// identifiers are the properties by which resources are imported that are not
// known by the property that names them. Each ends in the name.
var identifiers = map[string]string{
	"AWS::Events::Rule":       "Arn",
	"AWS::IAM::ManagedPolicy": "PolicyArn",
	"AWS::SNS::Topic":         "TopicArn",
	"AWS::SQS::Queue":         "QueueUrl",
}

// Identifier is the property by which a resource that exists is known to
// imports, or "" if resources of the type cannot be imported.
func (t *Type) Identifier() string {
	if t.Find == nil || t.Record || t.Naming.Property == "" {
		return ""
	}
	if property, own := identifiers[t.Name]; own {
		return property
	}
	return t.Naming.Property
}

// Identify looks for the resource that id identifies, as one that op.New
// describes. It returns nil if there is none.
func (t *Type) Identify(op *Op, id string) (*Made, error) {
	find := *op
	find.Name = id
	if _, own := identifiers[t.Name]; own {
		find.Name = id[strings.LastIndexAny(id, "/:")+1:]
	}
	// Find sets what a creation left undone: here, that is nothing.
	find.New = map[string]any{t.Naming.Property: find.Name}
	if bus := op.New["EventBusName"]; bus != nil {
		find.New["EventBusName"] = bus
	}
	made, err := t.Find(&find)
	if IsGone(err) {
		return nil, nil
	}
	return made, err
}
