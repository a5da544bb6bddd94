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
		customResource(), waitHandle(), waitCondition(), macro(), moduleVersion(), moduleDefaultVersion(),
	}
}
