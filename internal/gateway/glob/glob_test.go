package glob_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/gateway/glob"
)

func TestMatch(t *testing.T) {
	f := func(pattern, s string, want bool) {
		t.Helper()
		if got := glob.Match(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v", pattern, s, got)
		}
	}
	f("/img/*", "/img/a/b.png", true)
	f("/img/*/pics", "/img/x/pics", true)
	f("/img/*/pics", "/img/x/pics/", false)
	f("*.example.com", "www.example.com", true)
	f("*.example.com", "example.com", false)
	f("m??", "max", true)
	f("m??", "ma", false)
	f("", "", true)
	f("**", "", true)
	f("a*a*a*b", strings.Repeat("a", 100), false)
}

// FuzzMatch holds that patterns mean what their regular expressions do.
func FuzzMatch(f *testing.F) {
	f.Add("/a*?b", "/axyb")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if strings.ToValidUTF8(pattern+s, "") != pattern+s || len(pattern)+len(s) > 200 || strings.ContainsFunc(pattern+s, func(r rune) bool { return r > 127 }) {
			return
		}
		re := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		if want, got := regexp.MustCompile(`(?s)^`+re+`$`).MatchString(s), glob.Match(pattern, s); got != want {
			t.Errorf("Match(%q, %q) = %v", pattern, s, got)
		}
	})
}
