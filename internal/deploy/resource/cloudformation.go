package resource

// CloudFormation has the types of CloudFormation itself.
func CloudFormation() []*Type {
	return []*Type{
		{
			Name:       "AWS::CloudFormation::Stack",
			Properties: Props("TemplateURL! Parameters NotificationARNs Tags TimeoutInMinutes"),
			Attributes: []string{"*"},
			Create:     func(op *Op) (*Made, error) { return op.Nested.CreateNested(op) },
			Update:     func(op *Op) (*Made, error) { return op.Nested.UpdateNested(op) },
			Delete:     func(op *Op) error { return op.Nested.DeleteNested(op) },
		},
		record("AWS::CloudFormation::WaitConditionHandle", "", "It is a record: nothing can be signalled to it."),
		record("AWS::CDK::Metadata", "Analytics", "It is a record: nothing is sent to anyone."),
	}
}

// record is a type that is kept, and does nothing.
func record(name, properties, note string) *Type {
	keep := func(op *Op) (*Made, error) {
		id := op.PhysicalID
		if id == "" {
			id = op.Name
		}
		return &Made{PhysicalID: id}, nil
	}
	return &Type{
		Name: name, Properties: Props(properties), Note: note,
		Create: keep, Update: keep, Find: keep,
		Delete: func(*Op) error { return nil },
	}
}
