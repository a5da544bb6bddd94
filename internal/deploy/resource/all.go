package resource

// All is the table of every type there is.
func All() Table {
	return NewTable(
		APIGateway(),
		APIGatewayV2(),
		CloudFormation(),
		DynamoDB(),
		IAM(),
		Lambda(),
		Logs(),
		Records(),
		S3(),
		SNS(),
		SQS(),
		SSM(),
	)
}
