package policy

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
)

const (
	acct  = "123456789012"
	other = "999999999999"
)

func user(name string) aws.Principal {
	return aws.Principal{Kind: aws.User, ARN: "arn:aws:iam::" + acct + ":user/" + name, ID: "AIDAEXAMPLE", Account: acct}
}

func session(role, name string) aws.Principal {
	return aws.Principal{
		Kind: aws.Session, ARN: "arn:aws:sts::" + acct + ":assumed-role/" + role + "/" + name,
		ID: "AROAEXAMPLE:" + name, Account: acct, Role: "arn:aws:iam::" + acct + ":role/" + role,
		Temporary: &aws.Temporary{},
	}
}

func newRequest(action, resource string) *Request {
	arn, err := aws.ParseARN(resource)
	if err != nil {
		arn = aws.AnyResource
	}
	return &Request{
		Call:   &aws.Call{Account: acct, Region: "eu-west-1", Principal: user("dir/eve"), SourceIP: "203.0.113.7", UserAgent: "cli"},
		Action: action, Resource: arn, Owner: acct,
	}
}

func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestActionsAndResources(t *testing.T) {
	f := func(members, action, resource string, want Effect) {
		t.Helper()
		if got := parse(t, statementWith(members)).Effect(newRequest(action, resource)); got != want {
			t.Errorf("%s on %s %s: got %v, want %v", members, action, resource, got, want)
		}
	}
	const object = "arn:aws:s3:::b/dir/k"
	f(`"Action":"s3:GetObject","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"Action":"S3:getobject","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"Action":"s3:Get*","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"Action":"s3:G?tObj*t","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"Action":["sqs:*","s3:Put*"],"Resource":"*"`, "s3:GetObject", object, Silent)
	f(`"Action":"*","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"Action":"*:Get*","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"NotAction":"s3:Put*","Resource":"*"`, "s3:GetObject", object, Allow)
	f(`"NotAction":"s3:*","Resource":"*"`, "s3:GetObject", object, Silent)

	resource := func(pattern, resource string, want Effect) {
		t.Helper()
		f(`"Action":"*","Resource":"`+pattern+`"`, "s3:GetObject", resource, want)
	}
	resource("arn:aws:s3:::b/*", object, Allow)
	resource("arn:aws:s3:::b/dir/?", object, Allow)
	resource("arn:aws:s3:::b/*/k", object, Allow)
	resource("arn:aws:s3:::b", object, Silent)
	resource("arn:aws:s3:::B/*", object, Silent)
	resource("arn:aws:s3", object, Allow) // the rest is anything
	resource("arn:aws:*:*:*:b/*", object, Allow)
	resource("arn:*:s3:::b/*", object, Allow)
	resource("arn:aws:s3:*", object, Allow)
	resource("arn:aws:*:b/*", object, Silent) // a wildcard does not reach over colons
	resource("arn:aws:lambda:eu-west-1:*:function:f:*", "arn:aws:lambda:eu-west-1:123456789012:function:f:3", Allow)
	resource("arn:aws:lambda:eu-west-1:*:function:f", "arn:aws:lambda:eu-west-1:123456789012:function:f:3", Silent)
	resource("arn:aws:lambda:us-*:*:function:*", "arn:aws:lambda:eu-west-1:123456789012:function:f:3", Silent)
	resource("*", "", Allow)
	resource("arn:aws:*", "", Silent) // what is about no one resource
	f(`"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:GetObject", object, Silent)
	f(`"Action":"*","NotResource":"arn:aws:s3:::c/*"`, "s3:GetObject", object, Allow)
	f(`"Action":"*","NotResource":"arn:aws:s3:::b/*"`, "s3:ListAllMyBuckets", "", Allow)
}

func TestVariables(t *testing.T) {
	f := func(pattern, resource string, want Effect, change ...func(*Request)) {
		t.Helper()
		r := newRequest("s3:GetObject", resource)
		r.Tags = map[string]string{"Team": "red", "star": "*"}
		for _, c := range change {
			c(r)
		}
		if got := parse(t, statementWith(`"Action":"*","Resource":"`+pattern+`"`)).Effect(r); got != want {
			t.Errorf("%s on %s: got %v, want %v", pattern, resource, got, want)
		}
	}
	const home = "arn:aws:s3:::b/eve/k"
	f("arn:aws:s3:::b/${aws:username}/*", home, Allow)
	f("arn:aws:s3:::b/${AWS:UserName}/*", home, Allow)
	f("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/k", Silent)
	f("arn:aws:s3:::b/${aws:username}/*", home, Silent, func(r *Request) { r.Call.Principal = session("r", "eve") })
	f("arn:aws:s3:::b/${aws:username, 'eve'}/*", home, Allow, func(r *Request) { r.Call.Principal = session("r", "s") })
	f("arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b/red/k", Allow)
	f("arn:aws:s3:::b/${aws:PrincipalTag/none,'all'}/*", "arn:aws:s3:::b/all/k", Allow)
	f("arn:aws:s3:::b/${aws:PrincipalTag/none}/*", "arn:aws:s3:::b//k", Silent)
	f("arn:aws:s3:::b/${aws:PrincipalTag/star}", "arn:aws:s3:::b/anything", Silent) // a value is no wildcard
	f("arn:aws:s3:::b/${aws:PrincipalTag/star}", "arn:aws:s3:::b/*", Allow)
	f("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/*", Allow)
	f("arn:aws:s3:::b/${*}", "arn:aws:s3:::b/x", Silent)
	f("arn:aws:s3:::b/${?}${$}", "arn:aws:s3:::b/?$", Allow)
	f("arn:aws:sqs:*:${aws:PrincipalAccount}:*", "arn:aws:sqs:eu-west-1:123456789012:q", Allow)
	f("arn:aws:s3:::b/${aws:username", "arn:aws:s3:::b/${aws:username", Allow) // not closed

	old := strings.Replace(statementWith(`"Action":"*","Resource":"arn:aws:s3:::b/${aws:username}"`), "2012", "2008", 1)
	if got := parse(t, old).Effect(newRequest("s3:GetObject", "arn:aws:s3:::b/eve")); got != Silent {
		t.Errorf("variables are of 2012, got %v", got)
	}
}

func TestConditions(t *testing.T) {
	keys := map[string][]string{
		"s3:prefix": {"home/eve"}, "s3:max-keys": {"10"}, "x:Many": {"a", "b"}, "x:None": {}, "x:Blob": {"aGk="},
		"x:Arn": {"arn:aws:sns:eu-west-1:123456789012:topic:sub"}, "aws:RequestTag/Team": {"Red"}, "x:Text": {"a*c"},
	}
	f := func(condition string, want bool) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) { // it is midnight of 2000-01-01
			r := newRequest("s3:ListBucket", "arn:aws:s3:::b")
			r.Keys = keys
			d := parse(t, statementWith(`"Action":"*","Resource":"*","Condition":`+condition))
			if got := d.Effect(r) == Allow; got != want {
				t.Errorf("%s: got %v", condition, got)
			}
		})
	}
	f(`{}`, true)
	f(`{"StringEquals":{"S3:Prefix":"home/eve"}}`, true)
	f(`{"StringEquals":{"s3:prefix":["x","home/eve"]}}`, true)
	f(`{"StringEquals":{"s3:prefix":"HOME/eve"}}`, false)
	f(`{"StringEquals":{"s3:prefix":"home/*"}}`, false)
	f(`{"StringEquals":{"s3:prefix":"home/${aws:username}"}}`, true)
	f(`{"StringEquals":{"x:Text":"a*c"}}`, true)
	f(`{"StringEquals":{"s3:prefix":[]}}`, false)
	f(`{"StringNotEquals":{"s3:prefix":["x","y"]}}`, true)
	f(`{"StringNotEquals":{"s3:prefix":["x","home/eve"]}}`, false)
	f(`{"StringNotEquals":{"x:absent":"x"}}`, true)
	f(`{"StringEqualsIgnoreCase":{"s3:prefix":"HOME/${aws:username}"}}`, true)
	f(`{"StringNotEqualsIgnoreCase":{"s3:prefix":"HOME/EVE"}}`, false)
	f(`{"StringLike":{"s3:prefix":["a*","home/${aws:username}*"]}}`, true)
	f(`{"StringLike":{"s3:prefix":"home/???"}}`, true)
	f(`{"StringNotLike":{"s3:prefix":"home/*"}}`, false)
	f(`{"StringLike":{"x:absent":"*"}}`, false)
	f(`{"StringLikeIfExists":{"x:absent":"z"}}`, true)
	f(`{"StringLikeIfExists":{"s3:prefix":"z"}}`, false)
	f(`{"StringEquals":{"aws:RequestTag/team":"Red"}}`, true)

	f(`{"NumericEquals":{"s3:max-keys":10}}`, true)
	f(`{"NumericEquals":{"s3:max-keys":"10.0"}}`, true)
	f(`{"NumericNotEquals":{"s3:max-keys":"10"}}`, false)
	f(`{"NumericLessThan":{"s3:max-keys":"10"}}`, false)
	f(`{"NumericLessThanEquals":{"s3:max-keys":"10"}}`, true)
	f(`{"NumericGreaterThan":{"s3:max-keys":"9.5"}}`, true)
	f(`{"NumericGreaterThanEquals":{"s3:max-keys":"11"}}`, false)
	f(`{"NumericEquals":{"s3:prefix":"1"}}`, false)
	f(`{"NumericEquals":{"s3:max-keys":"ten"}}`, false)

	f(`{"DateEquals":{"aws:CurrentTime":"2000-01-01T00:00:00Z"}}`, true)
	f(`{"DateGreaterThan":{"aws:CurrentTime":"1999-12-31"}}`, true)
	f(`{"DateLessThan":{"aws:CurrentTime":"2000-01-01T01:00:00+01:00"}}`, false)
	f(`{"DateLessThanEquals":{"aws:CurrentTime":"946684800"}}`, true)
	f(`{"NumericEquals":{"aws:EpochTime":"946684800"}}`, true)
	f(`{"DateGreaterThanEquals":{"aws:TokenIssueTime":"1999-12-31"}}`, false)

	f(`{"Bool":{"aws:SecureTransport":"false"}}`, true)
	f(`{"Bool":{"aws:SecureTransport":true}}`, false)
	f(`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, true)
	f(`{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`, false)
	f(`{"BinaryEquals":{"x:Blob":"aGk="}}`, true)
	f(`{"BinaryEquals":{"x:Blob":"aGo="}}`, false)
	f(`{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, true)
	f(`{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]}}`, true)
	f(`{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, false)
	f(`{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, false)
	f(`{"IpAddress":{"aws:SourceIp":"nowhere"}}`, false)
	f(`{"ArnLike":{"x:Arn":"arn:aws:sns:*:123456789012:topic:*"}}`, true)
	f(`{"ArnEquals":{"x:Arn":"arn:aws:sns:*:*:*"}}`, true)
	f(`{"ArnEquals":{"x:Arn":"arn:aws:*:topic:sub"}}`, false)
	f(`{"ArnNotLike":{"x:Arn":"arn:aws:sns:*:*:topic"}}`, true)
	f(`{"ArnEquals":{"s3:prefix":"*"}}`, true)
	f(`{"Null":{"x:absent":"true"}}`, true)
	f(`{"Null":{"s3:prefix":"true"}}`, false)
	f(`{"Null":{"s3:prefix":false,"x:None":true}}`, true)

	f(`{"ForAllValues:StringEquals":{"x:Many":["a","b","c"]}}`, true)
	f(`{"ForAllValues:StringEquals":{"x:Many":["a"]}}`, false)
	f(`{"ForAllValues:StringEquals":{"x:None":["a"]}}`, true)
	f(`{"ForAllValues:StringEquals":{"x:absent":["a"]}}`, true)
	f(`{"ForAnyValue:StringEquals":{"x:Many":["b"]}}`, true)
	f(`{"ForAnyValue:StringEquals":{"x:Many":["c"]}}`, false)
	f(`{"ForAnyValue:StringEquals":{"x:absent":["c"]}}`, false)
	f(`{"ForAnyValue:StringNotEquals":{"x:Many":["a"]}}`, true)
	f(`{"ForAnyValue:StringNotEquals":{"x:absent":["a"]}}`, false)
	f(`{"ForAllValues:StringNotEquals":{"x:Many":["a"]}}`, false)
	f(`{"ForAnyValue:StringLikeIfExists":{"x:absent":["a"]}}`, true)

	f(`{"StringEquals":{"aws:username":"eve","aws:userid":"AIDAEXAMPLE","aws:PrincipalType":"User","aws:RequestedRegion":"eu-west-1","aws:UserAgent":"cli"}}`, true)
	f(`{"StringEquals":{"aws:PrincipalAccount":"123456789012","aws:ResourceAccount":"123456789012"}}`, true)
	f(`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/dir/eve"}}`, true)
	f(`{"Bool":{"aws:PrincipalIsAWSService":"false","aws:ViaAWSService":"false"}}`, true)
	f(`{"StringEquals":{"s3:prefix":"home/eve","x:absent":"a"}}`, false)
	f(`{"StringEquals":{"s3:prefix":"home/eve"},"Bool":{"aws:SecureTransport":"true"}}`, false)
}

// A service cannot say who calls.
func TestKeysOfCallAreItsOwn(t *testing.T) {
	r := newRequest("s3:GetObject", "arn:aws:s3:::b/k")
	r.Keys = map[string][]string{"aws:username": {"root"}, "aws:PrincipalTag/admin": {"yes"}}
	for _, c := range []string{`{"StringEquals":{"aws:username":"root"}}`, `{"StringEquals":{"aws:PrincipalTag/admin":"yes"}}`} {
		if got := parse(t, statementWith(`"Action":"*","Resource":"*","Condition":`+c)).Effect(r); got != Silent {
			t.Errorf("%s: got %v", c, got)
		}
	}
}

func TestSessionKeys(t *testing.T) {
	r := newRequest("s3:GetObject", "arn:aws:s3:::b/k")
	r.Call.Principal = session("worker", "job1")
	r.Call.Principal.Temporary = &aws.Temporary{Issued: time.Unix(0, 0), Tags: map[string]string{"Team": "blue"}, SourceIdentity: "eve"}
	r.Tags = map[string]string{"team": "red", "kind": "batch"}
	const c = `{"StringEquals":{"aws:PrincipalType":"AssumedRole","aws:userid":"AROAEXAMPLE:job1","aws:PrincipalTag/team":"blue","aws:PrincipalTag/kind":"batch","aws:SourceIdentity":"eve"},
		"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/worker"},"Null":{"aws:username":"true"},
		"DateEquals":{"aws:TokenIssueTime":"1970-01-01T00:00:00Z"},"Bool":{"aws:MultiFactorAuthPresent":"false"}}`
	if got := parse(t, statementWith(`"Action":"*","Resource":"*","Condition":`+c)).Effect(r); got != Allow {
		t.Errorf("got %v", got)
	}
}

func TestSpan(t *testing.T) {
	text := "{\n  \"Statement\": [{\"Effect\":\"Allow\",\"Action\":\"a:b\"},\n\t{ \"Effect\":\"Deny\"}]}"
	d := parse(t, text)
	begins, ends := Span(text, d, 1)
	if begins != (Position{3, 2}) || ends != (Position{3, 20}) {
		t.Errorf("got %v to %v", begins, ends)
	}
}

func TestGlob(t *testing.T) {
	f := func(p, s string, want bool) {
		t.Helper()
		c := compile(p, true, false)
		if got := c.match(s, nil); got != want {
			t.Errorf("%q matches %q: got %v", p, s, got)
		}
	}
	f("", "", true)
	f("", "a", false)
	f("*", "", true)
	f("**", "abc", true)
	f("a*b*c", "aXbXbXc", true)
	f("a*b*c", "aXbX", false)
	f("*?", "", false)
	f("??", "é", false)
	f("*??", "éé", true)
	f("*???", "éé", false)
	f("*aab", "aaab", true)
	f("a?c*", "abcdef", true)
	f(strings.Repeat("*a", 20)+"b", strings.Repeat("a", 2000), false)
}

var sink Decision

func BenchmarkDecide(b *testing.B) {
	lambda := parse(b, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
		{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:DeleteItem","dynamodb:PutItem","dynamodb:Scan","dynamodb:Query","dynamodb:UpdateItem"],
		 "Resource":["arn:aws:dynamodb:eu-west-1:123456789012:table/todo","arn:aws:dynamodb:eu-west-1:123456789012:table/todo/index/*"]}]}`)
	tagged := parse(b, statementWith(`"Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`))
	r := newRequest("dynamodb:PutItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/todo")
	r.Call.Principal = session("worker", "s")
	r.Tags = map[string]string{"team": "todo"}
	for name, doc := range map[string]*Document{"plain": lambda, "variables": tagged} {
		b.Run(name, func(b *testing.B) {
			set := &Set{Identity: []*Document{doc}}
			b.ReportAllocs()
			for b.Loop() {
				sink = Decide(r, set)
			}
			if !sink.Allowed {
				b.Fatal(sink)
			}
		})
	}
}
