package serverless

import (
	"maps"
	"testing"
)

func TestParseEnv(t *testing.T) {
	f := func(text string, want map[string]string) {
		t.Helper()
		got := map[string]string{"SET": "before"}
		err := parseEnv(text, got, func(name string) (string, bool) { return "env of " + name, name == "OUTER" })
		if want == nil {
			if err == nil {
				t.Errorf("parseEnv(%q) = %v, want an error", text, got)
			}
			return
		}
		delete(got, "SET")
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("parseEnv(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	f("", map[string]string{})
	f("# note\n\nA=1\nexport B = two words # note\r\nC=\n", map[string]string{"A": "1", "B": "two words", "C": ""})
	f(`A='$B # kept' # note`+"\nB=\"x\\ny\"\nC=`z`", map[string]string{"A": "$B # kept", "B": "x\ny", "C": "z"})
	f("A=a\nB=${A}b\nC=$OUTER\nD=$NONE", map[string]string{"A": "a", "B": "ab", "C": "env of OUTER", "D": ""})
	f("A=\"one\ntwo\"\nB=3", map[string]string{"A": "one\ntwo", "B": "3"})
	f("SET=after\nA=1\nA=2", map[string]string{"A": "1"})
	f("no assignment", nil)
}

// FuzzParseEnv holds that any text is read or refused.
func FuzzParseEnv(f *testing.F) {
	f.Add("A=1\nB=\"$A\n'")
	f.Add("export X='")
	f.Fuzz(func(t *testing.T, text string) {
		_ = parseEnv(text, make(map[string]string), func(string) (string, bool) { return "", false })
	})
}
