package policy

import (
	"fmt"
	"strings"
	"testing"
)

// statementWith is a good managed policy but for what members put in.
func statementWith(members string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + members + `}}`
}

func TestCheckManaged(t *testing.T) {
	const (
		syntax  = "Syntax errors in policy."
		version = "Policy document must be version 2012-10-17 or greater."
		legacy  = "The policy failed legacy parsing"
		actions = "Policy statement must contain actions."
		list    = `"Action":"s3:ListBucket"`
		bucket  = `"Resource":"arn:aws:s3:::b"`
		good    = list + "," + bucket
	)
	f := func(text, want string) {
		t.Helper()
		got := ""
		if err := Check(text, ForManaged); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%s)\ngot  %s\nwant %s", text, got, want)
		}
		if _, err := Parse(text); want == "" && err != nil {
			t.Errorf("Parse(%s): %v", text, err)
		}
	}
	resource := func(r, want string) { t.Helper(); f(statementWith(list+`,"Resource":`+r), want) }
	condition := func(c, want string) { t.Helper(); f(statementWith(good+`,"Condition":`+c), want) }

	f(statementWith(good), "")
	f(" \n"+statementWith(good)+"\t", "")
	f("", syntax)
	f("no JSON", syntax)
	f("[]", syntax)
	f("null", syntax)
	f(statementWith(good)+"{}", syntax)
	f(`{"Version":"2012-10-17"}`, syntax)
	f(`{"Version":"2012-10-17","Statement":[]}`, syntax)
	f(`{"Version":"2012-10-17","Statement":["x"]}`, syntax)
	f(`{"Version":"2013-10-17","Statement":{"Effect":"Allow",`+good+`}}`, syntax)
	f(`{"version":"2012-10-17","Statement":{"Effect":"Allow",`+good+`}}`, syntax)
	f(`{"Version":"2012-10-17","Id":{},"Statement":{"Effect":"Allow",`+good+`}}`, syntax)
	f(`{"Version":"2012-10-17","Id":"x","Statement":{"Effect":"Allow",`+good+`}}`, "")
	f(`{"Version":"2012-10-17","Statement":{`+good+`}}`, syntax)
	f(`{"Statement":{"Effect":"Allow",`+good+`}}`, version)
	f(`{"Version":"2008-10-17","Statement":{"Effect":"Allow",`+good+`}}`, version)
	f(statementWith(good+`,"Extra":"x"`), syntax)
	f(statementWith(good+`,"Action":"s3:*"`), syntax) // twice
	f(statementWith(good+`,"NotAction":"s3:*"`), syntax)
	f(statementWith(good+`,"NotResource":[]`), syntax)
	f(statementWith(good+`,"Sid":[]`), syntax)
	f(statementWith(good+`,"Principal":"*"`), "Policy document should not specify a principal.")
	f(strings.Replace(statementWith(good), "Allow", "denY", 1), legacy)
	f(strings.Replace(statementWith(good), "Allow", "Maybe", 1), syntax)

	f(statementWith(bucket), actions)
	f(statementWith(`"Action":[],`+bucket), actions)
	f(statementWith(`"Action":[[]],`+bucket), syntax)
	f(statementWith(`"Action":"*",`+bucket), "")
	f(statementWith(`"Action":"iam: odd but fine ",`+bucket), "")
	f(statementWith(`"Action":"invalid"`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	f(statementWith(`"NotAction":"",`+bucket), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	f(statementWith(`"Action":"a a:x",`+bucket), "Vendor a a is not valid")
	f(statementWith(`"Action":"s3:List:Bucket",`+bucket), "Actions/Condition can contain only one colon.")
	f(statementWith(list), "Policy statement must contain resources.")
	f(statementWith(list+`,"Resource":[]`), "Policy statement must contain resources.")

	resource(`"nothing"`, `Resource nothing must be in ARN format or "*".`)
	resource(`""`, `Resource  must be in ARN format or "*".`)
	resource(`{"a":"b"}`, syntax)
	resource(`["*","arn:aws:s3:::b/*"]`, "")
	resource(`"arn:aws:made-up"`, "")
	resource(`"arn:*:iam::123456789012:role/*"`, "")
	resource(`"arn:aws:ec2:us-east-1::x"`, "")
	resource(`"a:b:c:d:e:f:g:h"`, `Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h".`)
	resource(`"aws:s3:::b"`, `Partition "s3" is not valid for resource "arn:s3:::b:*".`)
	resource(`"arn:aws"`, "Resource vendor must be fully qualified and cannot contain regexes.")
	resource(`"arn:aws:s3::b"`, legacy)
	resource(`"arn:aws::::b"`, legacy)
	resource(`"arn:aws:s3:us-east-1::b"`, "Resource arn:aws:s3:us-east-1::b can not contain region information.")
	resource(`"arn:aws:s3:us-west-2:123456789012:accesspoint/a/object/*"`, "")
	resource(`"arn:aws:iam:us-east-1::b"`, "IAM resource arn:aws:iam:us-east-1::b cannot contain region information.")
	resource(`"arn:aws:iam:::user/b"`, "")
	resource(`"arn:aws:iam:::b"`, `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`)

	condition(`{}`, "")
	condition(`[]`, syntax)
	condition(`{"a":"b"}`, syntax)
	condition(`{"a":{},"b":{}}`, "")
	condition(`{"x":{"a":"1"}}`, syntax)
	condition(`{"ForAnyValue::StringEquals":{"a":"b"}}`, syntax)
	condition(`{"ForAnyValue:StringEqualsIfExists":{"a":"b"}}`, "")
	condition(`{"NullIfExists":{"a":"true"}}`, syntax)
	condition(`{"Bool":{"a":true},"NumericEquals":{"b":[1,2.5]}}`, "")
	condition(`{"DateGreaterThan":{"a":{}}}`, syntax)
	condition(`{"DateGreaterThan":{"a":[]}}`, "")
	for _, date := range []string{"01T", "-292275054", "2019-07-01T13:20:15Z", "2016-12-13T21:20:37.593194+00:00", "2016-12-13t2:00:00.593194+23", "9223372036854775807"} {
		condition(`{"DateLessThan":{"a":"`+date+`"}}`, "")
	}
	for _, date := range []string{"soon", "234-13", "2016-12-13t2:00:00.593194+1", "2016-12-13t2:00:00.1999999999+10:59", "9223372036854775808"} {
		condition(`{"DateLessThan":{"a":"`+date+`"}}`, legacy)
	}

	two := `{"Version":"2012-10-17","Statement":[{"Sid":%q,"Effect":"Allow",` + good + `},{"Sid":%q,"Effect":"Allow",` + good + `}]}`
	f(fmt.Sprintf(two, "a", "b"), "")
	f(fmt.Sprintf(two, "", ""), "")
	f(fmt.Sprintf(two, "a", "a"), "Statement IDs (SID) in a single policy must be unique.")
	f(fmt.Sprintf(two, "a b", ""), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
}

func TestCheckIdentity(t *testing.T) {
	for _, text := range []string{
		`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
		`{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
	} {
		if err := Check(text, ForIdentity); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestCheckTrust(t *testing.T) {
	f := func(members, want string) {
		t.Helper()
		err := Check(statementWith(members), ForTrust)
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("Check(%s)\ngot  %s\nwant %s", members, got, want)
		}
	}
	const assume = `"Action":"sts:AssumeRole",`
	f(assume+`"Principal":{"Service":"lambda.amazonaws.com"}`, "")
	f(assume+`"Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"],"AWS":["123456789012","arn:aws:iam::123456789012:root","*"]}`, "")
	f(assume+`"Principal":"*"`, "")
	f(`"Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, "")
	f(assume+`"Principal":{"Service":"lambda.amazonaws.com"},"Resource":"*"`, "Has prohibited field Resource")
	f(`"Action":"sts:AssumeRole"`, "Missing required field Principal")
	f(`"Principal":"*"`, "Missing required field Action")
	f(`"Action":"s3:GetObject","Principal":"*"`, "AssumeRole policy may only specify STS AssumeRole actions.")
	f(assume+`"Principal":{"AWS":"eve"}`, `Invalid principal in policy: "AWS":"eve"`)
	f(assume+`"Principal":{"AWS":"arn:aws:iam::123456789012:role/*"}`, `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/*"`)
	f(assume+`"Principal":{"Service":"lambda"}`, `Invalid principal in policy: "SERVICE":"lambda"`)
	f(assume+`"Principal":{}`, "Invalid principal in policy: com.amazon.balsa.error.InvalidPolicyException: The passed in policy has a statement with no principals!")
	f(assume+`"Principal":"eve"`, "Syntax errors in policy.")
	f(assume+`"Principal":{"Person":"eve"}`, "Syntax errors in policy.")
}

// What is kept can be evaluated.
func FuzzCheck(f *testing.F) {
	f.Add(statementWith(`"Action":["s3:*"],"NotResource":"arn:aws:s3:::b/${aws:username, 'x'}","Condition":{"ForAllValues:StringLikeIfExists":{"a":["b",1,true]}}`))
	f.Add(statementWith(`"NotAction":"*","Principal":{"AWS":"*","Service":[]},"Condition":{"DateLessThan":{"a":"2016-12-13t2:00:00"},"IpAddress":{"b":"::/0"}}`))
	f.Add(`{"Statement":[{"Effect":"Deny"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := Parse(text)
		for use := ForIdentity; use <= ForResource; use++ {
			if Check(text, use) == nil && err != nil {
				t.Errorf("%q passes for %d, but not Parse: %v", text, use, err)
			}
		}
		if err == nil {
			r := newRequest("s3:GetObject", "arn:aws:s3:::b/k")
			Decide(r, &Set{Identity: []*Document{doc}, Boundary: doc, Resource: doc, Limited: true})
		}
	})
}
