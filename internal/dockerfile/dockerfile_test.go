package dockerfile

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	check := func(text string, want ...Instruction) {
		t.Helper()
		f, err := Parse([]byte(text))
		if err != nil || !reflect.DeepEqual(f.Instructions, want) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", text, f, err, want)
		}
	}
	check("")
	check("# syntax=docker/dockerfile:1\n\nFROM a:1 AS b\n", Instruction{Name: "FROM", Args: "a:1 AS b", Line: 3})
	check("from --platform=linux/amd64 x", Instruction{Name: "FROM", Flags: []Flag{{"platform", "linux/amd64"}}, Args: "x", Line: 1})
	check("RUN a && \\\n# why\n\n  b \\ \n  c\nCMD [\"x\", \"y z\"]\n",
		Instruction{Name: "RUN", Args: "a &&   b   c", Line: 1}, Instruction{Name: "CMD", Args: `["x", "y z"]`, Exec: []string{"x", "y z"}, Line: 6})
	check("CMD [not json", Instruction{Name: "CMD", Args: "[not json", Line: 1})
	check("# escape=`\nRUN a `\n b\n", Instruction{Name: "RUN", Args: "a  b", Line: 2})
	check("RUN <<EOF\none\n  two\nEOF\nUSER x", Instruction{Name: "RUN", Args: "<<EOF", Heres: []Here{{Name: "EOF", Text: "one\n  two\n"}}, Line: 1}, Instruction{Name: "USER", Args: "x", Line: 5})
	check("COPY <<-'A' <<B /to/\n\tx\n\tA\ny\nB\n", Instruction{Name: "COPY", Args: "<<-'A' <<B /to/", Line: 1,
		Heres: []Here{{Name: "A", Text: "x\n", Plain: true, Indent: true}, {Name: "B", Text: "y\n"}}})
	for _, text := range []string{"1FROM x", "RUN <<EOF\nx\n"} {
		if f, err := Parse([]byte(text)); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", text, f)
		}
	}
}

func TestExpand(t *testing.T) {
	vars := map[string]string{"A": "one", "EMPTY": "", "B": "x y"}
	lookup := func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
	f := &File{Escape: '\\'}
	check := func(word, want string) {
		t.Helper()
		if got, err := f.Expand(word, lookup); err != nil || got != want {
			t.Errorf("Expand(%q) = %q, %v, want %q", word, got, err, want)
		}
	}
	check("a$A/b", "aone/b")
	check("${A}B", "oneB")
	check("$B", "x y")
	check(`'$A'"$A"\$A`, "$Aone$A")
	check("${NONE:-x${A}}", "xone")
	check("${EMPTY-x}${EMPTY:-y}", "y")
	check("${A:+set}${NONE:+set}", "set")
	check("$", "$")
	check(`"a\"b\c"`, `a"b\c`)
	for _, word := range []string{"${", "${A", "'x", `"x`, "${A#x}", "${NONE:?it is needed}"} {
		if got, err := f.Expand(word, lookup); err == nil {
			t.Errorf("Expand(%q) = %q, want an error", word, got)
		}
	}
}

func TestPairs(t *testing.T) {
	check := func(text string, want ...Pair) {
		t.Helper()
		f, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Pairs(f.Instructions[0]); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Pairs(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	check(`ENV A=1 B="two words" C=a\ b`, Pair{"A", "1", true}, Pair{"B", `"two words"`, true}, Pair{"C", `a\ b`, true})
	check("ENV A one two", Pair{"A", "one two", true})
	check("ARG X", Pair{"X", "", false})
	check("ARG X=", Pair{"X", "", true})
}

func TestIgnore(t *testing.T) {
	ignore := ParseIgnore("# no\nnode_modules\n*.md\n!README.md\n**/*.pyc\n/build/\n")
	for name, want := range map[string]bool{
		"node_modules/x/y.js": true, "a/node_modules/x": false, "x.md": true, "README.md": false, "a/b/c.pyc": true, "c.pyc": true, "build/x": true, "src/app.py": false,
	} {
		if got := ignore.Has(name); got != want {
			t.Errorf("Has(%q) = %v, want %v", name, got, want)
		}
	}
}

// What parses prints as what parses to the same.
func FuzzParse(f *testing.F) {
	f.Add("FROM a\nRUN --mount=type=cache,target=/x b \\\n c\nCOPY <<EOF /x\ntext $A\nEOF\nENV A=\"b c\" D=${E:-f}\n")
	f.Add("# escape=`\nRUN x `\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse([]byte(text))
		if err != nil {
			return
		}
		lookup := func(name string) (string, bool) { return name, len(name)%2 == 0 }
		for _, in := range file.Instructions {
			_, _ = file.Expand(in.Args, lookup)
			_, _ = file.Pairs(in)
			if strings.HasSuffix(in.String(), string(file.Escape)) {
				continue // as the last of a file it may; before another line it cannot be written
			}
			printed := in.String()
			if file.Escape == '`' {
				printed = "# escape=`\n" + printed
			}
			again, err := Parse([]byte(printed))
			if err != nil || len(again.Instructions) != 1 {
				t.Fatalf("Parse(%q) = %v, %v", printed, again, err)
			}
			got := again.Instructions[0]
			got.Line = in.Line
			if !reflect.DeepEqual(got, in) {
				t.Fatalf("Parse(%q) = %+v, want %+v", printed, got, in)
			}
		}
	})
}
