package edge

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestRoute(t *testing.T) {
	rt := newRouter(map[string]bool{"execute-api": true})
	none := func(string) string { return "" }
	signed := func(service string) http.Header {
		return http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"}}
	}
	f := func(method, url string, header http.Header, want string) {
		t.Helper()
		r := httptest.NewRequest(method, url, nil)
		for k, v := range header {
			r.Header[k] = v
		}
		if got := rt.route(r, none); got != want {
			t.Errorf("%s %s %v: %q, want %q", method, url, header, got, want)
		}
	}
	target := func(h http.Header, target string) http.Header {
		h.Set("X-Amz-Target", target)
		return h
	}
	const base = "http://127.0.0.1:4566"
	f("POST", base+"/", target(signed("dynamodb"), "DynamoDB_20120810.PutItem"), "dynamodb")
	f("POST", base+"/", target(signed("dynamodb"), "DynamoDBStreams_20120810.GetRecords"), "dynamodbstreams")
	f("POST", base+"/", target(signed("iam"), "iam.CreateUser"), "iam")
	f("POST", base+"/", target(http.Header{}, "DynamoDB_20120810.PutItem"), "dynamodb")
	f("POST", base+"/", signed("monitoring"), "cloudwatch")
	f("POST", base+"/", signed("states"), "states")
	f("GET", base+"/v2/apis", signed("apigateway"), "apigatewayv2")
	f("GET", base+"/restapis", signed("apigateway"), "apigateway")
	f("GET", base+"/bucket/key", signed("s3"), "s3")
	f("GET", base+"/bucket//a/../b", nil, "s3")
	f("GET", base+"/", nil, "")
	f("GET", base+"/", http.Header{"Authorization": {"AWS AKID:c2ln"}}, "s3") // which says that version 2 is gone
	f("GET", base+"/b/k?X-Amz-Credential=AKID%2F20260101%2Fus-east-1%2Fs3%2Faws4_request", nil, "s3")
	f("POST", base+"/000000000000/queue", nil, "sqs")
	f("POST", base+"/2015-03-31/functions/f/invocations", nil, "lambda")
	f("POST", "http://sqs.eu-west-1.amazonaws.com/", nil, "sqs")
	f("GET", "http://bucket.s3.us-east-1.amazonaws.com/", nil, "s3")
	f("POST", base+"/", signed("nonesuch"), "nonesuch")
}

func TestRouteForm(t *testing.T) {
	rt := newRouter(nil)
	form := map[string]string{"Action": "CreateUser", "Version": "2010-05-08"}
	r := httptest.NewRequest("POST", "http://127.0.0.1:4566/", nil)
	if got := rt.route(r, func(k string) string { return form[k] }); got != "iam" {
		t.Errorf("a form of IAM: %q", got)
	}
}

func TestHost(t *testing.T) {
	rt := newRouter(map[string]bool{"execute-api": true})
	f := func(url string, want target) {
		t.Helper()
		got, ok := rt.host(httptest.NewRequest("GET", url, nil))
		if ok != (want != target{}) || ok && got != want {
			t.Errorf("%s: %+v %t, want %+v", url, got, ok, want)
		}
	}
	f("http://abc.execute-api.localhost:4566/x", target{suffix: "execute-api", id: "abc"})
	f("http://ABC.execute-api.us-east-1.amazonaws.com/x", target{suffix: "execute-api", id: "abc"})
	f("http://abc.execute-api.localhost.localstack.cloud:4566/", target{suffix: "execute-api", id: "abc"})
	f("http://localhost:4566/_aws/execute-api/abc/dev/a%2Fb//c", target{suffix: "execute-api", id: "abc", path: "/dev/a%2Fb//c"})
	f("http://localhost:4566/restapis/abc/dev/_user_request_/a", target{suffix: "execute-api", id: "abc", path: "/dev/a"})
	f("http://execute-api.us-east-1.amazonaws.com/", target{})
	f("http://my-execute-api.localhost/", target{})
	f("http://localhost:4566/restapis/abc", target{})
}

// FuzzRoute holds that no request, however strange, stops the router.
func FuzzRoute(f *testing.F) {
	f.Add("host", "/path", "Credential=a/b/c/d/aws4_request", "A.B", "X-Amz-Credential=x")
	rt := newRouter(map[string]bool{"execute-api": true})
	f.Fuzz(func(t *testing.T, host, path, auth, target, query string) {
		r := httptest.NewRequest("POST", "http://h/", nil)
		r.Host, r.URL.Path, r.URL.RawQuery = host, path, query
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Target", target)
		rt.host(r)
		rt.route(r, func(string) string { return query })
	})
}

func TestLocalPaths(t *testing.T) {
	rt := newRouter(map[string]bool{"execute-api": true})
	r := httptest.NewRequest("GET", "http://localhost:4566/restapis/abc/dev/_user_request_/x", nil)
	if got, ok := rt.host(r); !ok || got.id != "abc" || got.path != "/dev/x" {
		t.Errorf("an API's path: %+v %v", got, ok)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	if got, ok := rt.host(r); ok {
		t.Errorf("a key of the bucket restapis is taken for an API's path: %+v", got)
	}
}
