package openapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/aws"
)

const swagger = `{"swagger":"2.0","info":{"title":"pets","version":"1"},"basePath":"/base","definitions":{"Pet":{"type":"object"},"Pets":{"type":"array","items":{"$ref":"#/definitions/Pet"}}},
	"securityDefinitions":{"key":{"type":"apiKey","name":"x-api-key","in":"header"},"iam":{"type":"apiKey","x-amazon-apigateway-authtype":"awsSigv4"},
		"fn":{"type":"apiKey","name":"Auth","x-amazon-apigateway-authorizer":{"type":"token","authorizerUri":"u","authorizerResultTtlInSeconds":60}}},
	"x-amazon-apigateway-request-validators":{"all":{"validateRequestBody":true}},"x-amazon-apigateway-request-validator":"all",
	"x-amazon-apigateway-gateway-responses":{"DEFAULT_4XX":{"responseParameters":{"gatewayresponse.header.x":"'y'"}}},"x-amazon-apigateway-binary-media-types":["*/*"],
	"paths":{"/pets/{id}":{"parameters":[{"in":"path","name":"id","required":true}],
		"get":{"security":[{"fn":[]},{"key":[]}],"parameters":[{"in":"query","name":"q"}],"responses":{"200":{"schema":{"$ref":"#/definitions/Pets"},"headers":{"x":{"type":"string"}}},"default":{}},
			"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"u","responses":{"default":{"statusCode":"200"},"5\\d\\d":{"statusCode":500}}}},
		"x-amazon-apigateway-any-method":{"operationId":"any","security":[{"iam":[]}],"parameters":[{"in":"body","name":"b","schema":{"type":"object"}}]}}}}`

func TestParse(t *testing.T) {
	d, err := Parse([]byte(swagger))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(d)
	for _, want := range []string{
		`"BasePath":"base"`, `"BinaryMediaTypes":["*/*"]`, `{\"items\":{\"$ref\":\"aloft:model:Pet\"},\"type\":\"array\"}`, `"IdentitySource":"method.request.header.Auth"`,
		`"AuthorizerResultTtlInSeconds":60`, `"method.request.path.id":true`, `"method.request.querystring.q":false`, `"ResponseModels":{"application/json":"Pets"}`,
		`"AuthorizationType":"CUSTOM","AuthorizerId":"fn","ApiKeyRequired":true`, `"AuthorizationType":"AWS_IAM"`, `"RequestModels":{"application/json":"MODEL000001"}`,
		`"SelectionPattern":"5\\d\\d"`, `"RequestValidatorId":"all"`, `"Type":"AWS_PROXY"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestParse3(t *testing.T) {
	d, err := Parse([]byte(`openapi: 3.0.1
info: {title: pets, version: "1"}
servers: [{url: "https://x/{basePath}", variables: {basePath: {default: /v1}}}]
components:
  schemas: {Pet: {type: object}}
  securitySchemes: {pool: {type: apiKey, name: Authorization, x-amazon-apigateway-authorizer: {type: cognito_user_pools, providerARNs: [a]}}}
security: [{pool: [b, a]}]
paths:
  /pets:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}
      responses: {"200": {content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
      x-amazon-apigateway-integration: {type: mock, requestTemplates: {application/json: '{"statusCode": 200}'}, timeoutInMillis: 100}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := d.Methods[0]
	if d.BasePath != "v1" || m.RequestModels["application/json"] != "Pet" || *m.AuthorizationType != "COGNITO_USER_POOLS" || strings.Join(m.AuthorizationScopes, "") != "ab" ||
		*m.MethodIntegration.TimeoutInMillis != 100 || m.MethodResponses["200"].ResponseModels["application/json"] != "Pet" {
		got, _ := json.Marshal(d)
		t.Errorf("got %s", got)
	}
}

func TestRefused(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if _, err := Parse([]byte(source)); err == nil || !strings.Contains(aws.Refusal(err).Message, want) {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
	f("{", "malformed document")
	f("[]", "Invalid OpenAPI input")
	f(`{"openapi":"4"}`, "Invalid OpenAPI input")
	f(`{"swagger":"2.0","paths":{"/a":{"get":{"x-amazon-apigateway-integration":{"type":"x"}}}}}`, "Invalid integration type x")
	f(`{"swagger":"2.0","paths":{"/a":{"get":{"security":[{"none":[]}]}}}}`, "security definition none")
	f("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"+
		"e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n", "malformed document")
}

// What SAM writes can be read.
func TestSAM(t *testing.T) {
	dir := os.Getenv("ALOFT_VECTORS")
	if dir == "" {
		t.Skip("set ALOFT_VECTORS to the directory with SAM's templates")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "sam", "output", "*.json"))
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
			if r.Type != "AWS::ApiGateway::RestApi" || r.Properties.Body == nil || strings.Contains(string(r.Properties.Body), `Fn::`+`If`) || strings.Contains(string(r.Properties.Body), `Fn::Transform`) ||
				strings.Contains(string(r.Properties.Body), `"$default"`) || strings.Contains(string(r.Properties.Body), `"inline swagger"`) {
				continue // it has functions of templates, or is none of ours
			}
			if _, err := Parse(r.Properties.Body); err != nil {
				t.Errorf("%s %s: %v", filepath.Base(file), name, err)
			}
			read++
		}
	}
	t.Logf("read %d definitions", read)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(swagger))
	f.Add([]byte("openapi: 3.0.1\npaths: {/a: {get: {parameters: [{$ref: '#/a/b'}]}}}"))
	f.Fuzz(func(t *testing.T, source []byte) {
		if _, err := Parse(source); err != nil && aws.Refusal(err).Fault == aws.InternalFailure {
			t.Errorf("%q: %v", source, err)
		}
	})
}
