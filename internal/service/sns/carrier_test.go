package sns_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	api "github.com/aloft-cloud/aloft/internal/api/sns"
	"github.com/aloft-cloud/aloft/internal/platform"
	"github.com/aloft-cloud/aloft/internal/service/sns"
)

// TestLetters has a text message posted where the operator wants it, again if it
// is not taken.
func TestLetters(t *testing.T) {
	got := make(chan sns.Letter, 1)
	refuse := 1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var l sns.Letter
		b, _ := io.ReadAll(r.Body)
		if json.Unmarshal(b, &l); refuse > 0 {
			refuse--
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		got <- l
	}))
	defer server.Close()
	p, err := platform.Start(t.Context(), platform.Config{
		Memory: true, Open: true, Endpoint: "http://localhost:4566", Region: "us-east-1", Letters: server.URL, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	do(t, p, api.Publish, &api.PublishInput{PhoneNumber: new("+4915112345678"), Message: "hello"})
	if l := <-got; l.Protocol != "sms" || l.To != "+4915112345678" || l.Body != "hello" {
		t.Errorf("posted %+v", l)
	}
}

func TestCouriers(t *testing.T) {
	for _, c := range [][2]string{{"smtp://host", ""}, {"", "ftp://host"}, {"", "nowhere"}} {
		if _, err := sns.NewCourier(c[0], c[1]); err == nil {
			t.Errorf("%q is taken", c)
		}
	}
}
