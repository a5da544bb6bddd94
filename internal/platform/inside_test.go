package platform

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aloft-cloud/aloft/internal/auth/sigv4"
	"github.com/aloft-cloud/aloft/internal/sandbox"
)

// A function is not root by a key it made up, even where a developer's own
// tools are: what it calls is closed.
func TestFunctionsAreNotRoot(t *testing.T) {
	p, err := Start(t.Context(), Config{
		Memory: true, Open: true, Log: slog.New(slog.DiscardHandler),
		Runner: func(func(sandbox.LogBatch)) sandbox.Runner { return new(sandbox.InProcess) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	ask := func(h http.Handler, host, key string) string {
		body := `{}`
		r := httptest.NewRequest(http.MethodPost, "http://"+host+"/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "Logs_20140328.DescribeLogGroups")
		if key != "" {
			sigv4.Sign(r, sigv4.Credentials{AccessKey: key, Secret: "test"}, "us-east-1", "logs", time.Now(), []byte(body))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Body.String()
	}
	if got := ask(p.Handler, "localhost:4566", "test"); !strings.Contains(got, "logGroups") {
		t.Fatalf("a developer's tool: %s", got)
	}
	for _, key := range []string{"test", "000000000000", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"} {
		if got := ask(p.inside, "127.0.0.1:9001", key); !strings.Contains(got, "UnrecognizedClientException") {
			t.Errorf("a function with the key %s: %s", key, got)
		}
	}
	if got := ask(p.inside, "127.0.0.1:9001", ""); !strings.Contains(got, "MissingAuthenticationToken") {
		t.Errorf("a function without a key: %s", got)
	}
}
