package lexer

import (
	"strings"
	"testing"
)

func TestCut(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		tokens, ok := Cut(text)
		var got []string
		for _, t := range tokens {
			got = append(got, string("ewnsi#+"[t.Kind])+t.Text)
		}
		if !ok {
			got = append(got, "?")
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("Cut(%q) = %s, want %s", text, s, want)
		}
	}
	const end = "eend of statement"
	f("", end)
	f(`SELECT "a""b" FROM 'it''s'`, `wSELECT na"b wFROM sit's `+end)
	f("a<=1.5e-3||`2010T`", "wa +<= #1.5e-3 +|| i2010T "+end)
	f("a ; b", "wa "+end+" ?")
	f("'open", end+" ?")
	f("a.5 .b", "wa #.5 +. wb "+end)
	f("a --b", "wa +- +- wb "+end)
}

func TestCutCommented(t *testing.T) {
	for text, want := range map[string]int{"a -- b\nc": 3, "--a": 1, "/* a */ b /**/ -- c": 2, "'--a'": 2, "/* a": 4, "a - b": 4, "-/**/-a": 4} {
		if tokens, _ := CutCommented(text); len(tokens) != want {
			t.Errorf("CutCommented(%q) has %d tokens, want %d: %v", text, len(tokens), want, tokens)
		}
	}
}

// FuzzCut: tokens are in order, and of what was given.
func FuzzCut(f *testing.F) {
	f.Add(`SELECT "a".b[0] FROM t WHERE c <> 'it''s' AND d = ?`)
	f.Add("`2010T` 1e-5 << >> ||")
	f.Fuzz(func(t *testing.T, text string) {
		tokens, _ := Cut(text)
		at := -1
		for _, k := range tokens {
			if k.At <= at || k.At > len(text) {
				t.Fatalf("Cut(%q): token %q is at %d, after %d", text, k.Text, k.At, at)
			}
			at = k.At
		}
		if tokens[len(tokens)-1].Kind != End {
			t.Fatalf("Cut(%q) has no end", text)
		}
	})
}
