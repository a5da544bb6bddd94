package s3

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/s3"
	"github.com/aloft-cloud/aloft/internal/aws"
)

func TestOrigin(t *testing.T) {
	s := newService(t, "")
	ask := func(method, url string, headers ...string) (http.Header, bool, error) {
		r := httptest.NewRequest(method, url, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		h := make(http.Header)
		answered, err := s.origin(h, r)
		return h, answered, err
	}
	const app, method, header = "https://app.example.com", "Access-Control-Request-Method", "Access-Control-Request-Headers"
	refused := func(words string, headers ...string) {
		t.Helper()
		_, answered, err := ask("OPTIONS", "http://localhost/bucket/k", headers...)
		if !answered || err == nil || !strings.Contains(aws.Refusal(err).Message, words) {
			t.Errorf("%q: answered %v, %v; want a refusal: %s", headers, answered, err, words)
		}
	}
	refused("CORS is not enabled for this bucket", "Origin", app, method, "PUT")
	refused("CORS is not enabled for this bucket", "Origin", app)
	refused("Insufficient information. Origin request header needed.", method, "PUT")
	_, err := s.PutBucketCors(t.Context(), caller, &api.PutBucketCorsInput{Bucket: "bucket", CORSConfiguration: &api.CORSConfiguration{CORSRules: []api.CORSRule{
		{AllowedMethods: []string{"GET", "PUT"}, AllowedOrigins: []string{"https://*.example.com"}, AllowedHeaders: []string{"X-Amz-*"},
			ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: new(int32(3000))},
		{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	refused("This CORS request is not allowed", "Origin", app, method, "DELETE")
	refused("This CORS request is not allowed", "Origin", app, method, "PUT", header, "x-other")
	refused("This CORS request is not allowed", "Origin", "https://example.org", method, "PUT")

	h, answered, err := ask("OPTIONS", "http://bucket.s3.localhost/k", "Origin", app, method, "PUT", header, "X-AMZ-date,x-amz-acl")
	if !answered || err != nil {
		t.Fatalf("answered %v, %v", answered, err)
	}
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": app, "Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Allow-Credentials": "true",
		"Access-Control-Allow-Headers": "x-amz-date, x-amz-acl", "Access-Control-Expose-Headers": "ETag", "Access-Control-Max-Age": "3000",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	h, answered, err = ask("GET", "http://localhost/bucket/k", "Origin", "https://example.org")
	if answered || err != nil || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("GET from anywhere: answered %v, %v, %v", answered, err, h)
	}
	h, answered, err = ask("PUT", "http://localhost/bucket/k", "Origin", "https://example.org")
	if answered || err != nil || len(h) > 0 {
		t.Errorf("PUT from anywhere: answered %v, %v, %v", answered, err, h)
	}
}
