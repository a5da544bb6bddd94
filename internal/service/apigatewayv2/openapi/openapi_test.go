package openapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
)

const lambda = `"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","payloadFormatVersion":"2.0","uri":"arn:aws:lambda:us-east-1:123456789012:function:f"}`

func TestParse(t *testing.T) {
	d, err := Parse(`{"openapi":"3.0.1","info":{"title":"pets","version":1.0,"description":"all of them"},
		"tags":[{"name":"owner","x-amazon-apigateway-tag-value":"eve"},{"name":"plain"}],
		"x-amazon-apigateway-cors":{"allowOrigins":["*"],"maxAge":5},
		"paths":{
			"$default":{"x-amazon-apigateway-any-method":{"isDefaultRoute":true,` + lambda + `}},
			"/pets":{"get":{"operationId":"list",` + lambda + `},"parameters":[],"post":{}},
			"/pets/{id}":{"x-amazon-apigateway-any-method":{"security":[],"x-amazon-apigateway-integration":{"$ref":"#/components/x-amazon-apigateway-integrations/shared"}}}},
		"components":{"x-amazon-apigateway-integrations":{"shared":{"type":"AWS_PROXY","uri":"u","payloadFormatVersion":1.0,"timeoutInMillis":100}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(d)
	var keys []string
	for _, r := range d.Routes {
		keys = append(keys, r.Key)
	}
	if want := "$default,GET /pets,POST /pets,ANY /pets/{id}"; strings.Join(keys, ",") != want {
		t.Errorf("routes are %v, want %s", keys, want)
	}
	if d.Title != "pets" || d.Version != "1.0" || d.Tags["owner"] != "eve" || len(d.Tags) != 1 || *d.Cors.MaxAge != 5 || len(d.Warnings) != 1 ||
		*d.Routes[3].Integration.PayloadFormatVersion != "1.0" || *d.Routes[0].Integration.IntegrationType != "AWS_PROXY" || d.Routes[2].Integration != nil {
		t.Errorf("got %s", got)
	}
}

func TestParseYAML(t *testing.T) {
	d, err := Parse("openapi: 3.0.1\ninfo:\n  title: pets\n  version: \"1\"\npaths:\n  /pets:\n    get:\n      x-amazon-apigateway-integration:\n        type: aws_proxy\n        uri: u\n")
	if err != nil || d.Title != "pets" || len(d.Routes) != 1 || d.Routes[0].Key != "GET /pets" {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestRefused(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		_, err := Parse(source)
		if err == nil || !strings.Contains(aws.Refusal(err).Error(), want) {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
	f(`{`, "malformed document")
	f(`- a: [`, "malformed document")
	f("openapi: 3.0.1\npaths: []", "malformed document: paths cannot be of type array")
	f("openapi: 3.0.1\n1: {[a]: b}", "malformed document: ")
	f("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"+
		"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "malformed document: ")
	f(`{"swagger":"2.0"}`, "Unsupported OpenAPI version")
	f(`{"openapi":"3.0.1","paths":{"/a":{"get":{"security":[{"OAuth2":[]}],`+lambda+`}}}}`, "Unable to find an authorizer for the security scheme OAuth2 of GET /a")
	f(`{"openapi":"3.0.1","security":[{"x":[]}],"paths":{"/a":{"get":{`+lambda+`}}},"components":{"securitySchemes":{"x":{"type":"http"}}}}`, "security scheme x of GET /a")
	f(`{"openapi":"3.0.1","security":[{"x":[]},{"y":[]}],"paths":{"/a":{"get":{`+lambda+`}}}}`, "GET /a has several")
	f(`{"openapi":"3.0.1","paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"$ref":"#/nowhere"}}}}}`, "malformed integration at path /a")
	f(`{"openapi":"3.0.1","paths":{"/a":{"get":{"x-amazon-apigateway-integration":{}}}}}`, "malformed integration at path /a")
	f(`{"openapi":"3.0.1","paths":{"/a":{"get":5}}}`, "malformed operation at path /a")
}

func TestSecurity(t *testing.T) {
	d, err := Parse(`{"openapi":"3.0.1","security":[{"token":["read"]}],"components":{"securitySchemes":{
		"token":{"x-amazon-apigateway-authorizer":{"type":"jwt","identitySource":"$request.header.Authorization","jwtConfiguration":{"issuer":"https://i","audience":["me"]}}},
		"asked":{"x-amazon-apigateway-authorizer":{"type":"request","identitySource":["$request.header.a","$request.querystring.b"],"authorizerPayloadFormatVersion":2.0,"authorizerUri":"u","enableSimpleResponses":true}},
		"signed":{"x-amazon-apigateway-authtype":"awsSigv4"},"unused":{"type":"http"}}},
		"paths":{"/a":{"get":{},"put":{"security":[{"asked":[]}]},"post":{"security":[{"signed":[]}]},"head":{"security":[]}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range d.Routes {
		got = append(got, r.Key+" "+r.Authorization+" "+r.Authorizer+" "+strings.Join(r.Scopes, ","))
	}
	if want := "GET /a JWT token read|HEAD /a   |POST /a AWS_IAM  |PUT /a CUSTOM asked "; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
	if a := d.Authorizers; len(a) != 2 || a[0].AuthorizerType != "REQUEST" || len(a[0].IdentitySource) != 2 || *a[0].AuthorizerPayloadFormatVersion != "2.0" || *a[1].JwtConfiguration.Issuer != "https://i" {
		t.Errorf("got authorizers %+v", a)
	}
}

// What SAM writes can be read, but for what is refused by name.
func TestSAM(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the directory with SAM's templates")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "sam", "output", "*http_api*.json"))
	read := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct {
				Type       string
				Properties struct{ Body json.RawMessage }
			}
		}
		if json.Unmarshal(b, &template) != nil {
			continue
		}
		for name, r := range template.Resources {
			// What functions of the template would make of it is another matter.
			if r.Type != "AWS::ApiGatewayV2::Api" || r.Properties.Body == nil || strings.Contains(string(r.Properties.Body), `"Fn::If"`) {
				continue
			}
			var body any
			json.Unmarshal(r.Properties.Body, &body)
			text, _ := json.Marshal(resolved(body))
			if _, err := Parse(string(text)); err != nil && aws.Refusal(err).Fault != aws.NotImplemented {
				t.Errorf("%s %s: %v", filepath.Base(file), name, err)
			}
			read++
		}
	}
	t.Logf("read %d definitions", read)
}

// resolved is v with a string, or 5000, for each function of a template.
func resolved(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if k == "Ref" || strings.HasPrefix(k, "Fn::") {
				return "resolved"
			}
			v[k] = resolved(x)
			if k == "timeoutInMillis" {
				v[k] = 5000
			}
		}
	case []any:
		for i := range v {
			v[i] = resolved(v[i])
		}
	}
	return v
}

func FuzzParse(f *testing.F) {
	f.Add(`{"openapi":"3.0.1","paths":{"/a":{"get":{` + lambda + `}}}}`)
	f.Add("openapi: 3.0\npaths: {/a: {get: {x-amazon-apigateway-integration: {type: a, uri: b}}}}")
	f.Fuzz(func(t *testing.T, source string) {
		if _, err := Parse(source); err != nil && aws.Refusal(err).Fault == aws.InternalFailure {
			t.Errorf("%q: %v", source, err)
		}
	})
}

// TestExport writes a definition and reads the same again, in both forms.
func TestExport(t *testing.T) {
	d, err := Parse(`{"openapi":"3.0.1","info":{"title":"pets","version":"1.0","description":"all of them"},
		"tags":[{"name":"owner","x-amazon-apigateway-tag-value":"eve"}],
		"x-amazon-apigateway-cors":{"allowOrigins":["*"],"maxAge":5},"x-amazon-apigateway-endpoint-configuration":{"disableExecuteApiEndpoint":true},
		"paths":{
			"/$default":{"x-amazon-apigateway-any-method":{"isDefaultRoute":true,` + lambda + `}},
			"/pets":{"get":{"operationId":"list","security":[{"jwt":["read"]}],` + lambda + `},"post":{"security":[{"sigv4":[]}],` + lambda + `}},
			"/pets/{id+}":{"x-amazon-apigateway-any-method":{"security":[{"own":[]}],"x-amazon-apigateway-integration":{"type":"aws_proxy","integrationSubtype":"SQS-SendMessage",
				"credentials":"arn:aws:iam::123456789012:role/r","payloadFormatVersion":"1.0","requestParameters":{"QueueUrl":"$request.body.q"},"timeoutInMillis":100}}}},
		"components":{"securitySchemes":{
			"jwt":{"type":"oauth2","x-amazon-apigateway-authorizer":{"type":"jwt","identitySource":"$request.header.Authorization","jwtConfiguration":{"audience":["a"],"issuer":"https://i"}}},
			"own":{"type":"apiKey","x-amazon-apigateway-authorizer":{"type":"request","identitySource":["$request.header.A","$request.querystring.b"],"authorizerUri":"u",
				"authorizerPayloadFormatVersion":"2.0","authorizerResultTtlInSeconds":5,"enableSimpleResponses":true}},
			"sigv4":{"type":"apiKey","x-amazon-apigateway-authtype":"awsSigv4"}}}}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Export{{Definition: d, Host: "h", Stage: "dev", Extensions: true}, {Definition: d, Host: "h", YAML: true, Extensions: true}} {
		b, err := e.Write()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(string(b))
		if err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		got, _ := json.Marshal(again)
		want, _ := json.Marshal(d)
		if string(got) != string(want) {
			t.Errorf("read again\n%s\nwant\n%s\nof\n%s", got, want, b)
		}
	}
	b, err := (&Export{Definition: d}).Write()
	if err != nil || strings.Contains(string(b), "integration") || !strings.Contains(string(b), `"in": "path"`) {
		t.Errorf("without extensions: %s, %v", b, err)
	}
}

// A route is open that says so in SAM's word, where a scheme of that name is none.
func TestOpenRoute(t *testing.T) {
	d, err := Parse(`{"openapi":"3.0.1","paths":{"/a":{"get":{"security":[{"NONE":[]}],` + lambda + `}}}}`)
	if err != nil || len(d.Routes) != 1 || d.Routes[0].Authorization != "" {
		t.Errorf("got %+v, %v", d, err)
	}
}
