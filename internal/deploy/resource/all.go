package resource

// All is the table of every type there is.
func All() Table {
	return NewTable(CloudFormation(), Logs())
}
