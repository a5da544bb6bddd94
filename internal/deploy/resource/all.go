package resource

// All is the table of every type there is.
func All() Table {
	return NewTable(
		ACM(),
		Amplify(),
		AppConfig(),
		APIGateway(),
		APIGatewayV2(),
		AppSync(),
		CloudFormation(),
		CloudFront(),
		CloudWatch(),
		Cognito(),
		DynamoDB(),
		ECR(),
		ElasticLoadBalancing(),
		Events(),
		Firehose(),
		IAM(),
		Kinesis(),
		KMS(),
		Lambda(),
		Logs(),
		Pipes(),
		Records(),
		Route53(),
		S3(),
		Scheduler(),
		SecretsManager(),
		SES(),
		SNS(),
		SQS(),
		SSM(),
		States(),
		XRay(),
	)
}
