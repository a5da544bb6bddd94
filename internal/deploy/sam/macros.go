package sam

// macros are the types of SAM, and how they are expanded.
var macros = map[string]macroType{
	functionType: {schema: functionSchema, expand: expandFunction, things: map[string]string{
		"Alias": "AWS::Lambda::Alias", "Version": "AWS::Lambda::Version",
		"DestinationTopic": "AWS::SNS::Topic", "DestinationQueue": "AWS::SQS::Queue",
	}},
	apiType: {schema: restAPISchema, expand: expandRESTAPI, things: map[string]string{
		"Stage": "AWS::ApiGateway::Stage", "Deployment": "AWS::ApiGateway::Deployment",
		"DomainName": "AWS::ApiGateway::DomainName", "DomainNameV2": "AWS::ApiGateway::DomainNameV2",
		"UsagePlan": "AWS::ApiGateway::UsagePlan", "UsagePlanKey": "AWS::ApiGateway::UsagePlanKey", "ApiKey": "AWS::ApiGateway::ApiKey",
	}},
	httpAPIType: {schema: httpAPISchema, expand: expandHTTPAPI, things: map[string]string{
		"Stage": "AWS::ApiGatewayV2::Stage", "DomainName": "AWS::ApiGatewayV2::DomainName",
	}},
	capacityType:  {schema: capacitySchema, expand: expandCapacityProvider},
	graphQLType:   {schema: graphQLSchema, expand: expandGraphQLAPI},
	connectorType: {schema: connectorSchema, expand: expandConnector},
	webSocketType: {schema: webSocketSchema, expand: expandWebSocketAPI, things: map[string]string{
		"Stage": "AWS::ApiGatewayV2::Stage", "DomainName": "AWS::ApiGatewayV2::DomainName",
	}},
	stateMachineType: {schema: stateMachineSchema, expand: expandStateMachine},
	tableType:        {schema: tableSchema, expand: expandTable},
	layerType:        {schema: layerSchema, expand: expandLayer},
	applicationType:  {schema: applicationSchema, expand: expandApplication},
}
