// Package smithy is what generated code is made of. Package api/sqs and its
// siblings are generated from the models AWS publishes; this package holds the
// types they share with the protocols.
//
// A shape is a plain struct whose tags say how it travels, so one engine in
// package protocol serves them all:
//
//	type PutObjectInput struct {
//		Bucket string            `aws:"Bucket,required,uri"`
//		Key    string            `aws:"Key,required,uri,min=1"`
//		Body   io.Reader         `aws:"Body,payload"`
//		Meta   map[string]string `aws:"x-amz-meta-,headers"`
//		ACL    *string           `aws:"x-amz-acl,header" enum:"private|public-read"`
//	}
//
// Strings, booleans, numbers and times that the model requires are values and
// those it does not are pointers; structures are pointers; lists, maps and
// blobs are absent when nil. Enumerations are strings. List elements and map
// values are values, or pointers in sparse collections.
//
// The aws tag begins with the name on the wire, then any of:
//
//	required           the request is refused without it
//	header uri querystring headers statusCode   place, if not the body
//	payload            the body is this member alone
//	flat attr          XML: a list without wrapper; an attribute
//	ns=URI nsp=PREFIX  XML namespace of the element
//	item=N key=N value=N   XML and query names of elements, "member", "key", "value" if not given
//	qname=N            name in queries, if it differs
//	xname=N            name in the answers to queries, if it differs
//	ts=iso8601|rfc822|unixTimestamp   timestamp form, if not the place's own
//	min=N max=N        length of strings, blobs, lists, maps; value of numbers
//	sparse             elements may be null
//	jsonvalue          a string that is base64 JSON in a header
//	sensitive          never shown in messages
//	eventpayload eventheader event    members of event streams
//
// Tag enum:"A|B" lists what a string may be, pattern:"RE" what it must match.
//
// Tag item:"…" describes the elements of a list or the values of a map, tag
// mapkey:"…" the keys of a map. Each holds options as above (min, max, ts,
// sparse, sensitive; item, key and value for a list or map within), then
// after ";;" an enum and after another ";;" a pattern, all of which may be
// empty: item:"min=1,max=64;;A|B;;[a-z]+". What is deeper is named by its path:
// item.item:"…" are the elements of the elements, item.mapkey:"…" their keys.
//
// What only goes out has no constraints.
//
// An event stream is an iter.Seq2[T, error] where T embeds Union and has one
// member per event, marked event; an error it yields ends it as an exception.
//
// A type that implements jx.Codec is left to itself.
package smithy

import "io"

// Protocols, by the names the models use.
const (
	JSON     Protocol = "json" // awsJson 1.0 and 1.1
	RESTJSON Protocol = "rest-json"
	RESTXML  Protocol = "rest-xml"
	Query    Protocol = "query"
	EC2      Protocol = "ec2" // EC2's own queries
	CBOR     Protocol = "smithy-rpc-v2-cbor"
)

// A Protocol is one of the six ways AWS's services speak.
type Protocol string

// An Operation ties an operation's name to the Go types of its input and
// output, so that a handler of the wrong type does not compile.
type Operation[In, Out any] struct {
	Service string // "sqs": the folder's name, and that in ARNs
	Name    string // "SendMessage"
}

// A Service describes one API: what generated code knows of it besides shapes.
type Service struct {
	Name            string     // "sqs": of the folder and of the rows of the table
	ARNName         string     // in ARNs and policies: "dynamodb" of dynamodbstreams, "apigateway" of apigatewayv2
	SigningName     string     // in the scope of signatures; streams of DynamoDB sign as "dynamodb"
	EndpointPrefix  string     // first label of endpoint hosts: "monitoring"
	SDKID           string     // "CloudWatch Logs"
	Version         string     // "2012-11-05"
	TargetPrefix    string     // of X-Amz-Target, before the dot
	JSONVersion     string     // "1.0" or "1.1"
	XMLNamespace    string     // of XML answers
	Protocols       []Protocol // what clients speak, the model's first choice first
	QueryCompatible bool       // answers carry x-amzn-query-error
	Operations      []OperationInfo
}

// An OperationInfo describes an operation to the protocols.
type OperationInfo struct {
	Name     string
	Method   string // HTTP method, "POST" where the protocol has none
	URI      string // "/2015-03-31/functions/{FunctionName}/invocations?x=y"
	Status   int    // of a successful answer; 0 is 200
	Result   string // name of the element around an XML or query result: "CreateQueueResult", "ListBucketResult"
	Root     string // name of the root element of a REST XML request body, if the input says one
	NewInput func() any
	// NewOutput returns a new output, for clients.
	NewOutput func() any
	// Checksum says that the request body must carry a checksum (S3).
	Checksum bool
	// Unwrapped says that an XML answer is its one member without an element
	// around it: that of GetBucketLocation.
	Unwrapped bool
	// NoAuth says that the operation is for callers who have no key yet.
	NoAuth bool
	// HostPrefix is what the model puts before the endpoint's host: "{AccountId}.".
	HostPrefix string
}

// A Body is what a streaming member of an input holds. Headers may follow its
// content, checksums for one: Trailer has their names from the start, and what
// they say once the content has been read to its end, as http.Request.Trailer.
type Body interface {
	io.Reader
	Trailer() map[string][]string
}

// A Document is any JSON value, kept as it was written.
type Document []byte

// Union is embedded in a structure of which exactly one member is present.
type Union struct{}
