package resource

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/aloft-cloud/aloft/internal/aws"
)

// A reading is how properties of a resource are read as they are.
type reading struct {
	service, operation string
	input              func(id string) map[string]any
	at                 string            // member of the answer that has them; of a list, the element that has the id
	identity           string            // member by which an element of a list is known
	properties         map[string]string // member by property; nested ones with dots
}

func named(member string) func(string) map[string]any {
	return func(id string) map[string]any { return map[string]any{member: id} }
}

// same are properties that their service calls as CloudFormation does.
func same(text string) map[string]string {
	out := make(map[string]string)
	for name := range strings.FieldsSeq(text) {
		out[name] = name
	}
	return out
}

func with(properties map[string]string, property, member string) map[string]string {
	properties[property] = member
	return properties
}

// readings are the types whose resources can be read.
var readings = map[string]reading{
	"AWS::DynamoDB::Table": {"dynamodb", "DescribeTable", named("TableName"), "Table", "",
		with(same("TableName KeySchema AttributeDefinitions DeletionProtectionEnabled"), "BillingMode", "BillingModeSummary.BillingMode")},
	"AWS::IAM::Role":        {"iam", "GetRole", named("RoleName"), "Role", "", same("RoleName Path Description MaxSessionDuration")},
	"AWS::Lambda::Function": {"lambda", "GetFunctionConfiguration", named("FunctionName"), "", "", same("FunctionName Handler Runtime Timeout MemorySize Description Role Environment")},
	"AWS::Logs::LogGroup": {"logs", "DescribeLogGroups", named("logGroupNamePrefix"), "logGroups", "logGroupName",
		map[string]string{"LogGroupName": "logGroupName", "RetentionInDays": "retentionInDays"}},
	"AWS::S3::Bucket":          {"s3", "GetBucketVersioning", named("Bucket"), "", "", map[string]string{"VersioningConfiguration.Status": "Status"}},
	"AWS::SNS::Topic":          {"sns", "GetTopicAttributes", named("TopicArn"), "Attributes", "", same("DisplayName KmsMasterKeyId")},
	"AWS::SQS::Queue":          {"sqs", "GetQueueAttributes", queueAttributes, "Attributes", "", same("VisibilityTimeout DelaySeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds")},
	"AWS::ApiGateway::RestApi": {"apigateway", "GetRestApi", named("restApiId"), "", "", map[string]string{"Name": "name", "Description": "description"}},
	"AWS::ApiGatewayV2::Api":   {"apigatewayv2", "GetApi", named("ApiId"), "", "", same("Name Description ProtocolType RouteSelectionExpression")},
	"AWS::Events::EventBus":    {"events", "DescribeEventBus", named("Name"), "", "", same("Name Description")},
	"AWS::IAM::User":           {"iam", "GetUser", named("UserName"), "User", "", same("UserName Path")},
	"AWS::Kinesis::Stream": {"kinesis", "DescribeStreamSummary", named("StreamName"), "StreamDescriptionSummary", "",
		map[string]string{"Name": "StreamName", "RetentionPeriodHours": "RetentionPeriodHours", "StreamModeDetails.StreamMode": "StreamModeDetails.StreamMode"}},
	"AWS::Pipes::Pipe":    {"pipes", "DescribePipe", named("Name"), "", "", same("Name Description DesiredState Source Target Enrichment RoleArn")},
	"AWS::SSM::Parameter": {"ssm", "GetParameter", named("Name"), "Parameter", "", same("Name Type Value DataType")},
}

func queueAttributes(id string) map[string]any {
	return map[string]any{"QueueUrl": id, "AttributeNames": []string{"All"}}
}

// Reads says whether resources of a type can be read, and so drift be seen.
func Reads(typ string) bool { _, ok := readings[typ]; return ok }

// Read returns the properties of a resource as they are, as far as they can be
// read. A resource that is gone is a refusal.
func Read(op *Op) (map[string]any, error) {
	r, ok := readings[op.Type]
	if !ok {
		return nil, invalidRequest("Resource type " + op.Type + " does not support READ action")
	}
	call := *op.Call
	call.RequestID = aws.NewRequestID()
	body, err := op.Table.CallJSON(op.Ctx, &call, r.service, r.operation, []byte(JSON(r.input(op.PhysicalID))))
	if err != nil {
		return nil, err
	}
	var answer map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		return nil, err
	}
	found := answer
	if r.at != "" {
		found = nil
		at := member(answer, r.at)
		for _, element := range append(list(at), at) {
			if m := object(element); m != nil && (r.identity == "" || text(member(m, r.identity)) == op.PhysicalID) {
				found = m
				break
			}
		}
	}
	if found == nil {
		return nil, aws.Fault{Code: "ResourceNotFoundException", Status: 404}.Errorf("Resource of type '%s' with identifier '%s' was not found.", op.Type, op.PhysicalID)
	}
	out := make(map[string]any)
	for property, member := range r.properties {
		if v := deep(found, member); v != nil {
			setDeep(out, property, v)
		}
	}
	return out, nil
}

// deep returns a member of members.
func deep(m map[string]any, path string) any {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		return member(m, name)
	}
	return deep(object(member(m, name)), rest)
}

// member returns a member of an answer: its first letter may be of either case.
func member(m map[string]any, name string) any {
	if v, has := m[name]; has {
		return v
	}
	return m[strings.ToUpper(name[:1])+name[1:]]
}

func setDeep(m map[string]any, path string, v any) {
	name, rest, nested := strings.Cut(path, ".")
	if !nested {
		m[name] = v
		return
	}
	inner := object(m[name])
	if inner == nil {
		inner = make(map[string]any)
		m[name] = inner
	}
	setDeep(inner, rest, v)
}

// A Difference is a property that is not as it was made.
type Difference struct {
	Path             string
	Expected, Actual any
	Kind             string // "ADD", "REMOVE", "NOT_EQUAL"
}

// Differences compares what a resource was made with to what it is. What cannot
// be read is left out.
func Differences(typ string, expected, actual map[string]any) []Difference {
	var out []Difference
	for property := range readings[typ].properties {
		want, got := deep(expected, property), deep(actual, property)
		if want == nil || Equal(want, got) {
			continue
		}
		if s, isMap := want.(string); isMap && strings.Contains(s, "{{resolve:") {
			continue
		}
		kind := "NOT_EQUAL"
		if got == nil {
			kind = "REMOVE"
		}
		out = append(out, Difference{"/" + strings.ReplaceAll(property, ".", "/"), want, got, kind})
	}
	return out
}
