package apigatewayv2

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/apigatewayv2"
	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
	"github.com/aloft-cloud/aloft/internal/service"
)

const authorizer = "arn:aws:lambda:us-east-1:123456789012:function:authorizer"

// guarded makes an API with the route GET /pets/{id} that a makes secure.
func (b *bench) guarded(version string, a *api.CreateAuthorizerInput, kind string, scopes ...string) string {
	b.t.Helper()
	ctx := b.t.Context()
	made, err := b.CreateApi(ctx, b.call, &api.CreateApiInput{Name: "guarded", ProtocolType: api.ProtocolTypeHttp})
	if err != nil {
		b.t.Fatal(err)
	}
	id := *made.ApiId
	i, err := b.CreateIntegration(ctx, b.call, &api.CreateIntegrationInput{ApiId: id, IntegrationType: api.IntegrationTypeAwsProxy, IntegrationUri: new(function), PayloadFormatVersion: &version})
	if err != nil {
		b.t.Fatal(err)
	}
	route := &api.CreateRouteInput{ApiId: id, RouteKey: "GET /pets/{id}", Target: new("integrations/" + *i.IntegrationId), AuthorizationType: &kind, AuthorizationScopes: scopes}
	if a != nil {
		a.ApiId, a.Name = id, "guard"
		out, err := b.CreateAuthorizer(ctx, b.call, a)
		if err != nil {
			b.t.Fatal(err)
		}
		route.AuthorizerId = out.AuthorizerId
	}
	if _, err := b.CreateRoute(ctx, b.call, route); err != nil {
		b.t.Fatal(err)
	}
	b.stage(id, "$default", nil)
	return id
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestTokens(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		asked := 0
		var down error
		b.issuers = jwt.NewIssuers(func(_ context.Context, url string) ([]byte, error) {
			asked++
			if strings.HasSuffix(url, "/.well-known/openid-configuration") {
				return []byte(`{"jwks_uri":"https://issuer.example/keys"}`), down
			}
			return fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"k","n":%q,"e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(key.N.Bytes())), down
		})
		id := b.guarded("2.0", &api.CreateAuthorizerInput{
			AuthorizerType: api.AuthorizerTypeJwt, IdentitySource: []string{"$request.header.Authorization"},
			JwtConfiguration: &api.JWTConfiguration{Issuer: new("https://issuer.example"), Audience: []string{"me"}},
		}, api.AuthorizationTypeJwt, "read", "write")
		token := func(kid string, claims map[string]any) string {
			claims["iss"], claims["aud"], claims["exp"] = "https://issuer.example", "me", time.Now().Unix()+3600
			text := encode(map[string]any{"alg": "RS256", "kid": kid}) + "." + encode(claims)
			sum := sha256.Sum256([]byte(text))
			signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
			if err != nil {
				t.Fatal(err)
			}
			return text + "." + base64.RawURLEncoding.EncodeToString(signature)
		}
		f := func(header string, status int, want string) {
			t.Helper()
			w := b.do(id, "GET /pets/1", "", "Authorization", header)
			if w.Code != status || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%.40s: got %d %s, want %d %s", header, w.Code, w.Body, status, want)
			}
		}
		down = errors.New("down")
		f("Bearer "+token("k", map[string]any{"scope": "read"}), 500, "Internal Server Error")
		down = nil
		time.Sleep(jwt.KeysRest)
		f("Bearer "+token("k", map[string]any{"scope": "read all", "sub": "eve", "groups": []string{"a", "b"}}), 200,
			`"authorizer":{"jwt":{"claims":{"aud":"me","exp":"946688430","groups":"[a b]","iss":"https://issuer.example","scope":"read all","sub":"eve"},"scopes":["read"]}}`)
		f(token("k", map[string]any{"scope": "write"}), 200, `"scopes":["write"]`)
		f("Bearer "+token("k", map[string]any{"scope": "other"}), 403, `{"message":"Forbidden"}`)
		f("Bearer nonsense", 401, `{"message":"Unauthorized"}`)
		f("", 401, `{"message":"Unauthorized"}`)
		before := asked
		for range 10 {
			f("Bearer "+token("other", map[string]any{"scope": "read"}), 401, `{"message":"Unauthorized"}`)
		}
		if asked != before {
			t.Errorf("the issuer was asked %d times for a key that it has not", asked-before)
		}
		time.Sleep(jwt.KeysLast)
		down = errors.New("down")
		f(token("k", map[string]any{"scope": "write"}), 200, `"scopes":["write"]`)
	})
}

func TestFunctionAuthorizers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var verdict, event string
		asked := 0
		b.invoke = func(_ context.Context, call *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			if in.FunctionName != authorizer {
				return &lambda.InvokeOutput{Payload: in.Payload}, nil
			}
			asked++
			event = string(in.Payload) + " " + call.Principal.Source.Resource
			return &lambda.InvokeOutput{Payload: []byte(verdict)}, nil
		}
		request := func(version string, simple bool, ttl int32) *api.CreateAuthorizerInput {
			return &api.CreateAuthorizerInput{
				AuthorizerType: api.AuthorizerTypeRequest, AuthorizerUri: new(authorizer), AuthorizerPayloadFormatVersion: &version,
				EnableSimpleResponses: &simple, AuthorizerResultTtlInSeconds: &ttl, IdentitySource: []string{"$request.header.x-key", "$request.querystring.q"},
			}
		}
		f := func(id, says string, status int, want string) {
			t.Helper()
			verdict = says
			w := b.do(id, "GET /pets/1?q=2", "", "X-Key", "1")
			if w.Code != status || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: got %d %s, want %d %s", says, w.Code, w.Body, status, want)
			}
		}
		policy := func(effect, resource string) string {
			return `{"principalId":"eve","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"execute-api:Invoke","Resource":"` + resource + `"}]},"context":{"a":"b","n":1}}`
		}
		id := b.guarded("2.0", request("2.0", true, 0), api.AuthorizationTypeCustom)
		f(id, `{"isAuthorized":true,"context":{"a":"b"}}`, 200, `"authorizer":{"lambda":{"a":"b"}}`)
		for _, want := range []string{`{"type":"REQUEST","routeArn":"arn:aws:execute-api:us-east-1:123456789012:` + id + `/$default/GET/pets/1","identitySource":["1","2"],"version":"2.0"`, `"pathParameters":{"id":"1"}`, " " + id + "/authorizers/"} {
			if !strings.Contains(event, want) {
				t.Errorf("the authorizer's event has no %s: %s", want, event)
			}
		}
		f(id, `{"isAuthorized":true}`, 200, `"authorizer":{"lambda":null}`)
		f(id, `{"isAuthorized":false}`, 403, "Forbidden")
		f(id, policy("Allow", "*"), 200, `"lambda":{"a":"b","n":1}`)
		f(id, `{"isAuthorized":"yes"}`, 500, "Internal Server Error")
		f(id, `{}`, 500, "Internal Server Error")
		f(id, `null`, 500, "Internal Server Error")
		if w := b.do(id, "GET /pets/1?q=2", ""); w.Code != 401 {
			t.Errorf("without a key: got %d", w.Code)
		}

		id = b.guarded("1.0", request("1.0", false, 60), api.AuthorizationTypeCustom)
		echo := b.invoke
		b.invoke = func(ctx context.Context, call *aws.Call, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
			if in.FunctionName == authorizer {
				return echo(ctx, call, in)
			}
			body, _ := json.Marshal(string(in.Payload))
			return &lambda.InvokeOutput{Payload: fmt.Appendf(nil, `{"statusCode":200,"body":%s}`, body)}, nil
		}
		f(id, policy("Allow", "arn:aws:execute-api:us-east-1:123456789012:"+id+"/$default/GET/pets/*"), 200, `"authorizer":{"principalId":"eve","a":"b","n":1}`)
		before := asked
		f(id, policy("Deny", "*"), 200, `"principalId":"eve"`)
		if asked != before {
			t.Error("the authorizer was asked again within its time")
		}
		time.Sleep(time.Minute)
		f(id, policy("Allow", "arn:aws:execute-api:us-east-1:123456789012:other/*"), 403, "Forbidden")
		time.Sleep(time.Minute)
		f(id, policy("Deny", "*"), 403, "Forbidden")
		time.Sleep(time.Minute)
		f(id, `{"isAuthorized":true}`, 500, "Internal Server Error")
	})
}

// signers stands in for auth.
type signers struct{ denied error }

func (s *signers) Authenticate(r *http.Request, service string, _ []byte) (*aws.Call, error) {
	if service != "execute-api" || r.Header.Get("Authorization") != "good" {
		return nil, aws.AccessDenied.Errorf("bad signature")
	}
	return &aws.Call{AccessKey: "AKIA1", Principal: aws.Principal{Kind: aws.User, ARN: "arn:aws:iam::123456789012:user/eve", ID: "AIDA1", Account: "123456789012"}}, nil
}

func (s *signers) Authorize(_ context.Context, _ *aws.Call, access service.Access) error {
	if access.Action != "execute-api:Invoke" || !strings.HasSuffix(access.Resource.String(), "/$default/GET/pets/1") {
		return fmt.Errorf("asked for %v", access)
	}
	return s.denied
}

func TestSigned(t *testing.T) {
	b := newBench(t)
	who := new(signers)
	b.cfg.Auth = who
	id := b.guarded("2.0", nil, api.AuthorizationTypeAwsIam)
	f := func(header string, status int, want string) {
		t.Helper()
		w := b.do(id, "GET /pets/1", "", "Authorization", header)
		if w.Code != status || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q: got %d %s, want %d %s", header, w.Code, w.Body, status, want)
		}
	}
	f("", 403, "Forbidden")
	f("bad", 403, "Forbidden")
	f("good", 200, `"authorizer":{"iam":{"accessKey":"AKIA1","accountId":"123456789012","callerId":"AIDA1","cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:iam::123456789012:user/eve","userId":"AIDA1"}}`)
	who.denied = aws.AccessDenied.Errorf("no")
	f("good", 403, "Forbidden")
}
