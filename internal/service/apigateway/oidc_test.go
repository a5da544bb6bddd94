package apigateway

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

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/gateway/jwt"
)

func sign(t *testing.T, key *rsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// An authorizer of user pools lets in whom a pool vouches for, or another issuer
// of OpenID Connect that stands in its place.
func TestUserPools(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const issuer, pool = "https://issuer.example", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x"
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.issuers = jwt.NewIssuers(func(_ context.Context, url string) ([]byte, error) {
			at, found := strings.CutSuffix(url, "/.well-known/openid-configuration")
			if found {
				return fmt.Appendf(nil, `{"jwks_uri":"%s/keys"}`, at), nil
			}
			return fmt.Appendf(nil, `{"keys":[{"kty":"RSA","kid":"k","n":%q,"e":"AQAB"}]}`, base64.RawURLEncoding.EncodeToString(key.N.Bytes())), nil
		})
		id := b.deploy(`"securityDefinitions":{"users":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"cognito_user_pools",
			"x-amazon-apigateway-authorizer":{"type":"cognito_user_pools","providerARNs":["` + issuer + `","arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_x"]}}},
			"paths":{"/id":{"get":{"security":[{"users":[]}],"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + functionURI + `"}}},
			"/access":{"get":{"security":[{"users":["read"]}],"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + functionURI + `"}}}}`)
		f := func(path string, status int, header, claims map[string]any) {
			t.Helper()
			all := map[string]any{"sub": "eve", "aud": "client", "exp": time.Now().Unix() + 60}
			for k, v := range claims {
				all[k] = v
			}
			w := b.do(id, "GET /dev"+path, "", "Authorization", "Bearer "+sign(t, key, header, all))
			if w.Code != status || status == http.StatusOK && !strings.Contains(w.Body.String(), `"authorizer":{"claims":{`) {
				t.Errorf("%s %v %v: got %d %s, want %d", path, header, claims, w.Code, w.Body, status)
			}
		}
		good := map[string]any{"alg": "RS256", "kid": "k"}
		f("/id", 200, good, map[string]any{"iss": issuer})
		f("/id", 200, good, map[string]any{"iss": pool, "token_use": "id"})
		f("/id", 401, good, map[string]any{"iss": pool, "token_use": "access"})
		f("/id", 401, good, map[string]any{"iss": pool})
		f("/id", 401, good, map[string]any{"iss": "https://stranger.example"})
		f("/id", 401, good, map[string]any{"iss": issuer, "exp": time.Now().Unix() - 1})
		f("/id", 401, map[string]any{"alg": "none", "kid": "k"}, map[string]any{"iss": issuer})
		f("/id", 401, map[string]any{"alg": "HS256", "kid": "k"}, map[string]any{"iss": issuer})
		f("/access", 200, good, map[string]any{"iss": issuer, "scope": "write read"})
		f("/access", 200, good, map[string]any{"iss": pool, "token_use": "access", "scope": "read"})
		f("/access", 401, good, map[string]any{"iss": pool, "token_use": "id", "scope": "read"})
		f("/access", 401, good, map[string]any{"iss": issuer, "scope": "write"})
		if w := b.do(id, "GET /dev/id", "", "Authorization", sign(t, key, good, map[string]any{"iss": issuer, "aud": "c", "exp": time.Now().Unix() - 1})); w.Body.String() != `{"message":"The incoming token has expired"}` {
			t.Errorf("expired: got %d %s", w.Code, w.Body)
		}
	})
}

// An authorizer that does not answer in time, or nonsense, lets nobody in.
func TestAuthorizerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		id := b.deploy(`"securityDefinitions":{"by":{"type":"apiKey","name":"Authorization","in":"header","x-amazon-apigateway-authtype":"custom",
			"x-amazon-apigateway-authorizer":{"type":"token","authorizerResultTtlInSeconds":0,"authorizerUri":"` + functionURI + `"}}},
			"paths":{"/":{"get":{"security":[{"by":[]}],"x-amazon-apigateway-integration":{"type":"aws_proxy","httpMethod":"POST","uri":"` + functionURI + `"}}}}`)
		f := func(status int, answer string, err error, takes time.Duration) {
			t.Helper()
			b.invoke = func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
				if !strings.Contains(string(in.Payload), `"type":"TOKEN"`) {
					t.Errorf("%s reached what it guards", answer)
				}
				time.Sleep(takes)
				return &lambda.InvokeOutput{Payload: []byte(answer)}, err
			}
			began := time.Now()
			if w := b.do(id, "GET /dev", "", "Authorization", "x"); w.Code != status {
				t.Errorf("%s: got %d %s, want %d", answer, w.Code, w.Body, status)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%s: took %v", answer, took)
			}
		}
		const allow = `{"principalId":"x","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":"*"}]}}`
		f(500, allow, nil, 40*time.Second)
		f(500, allow, errors.New("down"), 0)
		f(500, `{}`, nil, 0)
		f(500, `{"principalId":"x","policyDocument":"allow"}`, nil, 0)
		f(500, `{"principalId":"x","policyDocument":{"Statement":"*"}}`, nil, 0)
		f(500, `nonsense`, nil, 0)
		f(403, strings.Replace(allow, `"Allow"`, `"Deny"`, 1), nil, 0)
		f(403, strings.Replace(allow, `"Resource":"*"`, `"Resource":"arn:aws:execute-api:us-east-1:123456789012:other/*"`, 1), nil, 0)
	})
}
