package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	cfn "github.com/aloft-cloud/aloft/internal/api/cloudformation"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

const someone = "someone@example.com"

// kinds are values for what words speak of, the most fitting first. One in braces
// is a thing that is made for it.
var kinds = []struct {
	words *regexp.Regexp
	value string
}{
	{regexp.MustCompile(`instance::id|instanceid`), "i-0123456789abcdef0"},
	{regexp.MustCompile(`ec2::vpc::id`), "{vpc}"},
	{regexp.MustCompile(`ec2::subnet::id`), "{subnet}"},
	{regexp.MustCompile(`ec2::securitygroup::id`), "{group}"},
	{regexp.MustCompile(`vpcendpoint\.vpcid`), "{vpc}"},
	{regexp.MustCompile(`vpcendpoint`), "vpce-0123456789abcdef0"},
	{regexp.MustCompile(`vpc::id|vpcid|\bvpc\b`), "{vpc}"},
	{regexp.MustCompile(`subnet`), "{subnet}"},
	{regexp.MustCompile(`securitygroup`), "{group}"},
	{regexp.MustCompile(`image::id`), "ami-0123456789abcdef0"},
	{regexp.MustCompile(`keypair`), "placeholder"},
	{regexp.MustCompile(`availabilityzone`), "us-east-1a"},
	{regexp.MustCompile(`volumeid`), "vol-0123456789abcdef0"},
	{regexp.MustCompile(`volumeid`), "fsvol-0123456789abcdef0"},
	{regexp.MustCompile(`password`), "Placeholder-1!"},
	{regexp.MustCompile(`apimapping\.stage`), "$default"},
	{regexp.MustCompile(`^(?:app_?)?stage(?:_?name)? `), "dev"},
	{regexp.MustCompile(`^\w*domain(?:name)? string|certificate\.domainname|hostedzone\.name`), "{domain}"},
	{regexp.MustCompile(`^\w*cert\w* |cert(ificate)?_?arn|certificate(?:$|[^m.])`), "{certificate}"},
	{regexp.MustCompile(`hosted_?zone|zone_?id`), "{zone}"},
	{regexp.MustCompile(`email receiving endpoint`), "10 inbound-smtp.us-east-1.amazonaws.com"},
	{regexp.MustCompile(`imageuri`), "{account}.dkr.ecr.us-east-1.amazonaws.com/placeholder:latest"},
	{regexp.MustCompile(`userpool.*arn|arn.*userpool`), "{pool}"},
	{regexp.MustCompile(`userpool.*client|client.*userpool`), "{poolClient}"},
	{regexp.MustCompile(`userpool`), "{poolId}"},
	{regexp.MustCompile(`(msk|kafka|topics).*topic|topic.*(msk|kafka)|\.topics\b`), "placeholder"},
	{regexp.MustCompile(`msk|kafka`), "arn:aws:kafka:us-east-1:{account}:cluster/placeholder/12345678-1234-1234-1234-123456789012-1"},
	{regexp.MustCompile(`broker.*arn|arn.*broker`), "arn:aws:mq:us-east-1:{account}:broker:placeholder:b-12345678-1234-1234-1234-123456789012"},
	{regexp.MustCompile(`secret.*arn|arn.*secret`), "{secret}"},
	{regexp.MustCompile(`topic.*arn|arn.*topic`), "{topic}"},
	{regexp.MustCompile(`^topic_?name`), "{topicName}"},
	{regexp.MustCompile(`sns::\w+\.(?:subscription\.)?endpoint`), someone},
	{regexp.MustCompile(`filter_?policy`), `{"kind":["one"]}`},
	{regexp.MustCompile(`subscription.*arn`), "{subscription}"},
	{regexp.MustCompile(`queue_?name`), "{queueName}"},
	{regexp.MustCompile(`queue.*arn|arn.*queue`), "{queue}"},
	{regexp.MustCompile(`queue.*url|url.*queue`), "{queueURL}"},
	{regexp.MustCompile(`queue.*url|url.*queue`), "https://sqs.us-east-1.amazonaws.com/{account}/{queueName}"},
	{regexp.MustCompile(`table.*stream|dynamodb.*streamarn`), "{tableStream}"},
	{regexp.MustCompile(`stream.*arn|arn.*stream|eventsourcearn`), "{stream}"},
	{regexp.MustCompile(`table.*arn|arn.*table`), "{table}"},
	{regexp.MustCompile(`layer.*arn|arn.*layer|\.layers\b`), "{layer}"},
	{regexp.MustCompile(`statemachine.*arn|arn.*statemachine`), "{machine}"},
	{regexp.MustCompile(`kms|key.*arn|arn.*key`), "{key}"},
	{regexp.MustCompile(`(lambda|function).*arn`), "{function}"},
	{regexp.MustCompile(`(bus.*arn|arn.*bus)`), "arn:aws:events:us-east-1:{account}:event-bus/default"},
	{regexp.MustCompile(`bucket.*arn|arn.*bucket`), "arn:aws:s3:::{bucket}"},
	{regexp.MustCompile(`role.*arn|arn.*role`), "{role}"},
	{regexp.MustCompile(`bucket`), "{bucket}"},
	{regexp.MustCompile(`\.roles?\b|rolename`), "{roleName}"},
	{regexp.MustCompile(`restapi|httpapi|apigateway.*id|\bapi_?id`), "{api}"},
	{regexp.MustCompile(`mail|sender|recipient|notif|from|\bto\b`), someone},
	{regexp.MustCompile(`phone|sms`), "+14155550100"},
	{regexp.MustCompile(`origin|url|endpoint|webhook|destination`), "https://example.com/"},
	{regexp.MustCompile(`origin`), "https://example.com"},
	{regexp.MustCompile(`domain|hostname|host\b`), "{domain}"},
	{regexp.MustCompile(`schedule`), "rate(1 day)"},
	{regexp.MustCompile(`account`), "{account}"},
	{regexp.MustCompile(`region`), "us-east-1"},
	{regexp.MustCompile(`cidr`), "10.0.0.0/16"},
	{regexp.MustCompile(`arn`), "{role}"},
	{regexp.MustCompile(`date|time`), "2030-01-01T00:00:00"},
	{regexp.MustCompile(`loggroup`), "/placeholder/log"},
	{regexp.MustCompile(`key\b`), "placeholder-placeholder-1"},
	{regexp.MustCompile(`user|name`), "placeholder"},
}

// A thing is a resource that a user has already, and what of it an application
// is told.
type thing struct{ resource, told string }

const (
	itsARN     = `{"Fn::GetAtt":["It","Arn"]}`
	itself     = `{"Ref":"It"}`
	assumedBy  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","states.amazonaws.com","apigateway.amazonaws.com","events.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`
	givenRole  = `{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":` + assumedBy + `,"Policies":[{"PolicyName":"all","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}}`
	givenPool  = `{"Type":"AWS::Cognito::UserPool","Properties":{"UserPoolName":"given"}}`
	givenQueue = `{"Type":"AWS::SQS::Queue"}`
	givenZone  = `{"Type":"AWS::Route53::HostedZone","Properties":{"Name":"example.com"}}`
	givenTable = `{"Type":"AWS::DynamoDB::Table","Properties":{"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"StreamSpecification":{"StreamViewType":"NEW_AND_OLD_IMAGES"}}}`
)

var things = map[string]thing{
	"{bucket}":    {`{"Type":"AWS::S3::Bucket","Properties":{"BucketName":"given-{account}"}}`, itself},
	"{topic}":     {`{"Type":"AWS::SNS::Topic"}`, itself},
	"{topicName}": {`{"Type":"AWS::SNS::Topic"}`, `{"Fn::GetAtt":["It","TopicName"]}`},
	"{queue}":     {givenQueue, itsARN},
	"{queueURL}":  {givenQueue, itself}, "{queueName}": {givenQueue, `{"Fn::GetAtt":["It","QueueName"]}`},
	"{subscription}": {`{"Type":"AWS::SNS::Subscription","Properties":{"TopicArn":"{topic}","Protocol":"sqs","Endpoint":"{queue}"}}`, itself},
	"{stream}":       {`{"Type":"AWS::Kinesis::Stream","Properties":{"ShardCount":1}}`, itsARN},
	"{table}":        {givenTable, itsARN}, "{tableStream}": {givenTable, `{"Fn::GetAtt":["It","StreamArn"]}`},
	"{role}": {givenRole, itsARN}, "{roleName}": {givenRole, itself},
	"{pool}": {givenPool, itsARN}, "{poolId}": {givenPool, itself},
	"{poolClient}":  {`{"Type":"AWS::Cognito::UserPoolClient","Properties":{"UserPoolId":"{poolId}"}}`, itself},
	"{key}":         {`{"Type":"AWS::KMS::Key","Properties":{"KeyPolicy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::{account}:root"},"Action":"kms:*","Resource":"*"}]}}}`, itsARN},
	"{secret}":      {`{"Type":"AWS::SecretsManager::Secret","Properties":{"SecretString":"{\"username\":\"user\",\"password\":\"word\"}"}}`, itself},
	"{layer}":       {`{"Type":"AWS::Lambda::LayerVersion","Properties":{"Content":{"S3Bucket":"{bucket}","S3Key":"layer.zip"}}}`, itself},
	"{function}":    {`{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"given","Runtime":"nodejs20.x","Handler":"index.handler","Role":"{role}","Code":{"ZipFile":"exports.handler = async event => event"}}}`, itsARN},
	"{machine}":     {`{"Type":"AWS::StepFunctions::StateMachine","Properties":{"StateMachineName":"given","RoleArn":"{role}","DefinitionString":"{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}"}}`, itself},
	"{zone}":        {givenZone, itself},
	"{zoneName}":    {givenZone, `"example.com"`},
	"{certificate}": {`{"Type":"AWS::CertificateManager::Certificate","Properties":{"DomainName":"app.example.com","SubjectAlternativeNames":["*.example.com","*.app.example.com"],"ValidationMethod":"DNS","DomainValidationOptions":[{"DomainName":"app.example.com","HostedZoneId":"{zone}"},{"DomainName":"*.example.com","HostedZoneId":"{zone}"},{"DomainName":"*.app.example.com","HostedZoneId":"{zone}"}]}}`, itself},
	"{vpc}":         {`{"Type":"AWS::EC2::VPC","Properties":{"CidrBlock":"10.0.0.0/16"}}`, itself},
	"{subnet}":      {`{"Type":"AWS::EC2::Subnet","Properties":{"VpcId":"{vpc}","CidrBlock":"10.0.254.0/24","AvailabilityZone":"us-east-1a"}}`, itself},
	"{subnetB}":     {`{"Type":"AWS::EC2::Subnet","Properties":{"VpcId":"{vpc}","CidrBlock":"10.0.255.0/24","AvailabilityZone":"us-east-1b"}}`, itself},
	"{group}":       {`{"Type":"AWS::EC2::SecurityGroup","Properties":{"GroupDescription":"given","VpcId":"{vpc}"}}`, itself},
	"{api}":         {`{"Type":"AWS::ApiGatewayV2::Api","Properties":{"Name":"given","ProtocolType":"HTTP","Target":"{function}","CredentialsArn":"{role}"}}`, itself},
}

var braced = regexp.MustCompile(`\{[a-zA-Z]+\}`)

// make returns a value of a kind, and makes what must be there already.
func (g *given) make(kind string, u *uses) string {
	if kind == "{bucket}" {
		for use := range u.whole {
			if strings.HasPrefix(use, "AWS::S3::Bucket.BucketName") { // the template makes it
				return fmt.Sprintf("placeholder-%s-%d", g.runner.owner(), len(g.parameters))
			}
		}
	}
	if kind == "{queueName}" {
		for use := range u.whole {
			if strings.HasPrefix(use, "AWS::SQS::Queue.QueueName") { // the template makes it
				return "placeholder"
			}
		}
	}
	return braced.ReplaceAllStringFunc(kind, g.thing)
}

// thing makes what is named, in braces, if the account does not have it, and
// returns what an application is told of it.
func (g *given) thing(name string) string {
	t, ok := things[name]
	switch {
	case name == "{domain}":
		return g.made[name]
	case name == "{account}":
		return g.runner.owner()
	case !ok:
		return name
	case g.made[name] != "":
		return g.made[name]
	}
	g.made[name] = "placeholder" // where it cannot be made
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := g.runner.client()
	if name == "{layer}" {
		if response, err := c.Put(ctx, "/"+g.thing("{bucket}")+"/layer.zip", "application/zip", anArchive()); err == nil {
			response.Body.Close()
		}
	}
	stack := "given-" + strings.Trim(name, "{}")
	text := `{"Resources":{"It":` + braced.ReplaceAllStringFunc(t.resource, g.thing) + `},"Outputs":{"It":{"Value":` + t.told + `}}}`
	_, err := client.Do(ctx, c, cfn.CreateStack, &cfn.CreateStackInput{StackName: stack, TemplateBody: &text, Capabilities: []string{"CAPABILITY_IAM"}})
	if refusal, ok := errors.AsType[*aws.Error](err); ok && refusal.Code == "AlreadyExistsException" {
		err = nil // it was made for another application of the repository
	}
	if err == nil {
		err = g.runner.settled(ctx, c, stack)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "given:", name, err)
		return g.made[name]
	}
	out, err := client.Do(ctx, c, cfn.DescribeStacks, &cfn.DescribeStacksInput{StackName: &stack})
	if err == nil && len(out.Stacks) == 1 && len(out.Stacks[0].Outputs) == 1 {
		g.made[name] = aws.Value(out.Stacks[0].Outputs[0].OutputValue)
	}
	return g.made[name]
}

// anArchive is one with a file in it.
func anArchive() []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	if f, err := w.Create("placeholder.txt"); err == nil {
		_, err = f.Write([]byte("placeholder\n"))
		if err != nil || w.Close() != nil {
			return nil
		}
	}
	return out.Bytes()
}
