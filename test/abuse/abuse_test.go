// Package abuse sends what no client should, in every protocol, to a whole
// platform: each request must get the refusal that AWS gives, and change
// nothing.
package abuse

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// A client holds a key of an administrator, whose signatures are checked.
type client struct {
	t       *testing.T
	handler http.Handler
	keys    sigv4.Credentials
}

// A request is one that should be refused.
type request struct {
	service string // that it is signed for; empty: it is not signed
	method  string
	url     string
	header  map[string]string
	body    string

	keys *sigv4.Credentials  // other ones than the client's
	late time.Duration       // how long ago it was signed
	sent func(*http.Request) // changes it after it was signed
}

func newClient(t *testing.T) *client {
	c := &client{t: t, handler: platformtest.Start(t).Handler, keys: sigv4.Credentials{AccessKey: "test", Secret: "test"}}
	c.do("iam", "CreateUser", `{"UserName":"admin"}`)
	c.do("iam", "AttachUserPolicy", `{"UserName":"admin","PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}`)
	c.do("iam", "CreateRole", `{"RoleName":"fn","AssumeRolePolicyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}"}`)
	c.do("s3", "CreateBucket", `{"Bucket":"bucket"}`)
	var out struct {
		AccessKey struct{ AccessKeyId, SecretAccessKey string }
	}
	if err := json.Unmarshal([]byte(c.do("iam", "CreateAccessKey", `{"UserName":"admin"}`)), &out); err != nil {
		t.Fatal(err)
	}
	c.keys = sigv4.Credentials{AccessKey: out.AccessKey.AccessKeyId, Secret: out.AccessKey.SecretAccessKey}
	return c
}

// do runs an operation, which must succeed.
func (c *client) do(service, operation, in string) string {
	c.t.Helper()
	status, body := c.send(rpc(service, service+"."+operation, in))
	if status != http.StatusOK {
		c.t.Fatalf("%s:%s: %d %s", service, operation, status, body)
	}
	return body
}

// send returns the status of the answer to q, and its code and body.
func (c *client) send(q request) (int, string) {
	host := "http://localhost:4566"
	r := httptest.NewRequest(q.method, host+q.url, strings.NewReader(q.body))
	r.RemoteAddr = "127.0.0.1:50000"
	for name, v := range q.header {
		r.Header.Set(name, v)
	}
	if q.service != "" {
		keys := c.keys
		if q.keys != nil {
			keys = *q.keys
		}
		sigv4.Sign(r, keys, "us-east-1", q.service, time.Now().Add(-q.late), []byte(q.body))
	}
	if q.sent != nil {
		q.sent(r)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w.Code, w.Header().Get("X-Amzn-Errortype") + " " + w.Body.String()
}

// refused checks that q gets that status, and an answer that matches want.
func (c *client) refused(q request, status int, want string) {
	c.t.Helper()
	got, body := c.send(q)
	if got != status || !regexp.MustCompile(want).MatchString(body) {
		c.t.Errorf("%s %s %.60q: %d %.300s\nwant %d %s", q.method, q.url, q.body, got, body, status, want)
	}
}

// all is everything there is.
func (c *client) all() string {
	var b strings.Builder
	for _, op := range [][2]string{
		{"apigatewayv2", "GetApis"}, {"cloudformation", "ListStacks"}, {"dynamodb", "ListTables"}, {"iam", "ListUsers"}, {"iam", "ListRoles"},
		{"lambda", "ListFunctions"}, {"logs", "DescribeLogGroups"}, {"s3", "ListBuckets"},
	} {
		fmt.Fprintln(&b, op, c.do(op[0], op[1], "{}"))
	}
	return b.String()
}

func rpc(service, target, body string) request {
	return request{service: service, method: "POST", url: "/", header: map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target}, body: body}
}

func query(service, form string) request {
	return request{service: service, method: "POST", url: "/", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: form}
}

func rest(service, method, url, body string) request {
	return request{service: service, method: method, url: url, body: body}
}

func cbor(path, body string) request {
	return request{service: "logs", method: "POST", url: path, header: map[string]string{"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}, body: body}
}

// unchanged fails t if there is something that was not there before f, or the
// other way around.
func unchanged(t *testing.T, f func(c *client)) {
	c := newClient(t)
	before := c.all()
	f(c)
	if after := c.all(); after != before {
		t.Errorf("refused requests changed something: before\n%s\nafter\n%s", before, after)
	}
}

func TestMalformedJSON(t *testing.T) {
	unchanged(t, func(c *client) {
		for _, body := range []string{`{`, `[]`, `null`, `"x"`, `7`, `{"TableName":}`, `{"TableName":"tab"} x`, `{"TableName":7}`, "{\"TableName\":\"\xff\"}", `{"TableName":"tab","KeySchema":{}}`,
			`{"x":` + strings.Repeat(`[`, 100000), `{"TableName":"tab","Tags":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`} {
			c.refused(rpc("dynamodb", "DynamoDB_20120810.CreateTable", body), 400, `SerializationException`)
		}
		c.refused(rpc("dynamodb", "DynamoDB_20120810.CreateTable", `{}`), 400, `ValidationException.*The parameter 'TableName' is required but was not present in the request`)
		c.refused(rpc("dynamodb", "DynamoDB_20120810.CreateTable", ``), 400, `SerializationException|ValidationException`)
		c.refused(rpc("logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":true}`), 400, `SerializationException`)
		c.refused(rpc("logs", "Logs_20140328.CreateLogGroup", `{"logGroupName":"a b"}`), 400, `InvalidParameterException.*Value 'a b' at 'logGroupName' failed to satisfy constraint`)
		for _, body := range []string{`{`, `[]`, `{"FunctionName":7}`, `{"FunctionName":"fn","Code":7}`, `{"Timeout":"x"}`, `{"Timeout":1e99}`, `{"Code":{"ZipFile":"!"}}`} {
			c.refused(rest("lambda", "POST", "/2015-03-31/functions", body), 400, `^SerializationException`)
		}
		c.refused(rest("apigatewayv2", "POST", "/v2/apis", `{"name":`), 400, `^BadRequestException|^SerializationException`)
		c.refused(rest("apigatewayv2", "POST", "/v2/apis", `{"name":{}}`), 400, `^BadRequestException|^SerializationException`)
	})
}

func TestMalformedQuery(t *testing.T) {
	const v = "&Version=2010-05-08"
	unchanged(t, func(c *client) {
		c.refused(query("iam", "Action=CreateUser&UserName=%ZZ"+v), 400, `<ErrorResponse.*<Code>Mal`)
		c.refused(query("iam", "Action=CreateUser&UserName=%ff"+v), 400, `<ErrorResponse.*<Code>Mal`)
		c.refused(query("iam", "Action=CreateUser"+v), 400, `<Code>ValidationError</Code>.*userName`)
		c.refused(query("iam", "Action=CreateUser&UserName=a/b"+v), 400, `<Code>ValidationError</Code>`)
		c.refused(query("iam", "Action=CreateUser&UserName=x&Tags.member.-1.Key=a"+v), 400, `<Code>ValidationError</Code>`)
		c.refused(query("iam", "Action=ListUsers&MaxItems=x"+v), 400, `<Code>MalformedInput</Code>`)
		c.refused(query("iam", "Action=ListUsers&MaxItems=99999999999999999999"+v), 400, `<Code>MalformedInput</Code>`)
		c.refused(query("iam", "Action=Nope"+v), 400, `<Code>InvalidAction</Code><Message>Could not find operation Nope for version 2010-05-08`)
		c.refused(query("iam", "Action=ListUsers&Version=1999-01-01"), 400, `<Code>InvalidAction</Code>`)
		c.refused(query("iam", "&&==&"), 400, `<Code>MissingAction</Code>`)
		c.refused(query("iam", "Action=CreateUser&UserName=x&"+strings.Repeat("a.", 100000)+"b=1"+v), 400, `<Code>Mal`)
	})
}

func TestMalformedXML(t *testing.T) {
	const malformed = `<Code>MalformedXML</Code>`
	unchanged(t, func(c *client) {
		for _, body := range []string{``, `x`, `<Delete>`, `<Nope/>`, `<Delete/>`, strings.Repeat(`<a>`, 100000), `<Delete><Object><Key>&x;</Key></Object></Delete>`,
			`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>`} {
			c.refused(rest("s3", "POST", "/bucket?delete", body), 400, malformed)
		}
		c.refused(rest("s3", "PUT", "/other", `<<`), 400, malformed)
		c.refused(rest("s3", "PUT", "/bucket?cors", `<CORSConfiguration/>`), 400, malformed)
		c.refused(rest("s3", "PUT", "/bucket?policy", `{`), 400, `<Code>MalformedPolicy</Code>`)
	})
}

func TestMalformedCBOR(t *testing.T) {
	const create = "/service/Logs_20140328/operation/CreateLogGroup"
	unchanged(t, func(c *client) {
		for _, body := range []string{"\xff", "\xbf", "\xa1", "\xa0\xa0", "\x9f", strings.Repeat("\xa1\x61a", 50000), strings.Repeat("\xc0", 100000) + "\xa0",
			"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x6clogGroupName\x01", "\xa1\x6clogGroupName\x7b\xff\xff\xff\xff\xff\xff\xff\xff"} {
			c.refused(cbor(create, body), 400, `SerializationException`)
		}
		c.refused(cbor(create, "\xa0"), 400, `InvalidParameterException|ValidationException`)
		c.refused(cbor("/service/Logs_20140328/operation/Nope", "\xa0"), 400, `UnknownOperationException`)
	})
}

func TestUnknownOperations(t *testing.T) {
	unchanged(t, func(c *client) {
		c.refused(rpc("dynamodb", "DynamoDB_20120810.Nope", `{}`), 400, `UnknownOperationException`)
		c.refused(rpc("dynamodb", "DynamoDB_20120810", `{}`), 400, `UnknownOperationException`)
		c.refused(rpc("dynamodb", "../../x.y", `{}`), 400, `UnknownOperationException`)
		c.refused(rpc("logs", "Logs_20140328.CreateExportTask", `{}`), 501, `Aloft does not answer logs:CreateExportTask yet`)
		c.refused(rpc("textract", "Textract.AnalyzeDocument", `{}`), 501, `Aloft knows no service that signs as`)
		c.refused(rest("lambda", "GET", "/2015-03-31/nope", ``), 404, `^UnknownOperationException`)
		c.refused(rest("lambda", "PATCH", "/2015-03-31/functions", `{}`), 405, `^MethodNotAllowed`)
		c.refused(rest("s3", "PATCH", "/bucket/key", ``), 405, `<Code>MethodNotAllowed</Code>`)
		c.refused(rest("s3", "GET", "/bucket/key?torrent", ``), 501, `Aloft does not answer s3:GetObjectTorrent yet`)
	})
}

func TestSignatures(t *testing.T) {
	list := func(service string) request {
		switch service {
		case "dynamodb":
			return rpc(service, "DynamoDB_20120810.ListTables", `{}`)
		case "iam":
			return query(service, "Action=ListUsers&Version=2010-05-08")
		case "lambda":
			return rest(service, "GET", "/2015-03-31/functions", ``)
		}
		return rest(service, "GET", "/", ``)
	}
	unchanged(t, func(c *client) {
		for service, words := range map[string]struct{ wrong, late, token string }{
			"dynamodb": {`400 .*InvalidSignatureException.*does not match`, `400 .*InvalidSignatureException.*Signature expired: `, `400 .*UnrecognizedClientException`},
			"iam":      {`403 .*SignatureDoesNotMatch`, `403 .*SignatureDoesNotMatch.*Signature expired: `, `403 .*InvalidClientTokenId`},
			"lambda":   {`403 .*does not match`, `403 .*Signature expired: `, `403 .*security token included in the request is invalid`},
			"s3":       {`403 .*SignatureDoesNotMatch`, `403 .*RequestTimeTooSkewed`, `400 .*InvalidToken`},
		} {
			check := func(q request, want string) {
				t.Helper()
				status, body := c.send(q)
				if got := fmt.Sprint(status, " ", body); !regexp.MustCompile(`(?s)^` + want).MatchString(got) {
					t.Errorf("%s: %s\nwant %s", service, got, want)
				}
			}
			q := list(service)
			check(q, "200 ")
			q.keys = &sigv4.Credentials{AccessKey: c.keys.AccessKey, Secret: "wrong"}
			check(q, words.wrong)
			q.keys = &sigv4.Credentials{AccessKey: c.keys.AccessKey, Secret: c.keys.Secret, Token: "token"}
			check(q, words.token)
			q = list(service)
			q.late = 16 * time.Minute
			check(q, words.late)
			q.late = -16 * time.Minute
			check(q, strings.Replace(words.late, "Signature expired", "Signature not yet current", 1))
			q = list(service)
			q.sent = func(r *http.Request) { r.URL.RawQuery = "added=x" }
			if service != "iam" { // its operation may be in the query
				check(q, words.wrong)
			}
			q.sent = func(r *http.Request) { r.Host = "other.localhost:4566" }
			check(q, words.wrong)
			q.sent = func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(q.body + "&")) }
			if service != "s3" { // a body that nobody reads is no harm
				check(q, words.wrong)
			}
		}
		q := list("dynamodb")
		q.service = "logs"
		c.refused(q, 400, `InvalidSignatureException|UnknownOperationException`)
		q = list("s3")
		q.service, q.header = "", map[string]string{"Authorization": "AWS AKID:signature"}
		c.refused(q, 400, `not supported. Please use AWS4-HMAC-SHA256`)
	})
}

func TestOversize(t *testing.T) {
	big := strings.Repeat(" ", 17<<20)
	unchanged(t, func(c *client) {
		c.refused(rpc("dynamodb", "DynamoDB_20120810.CreateTable", big), 413, `RequestEntityTooLarge`)
		c.refused(query("iam", "Action=CreateUser&UserName=x&Version=2010-05-08&a="+big), 413, `<ErrorResponse.*RequestEntityTooLarge`)
		c.refused(rest("s3", "POST", "/bucket?delete", "<Delete>"+big), 413, `RequestEntityTooLarge`)
		c.refused(cbor("/service/Logs_20140328/operation/CreateLogGroup", big), 413, `RequestEntityTooLarge`)
	})
}

// zipped returns a zip file of one file, in base64.
func zipped(t *testing.T, name string, size int64) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = io.CopyN(f, zeros{}, size)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestZip(t *testing.T) {
	const cannot = `^InvalidParameterValueException .*Could not unzip uploaded file`
	unchanged(t, func(c *client) {
		create := func(code string) request {
			return rest("lambda", "POST", "/2015-03-31/functions", `{"FunctionName":"fn","Runtime":"python3.12","Handler":"m.h","Role":"arn:aws:iam::000000000000:role/fn","Code":{"ZipFile":"`+code+`"}}`)
		}
		for _, name := range []string{"../evil", "/etc/evil", "a/../../evil", `..\evil`, "a\x00b"} {
			c.refused(create(zipped(t, name, 1)), 400, cannot)
		}
		good := zipped(t, "m.py", 1)
		c.refused(create(good[:len(good)/8*4]), 400, cannot)
		c.refused(create("aGVsbG8="), 400, cannot)
		c.refused(create(""), 400, cannot)
		c.refused(create(zipped(t, "bomb", 262144001)), 400, `Unzipped size must be smaller than 262144000 bytes`)
	})
}

func TestTemplates(t *testing.T) {
	unchanged(t, func(c *client) {
		create := func(template string, status int, want string) {
			t.Helper()
			in, err := json.Marshal(map[string]any{"StackName": "st", "TemplateBody": template, "Capabilities": []string{"CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"}})
			if err != nil {
				t.Fatal(err)
			}
			c.refused(rpc("cloudformation", "cloudformation.CreateStack", string(in)), status, want)
		}
		const group = `"Type":"AWS::Logs::LogGroup"`
		create(`{"Resources":{"A":{"Type":"AWS::Nope::Nope"}}}`, 400, `Unrecognized resource types: \[AWS::Nope::Nope\]`)
		create(`{"Resources":{"A":{`+group+`,"Properties":{"Nope":1}}}}`, 400, `extraneous key \[Nope\] is not permitted`)
		create(`{"Resources":{"A":{`+group+`,"Nope":1}}}`, 400, `Invalid template resource property 'Nope'`)
		create(`{"Resources":{"A":{`+group+`,"DependsOn":"A"}}}`, 400, `Circular dependency between resources: \[A\]`)
		create(`{"Resources":{"A":{`+group+`,"Properties":{"LogGroupName":{"Fn::Nope":1}}}}}`, 400, `unsupported function: Fn::Nope`)
		create(`{"Conditions":{"C":{"Condition":"C"}},"Resources":{"A":{`+group+`}}}`, 400, `circular condition dependency`)
		create("a: &a [x]\nResources: {A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: *a}}}", 400, `YAML aliases are not allowed`)
		create(`{"Resources":{"A":{`+group+`,"Properties":{"LogGroupName":`+strings.Repeat(`{"Fn::Join":["",[`, 500)+`"x"`+strings.Repeat(`]]}`, 500)+`}}}}`, 400, `nested`)
		create(`{"Resources":`, 400, `Template format error`)
	})
}
