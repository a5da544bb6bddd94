package protocol

import (
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/smithy"
)

// quirks are the ways in which services differ that their models do not tell.
type quirks struct {
	namespace   string            // before the codes of its own faults in awsJson and CBOR
	shared      bool              // faults of the framework have a namespace too, and SerializationException says Message
	terse       bool              // what names no operation is refused without a word; all that does must be signed
	crc32       bool              // answers in awsJson carry the sum of their bytes
	payloadType string            // content type of blobs that are the body
	userType    bool              // errors say whether the user or the service is at fault
	inputPrefix bool              // paths in what Validate says begin with the name of the input
	plainErrors bool              // errors in XML have no ErrorResponse around them
	millis      bool              // times in XML always have milliseconds
	lower       bool              // members begin with a small letter
	bucketHosts bool              // the first segment of the path may be in the host instead
	unchecked   bool              // the service words all violations itself
	urlMember   string            // the input's member that the URL stands for, in queries that leave it out
	absent      map[string]string // words for members that a handler checks itself, and that did not come, by their Go names
	violation   string            // code for them, if it is not ValidationException
	javaPackage string            // of the service's types, which its parser names in refusals; derived
}

func quirksOf(svc *smithy.Service) quirks {
	q := known[svc.Name]
	q.javaPackage = javaPackage(q.namespace)
	return q
}

// absentFromDynamoDB are the words of DynamoDB for members that did not come.
var absentFromDynamoDB = map[string]string{
	"TableName":   "The parameter 'TableName' is required but was not present in the request",
	"ResourceArn": "Invalid TableArn",
}

var known = map[string]quirks{
	"dynamodb":        {namespace: "com.amazonaws.dynamodb.v20120810#", shared: true, crc32: true, terse: true, absent: absentFromDynamoDB},
	"dynamodbstreams": {namespace: "com.amazonaws.dynamodb.v20120810#", shared: true, crc32: true, terse: true},
	"sqs":             {namespace: "com.amazonaws.sqs#", unchecked: true, urlMember: "QueueUrl"},
	"cloudwatch":      {namespace: "com.amazonaws.cloudwatch.v2010_08_01#", shared: true},
	"lambda":          {payloadType: "application/json", userType: true},
	"apigateway":      {inputPrefix: true, lower: true},
	"logs":            {violation: "InvalidParameterException"},
	"cognito-idp":     {violation: "InvalidParameterException"},
	"s3":              {plainErrors: true, millis: true, unchecked: true, bucketHosts: true},
	"s3control":       {plainErrors: true, millis: true},
	"amplify":         {lower: true},
	"ec2":             {millis: true, unchecked: true},
	"appsync":         {lower: true, violation: "BadRequestException"},
	"rds-data":        {lower: true},
	"iot":             {lower: true, violation: "InvalidRequestException"},
	"iot-data":        {lower: true, violation: "InvalidRequestException"},
}

// Refusals of the protocols themselves.
var (
	errNoAction  = aws.Fault{Code: "MissingAction", Status: 400}.Errorf("The request is missing an action or a required parameter.")
	errNoPath    = aws.Fault{Code: "UnknownOperationException", Status: 404}.Errorf("No operation has that path.")
	errNotFound  = aws.Fault{Code: "UnknownOperationException", Status: 404}.Errorf("")
	errMethod    = aws.Fault{Code: "MethodNotAllowed", Status: 405}.Errorf("The specified method is not allowed against this resource.")
	errMalformed = aws.Fault{Code: "MalformedQueryString", Status: 400}.Errorf("The query string contains a syntax error.")
	errTooLong   = aws.Fault{Code: "InternalFailure", Status: 500}.Errorf("The answer is too long for this protocol; ask in the service's own.")

	// errNoForm refuses what is posted to a bucket and is no form.
	errNoForm = aws.Fault{Code: "PreconditionFailed", Status: 412}.With(&struct {
		Condition string `aws:"Condition"`
	}{"Bucket POST must be of the enclosure-type multipart/form-data"}, "At least one of the pre-conditions you specified did not hold")

	malformedXML   = aws.Fault{Code: "MalformedXML", Status: 400}
	malformedInput = aws.Fault{Code: "MalformedInput", Status: 400}
	invalidInput   = aws.Fault{Code: "InvalidArgument", Status: 400}
)

// maxBuffered is how much of a stream goes in an answer that has no streams.
const maxBuffered = 64 << 20
