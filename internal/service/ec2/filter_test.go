package ec2

import (
	"strings"
	"testing"
)

// A pattern is like what it says, and * and ? stand for others.
func TestLike(t *testing.T) {
	for _, c := range []struct {
		s, pattern string
		want       bool
	}{
		{"", "", true}, {"a", "", false}, {"", "*", true}, {"abc", "abc", true}, {"abc", "a?c", true}, {"ac", "a?c", false}, {"abc", "a*", true},
		{"abcbc", "a*bc", true}, {"abcbd", "a*bc", false}, {"a*c", `a\*c`, true}, {"abc", `a\*c`, false}, {"abc", "**c", true},
	} {
		if got := like(c.s, c.pattern); got != c.want {
			t.Errorf("like(%q, %q) = %v, want %v", c.s, c.pattern, got, c.want)
		}
	}
}

func FuzzLike(f *testing.F) {
	f.Add("abc", "a*c?")
	f.Fuzz(func(t *testing.T, s, pattern string) {
		if literal := !strings.ContainsAny(pattern, `*?\\`); like(s, pattern) != (s == pattern) && literal {
			t.Errorf("%q is like %q: %v", s, pattern, s != pattern)
		}
		if !like(s, "*") {
			t.Errorf("%q is not like *", s)
		}
	})
}
