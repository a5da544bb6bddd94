package outbound

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Nothing is fetched from where the platform itself is, unless it may be.
func TestFetch(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("here")) }))
	defer s.Close()
	if b, err := NewFetcher(true).Fetch(t.Context(), s.URL); err != nil || string(b) != "here" {
		t.Errorf("local: got %s, %v", b, err)
	}
	if _, err := NewFetcher(false).Fetch(t.Context(), s.URL); err == nil || !strings.Contains(err.Error(), "is not https") {
		t.Errorf("not https: got %v", err)
	}
	for _, address := range []string{"127.0.0.1:443", "10.1.2.3:443", "169.254.169.254:80", "[::1]:443", "[::ffff:127.0.0.1]:443", "[fe80::1]:443", "[fd00::1]:443", "0.0.0.0:443"} {
		if check(address, false) == nil {
			t.Errorf("%s may be asked", address)
		}
	}
	if err := check("93.184.216.34:443", false); err != nil {
		t.Error(err)
	}
}
