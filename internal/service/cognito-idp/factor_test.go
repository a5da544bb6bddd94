package cognitoidp

import (
	"testing"
	"time"
)

// The codes of RFC 6238 are taken when their time is, and nearly so.
func TestStepOf(t *testing.T) {
	secret := []byte("12345678901234567890")
	f := func(at int64, code string, want int64) {
		t.Helper()
		if got := stepOf(secret, code, time.Unix(at, 0)); got != want {
			t.Errorf("%s at %d: step %d, want %d", code, at, got, want)
		}
	}
	f(59, "287082", 1)
	f(89, "287082", 1)
	f(120, "287082", 0)
	f(1111111109, "081804", 37037036)
	f(20000000000, "353130", 666666666)
	f(59, "", 0)
}

func FuzzParseFilter(f *testing.F) {
	f.Add(`email ^= "eve@"`)
	f.Add(`"username"="a\"b"`)
	f.Fuzz(func(t *testing.T, text string) {
		fits, err := parseFilter(text)
		if err == nil {
			fits(&user{Name: text, Attributes: map[string]string{"email": text}})
		}
	})
}

func FuzzRedirectable(f *testing.F) {
	f.Add("https://a.example/in")
	f.Add("javascript:alert(1)")
	f.Add("myapp://in")
	f.Fuzz(func(t *testing.T, text string) {
		if redirectable(text) && (len(text) >= 11 && text[:11] == "javascript:") {
			t.Errorf("browsers may be sent to %q", text)
		}
	})
}
