package sam

import (
	"encoding/json"
	"slices"
)

func number(text string) json.Number { return json.Number(text) }

// pullProperties are those of all event sources that Lambda reads itself.
const pullProperties = `BatchSize:i StartingPosition StartingPositionTimestamp Enabled:b MaximumBatchingWindowInSeconds:i
	MaximumRetryAttempts:i BisectBatchOnFunctionError:b MaximumRecordAgeInSeconds:i DestinationConfig:m ParallelizationFactor:i
	Topics:l Queues:l SourceAccessConfigurations:l SecretsManagerKmsKeyId:s TumblingWindowInSeconds:i FunctionResponseTypes:l
	KafkaBootstrapServers:l FilterCriteria:m KmsKeyArn ConsumerGroupId:s ScalingConfig:m ProvisionedPollerConfig:m
	SchemaRegistryConfig:m MetricsConfig:m LoggingConfig:m `

const streamProperties = pullProperties + "Stream! StartingPosition!"

// pullSources are the properties that name a source, and AWS's own policy to
// read it.
var pullSources = map[string]struct{ property, policy string }{
	"DocumentDB": {"Cluster", ""},
	"DynamoDB":   {"Stream", "service-role/AWSLambdaDynamoDBExecutionRole"},
	"Kinesis":    {"Stream", "service-role/AWSLambdaKinesisExecutionRole"},
	"MQ":         {"Broker", ""},
	"MSK":        {"Stream", "service-role/AWSLambdaMSKExecutionRole"},
	"SQS":        {"Queue", "service-role/AWSLambdaSQSQueueExecutionRole"},
}

// expandPull makes the target read a source, and gives its role what that takes.
func expandPull(e *event) ([]*resource, error) {
	p := e.props
	r := e.make("AWS::Lambda::EventSourceMapping", e.id)
	r.props["FunctionName"] = e.target
	put(r.props, "EventSourceArn", p[pullSources[e.typ].property])
	copyMembers(r.props, p, "StartingPosition", "StartingPositionTimestamp", "BatchSize", "Enabled",
		"MaximumBatchingWindowInSeconds", "MaximumRetryAttempts", "BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds",
		"ParallelizationFactor", "Topics", "Queues", "SourceAccessConfigurations", "TumblingWindowInSeconds",
		"FunctionResponseTypes", "FilterCriteria", "KmsKeyArn", "ScalingConfig", "ProvisionedPollerConfig", "MetricsConfig", "LoggingConfig")
	if given(p["KafkaBootstrapServers"]) {
		r.props["SelfManagedEventSource"] = object{"Endpoints": object{"KafkaBootstrapServers": p["KafkaBootstrapServers"]}}
	}
	if err := e.checkFilter(); err != nil {
		return nil, err
	}
	if err := e.kafka(r); err != nil {
		return nil, err
	}
	policy, err := e.onFailure(r)
	if err != nil {
		return nil, err
	}
	if e.typ == "DocumentDB" {
		config := object{"DatabaseName": p["DatabaseName"]}
		for _, name := range []string{"CollectionName", "FullDocument"} {
			if given(p[name]) {
				config[name] = p[name]
			}
		}
		r.props["DocumentDBEventSourceConfig"] = config
	}
	return []*resource{r}, e.linkPolicies(policy)
}

func (e *event) kafka(r *resource) error {
	property := map[string]string{"MSK": "AmazonManagedKafkaEventSourceConfig", "SelfManagedKafka": "SelfManagedKafkaEventSourceConfig"}[e.typ]
	config := object{}
	if given(e.props["ConsumerGroupId"]) {
		if property == "" {
			return badEvent(e.id, "Property ConsumerGroupId not defined for resource of type %s.", e.typ)
		}
		config["ConsumerGroupId"] = e.props["ConsumerGroupId"]
	}
	if given(e.props["SchemaRegistryConfig"]) {
		config["SchemaRegistryConfig"] = e.props["SchemaRegistryConfig"]
	}
	if property != "" && len(config) > 0 {
		r.props[property] = config
	}
	return nil
}

// onFailure sets where records go that fail, and returns the policy for it.
func (e *event) onFailure(r *resource) (object, error) {
	if !given(e.props["DestinationConfig"]) {
		return nil, nil
	}
	config := cloneObject(asObject(e.props["DestinationConfig"]))
	r.props["DestinationConfig"] = config
	if err := wantEvent(e.id, "DestinationConfig.OnFailure", config["OnFailure"], aMap); err != nil {
		return nil, err
	}
	failure := asObject(config["OnFailure"])
	kind := failure["Type"]
	if !given(kind) {
		return nil, nil
	}
	delete(failure, "Type")
	if !slices.Contains([]any{"SQS", "SNS", "S3", "Kafka"}, kind) {
		return nil, badEvent(e.id, "The only valid values for 'Type' are 'SQS', 'SNS', 'S3', and 'Kafka'")
	}
	return allowSend(kind.(string), e.id, failure["Destination"]), nil
}

// linkPolicies gives the role of the target what reading the source takes.
func (e *event) linkPolicies(destination object) error {
	statements, name, err := e.statements()
	if err != nil || e.role == nil {
		return err
	}
	if path := pullSources[e.typ].policy; path != "" {
		managed := asList(e.role.props["ManagedPolicyArns"])
		if !contains(managed, managedARN(path)) {
			e.role.props["ManagedPolicyArns"] = append(managed, managedARN(path))
		}
	}
	if len(statements) > 0 {
		document := object{"Statement": statements}
		if e.typ == "SelfManagedKafka" {
			document["Version"] = "2012-10-17"
		}
		e.addPolicy(object{"PolicyName": name, "PolicyDocument": document})
	}
	if destination != nil {
		e.addPolicy(destination)
	}
	return nil
}

// addPolicy adds an inline policy to the role, unless it has such a document.
func (e *event) addPolicy(policy object) {
	list := asList(e.role.props["Policies"])
	for _, v := range list {
		if equal(asObject(v)["PolicyDocument"], policy["PolicyDocument"]) {
			return
		}
	}
	e.role.props["Policies"] = append(list, policy)
}

// statements are what the role needs beyond AWS's own policies.
func (e *event) statements() (list []any, name string, err error) {
	switch e.typ {
	case "MSK":
		list, err = e.registryStatements()
		for _, v := range asList(e.props["SourceAccessConfigurations"]) {
			c := asObject(v)
			if c["Type"] == "CLIENT_CERTIFICATE_TLS_AUTH" && given(c["URI"]) {
				list = append(list, mayReadSecret(c["URI"]))
			}
		}
		return list, "MSKExecutionRolePolicy", err
	case "MQ":
		return e.brokerStatements()
	case "SelfManagedKafka":
		list, err = e.selfManagedStatements()
		return list, "SelfManagedKafkaExecutionRolePolicy", err
	case "DocumentDB":
		list, err = e.documentStatements()
		return list, "SamAutoGeneratedDocumentDBPolicy", err
	}
	return nil, "", nil
}

func mayReadSecret(uri any) object {
	return object{"Action": []any{"secretsmanager:GetSecretValue"}, "Effect": "Allow", "Resource": uri}
}

var networkStatement = object{
	"Action": []any{"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
		"ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"},
	"Effect": "Allow", "Resource": "*",
}

func (e *event) brokerStatements() (list []any, name string, err error) {
	secret, err := e.basicAuth([]string{"BASIC_AUTH", "VIRTUAL_HOST"})
	if err != nil {
		return nil, "", err
	}
	name = "SamAutoGeneratedAMQPolicy"
	if given(e.props["DynamicPolicyName"]) {
		name = e.id + "AMQPolicy"
	}
	list = []any{mayReadSecret(secret), object{"Action": []any{"mq:DescribeBroker"}, "Effect": "Allow", "Resource": e.props["Broker"]}}
	key, err := e.decryptStatement()
	return append(list, key...), name, err
}

func (e *event) documentStatements() ([]any, error) {
	secret, err := e.basicAuth([]string{"BASIC_AUTH"})
	if err != nil {
		return nil, err
	}
	rds := func(action, on any) object {
		return object{"Action": []any{action}, "Effect": "Allow", "Resource": on}
	}
	list := []any{
		mayReadSecret(secret),
		rds("rds:DescribeDBClusterParameters", sub("arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:cluster-pg:*", nil)),
		rds("rds:DescribeDBSubnetGroups", sub("arn:${AWS::Partition}:rds:${AWS::Region}:${AWS::AccountId}:subgrp:*", nil)),
		rds("rds:DescribeDBClusters", e.props["Cluster"]),
		clone(networkStatement),
	}
	key, err := e.decryptStatement()
	return append(list, key...), err
}

// decryptStatement allows to decrypt secrets with the key that is named.
func (e *event) decryptStatement() ([]any, error) {
	id := e.props["SecretsManagerKmsKeyId"]
	if !given(id) {
		return nil, nil
	}
	if !isString(id) {
		return nil, wantEvent(e.name, "SecretsManagerKmsKeyId", id, aString)
	}
	action := any([]any{"kms:Decrypt"})
	if e.typ == "MQ" {
		action = "kms:Decrypt"
	}
	return []any{object{
		"Action": action, "Effect": "Allow",
		"Resource": sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/"+id.(string), nil),
	}}, nil
}
