package topic

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	test := func(filter, name string, want bool) {
		t.Helper()
		if err := CheckFilter(filter); err != nil {
			t.Errorf("CheckFilter(%q): %v", filter, err)
		}
		if got := Match(filter, name); got != want {
			t.Errorf("Match(%q, %q) = %v", filter, name, got)
		}
	}
	test("a/b", "a/b", true)
	test("a/b", "a/c", false)
	test("a/b", "a", false)
	test("a", "a/b", false)
	test("a/+", "a/b", true)
	test("a/+", "a/", true)
	test("a/+", "a", false)
	test("a/+", "a/b/c", false)
	test("+/b/+", "a/b/c", true)
	test("a/#", "a", true)
	test("a/#", "a/b/c", true)
	test("a/#", "ab", false)
	test("#", "a/b", true)
	test("#", "$aws/things/x", false)
	test("+/things", "$aws/things", false)
	test("$aws/things/+/shadow/#", "$aws/things/x/shadow/update", true)
	test("a/*", "a/b", false)
	test("/a", "/a", true)
	test("+/+", "/a", true)
}

func TestCheck(t *testing.T) {
	for _, name := range []string{"", "a/#", "a/+", "\xff", strings.Repeat("x", 257), strings.Repeat("/", 8), "a\x00b"} {
		if Check(name) == nil {
			t.Errorf("Check(%q) is no error", name)
		}
	}
	for _, filter := range []string{"#/a", "a#", "a/b+", "+a", ""} {
		if CheckFilter(filter) == nil {
			t.Errorf("CheckFilter(%q) is no error", filter)
		}
	}
	for _, name := range []string{"a", "/", "$aws/rules/r/" + strings.Repeat("/", 7), strings.Repeat("x", 256)} {
		if err := Check(name); err != nil {
			t.Errorf("Check(%q): %v", name, err)
		}
	}
}

// FuzzMatch checks that a name without wildcards matches itself, and # all.
func FuzzMatch(f *testing.F) {
	f.Add("a/b", "a/+")
	f.Fuzz(func(t *testing.T, name, filter string) {
		if Check(name) != nil {
			return
		}
		if !Match(name, name) || !strings.HasPrefix(name, "$") && !Match("#", name) {
			t.Errorf("%q does not match itself", name)
		}
		if CheckFilter(filter) == nil {
			Match(filter, name)
		}
	})
}
